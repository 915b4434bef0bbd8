import Audit
import Foundation
import Store
import Testing
import Vault

@testable import Server

@Suite("A restore after an erasure")
struct RestoreErasedTests {
    /// An installation where session 3 was erased for good after the backup was made.
    private func erased(
        _ site: BackupSite, _ settings: [String: String] = [:]
    ) async throws -> (name: String, reader: TestServer.Credentials, id: String, receipt: String) {
        let (sender, reader) = try await site.prepares()
        return try await site.serves(settings) { server async throws in
            try await server.sends(0..<10, as: sender)
            let dpo = try await server.token(try await server.makeClient(.dpo))
            let name = try await server.backsUp()
            let answer = try await server.client.post(
                "/v1/subjects/erasures", token: dpo,
                json: "{\"subject\":\"SMCANARY-3@example.org\",\"now\":true}")
            #expect(answer.status < 300, "\(answer.text)")
            let id = try #require(
                answer.json["id"] as? String
                    ?? (answer.json["erasure"] as? [String: Any])?["id"] as? String,
                "\(answer.text)")
            let receipt = try await server.client.get("/v1/erasures/\(id)", token: dpo).text
            return (name, reader, id, receipt)
        }
    }

    private let others = (0..<10).filter { $0 != 3 }.map { "SMCANARY-\($0)@example.org" }

    @Test("replays the ledger, wherever it lies, behind the entry that says it was restored")
    func ledgerElsewhere() async throws {
        let site = try await BackupSite(hasEscrow: true)
        let ledger = "\(site.root)/ledger"
        let settings = ["erasures.directory": ledger]
        try FileManager.default.createDirectory(
            atPath: ledger, withIntermediateDirectories: false)
        let (name, reader, id, _) = try await erased(site, settings)
        try site.losesData()
        try site.losesKeyring()
        #expect(throws: (any Error).self) { try site.restores(name, fromEscrow: true) }
        #expect(!site.exists("\(site.data)/db"))
        try? site.losesData()
        try? site.losesKeyring()
        let unmounted = "\(site.root)/unmounted"
        let failure = #expect(throws: BackupFailure.self) {
            try site.restores(name, fromEscrow: true, erasures: unmounted)
        }
        #expect(failure?.description.contains(unmounted) == true)
        #expect(!site.exists(unmounted), "a mount point is not made")
        _ = try site.restores(name, fromEscrow: true, erasures: ledger)
        try await site.serves(settings) { server async throws in
            let emails = try await server.emails("demo-1-4", as: reader)
            #expect(emails.count == 10)
            #expect(emails.filter { $0.hasPrefix("SMCANARY") }.sorted() == others)
            let restored = try await server.entries(.storeRestored).first?["n"] as? Int
            let replayed = try await server.entries(.erasuresReplayed).first?["n"] as? Int
            #expect(try #require(restored) < #require(replayed))
            let receipts = try await server.entries(.erasureReceiptIssued)
            let details = receipts.compactMap { $0["detail"] as? [String: Any] }
            #expect(details.contains { $0["erasure"] as? String == id && $0["again"] != nil })
        }
        // Once is enough.
        try await site.serves(settings) { server async throws in
            #expect(try await server.entries(.erasureReceiptIssued).count == 1)
        }
    }

    @Test("whose ledger is lost starts if somebody says so, on record, and not otherwise")
    func ledgerLost() async throws {
        let site = try await BackupSite(hasEscrow: true)
        let (name, reader, _, _) = try await erased(site)
        try site.losesData()
        try site.losesKeyring()
        #expect(throws: (any Error).self) { try site.restores(name, fromEscrow: true) }
        let result = try site.restores(name, fromEscrow: true, acceptsLostLedger: true)
        #expect(result.lostLedger?.found == 0)
        #expect(try #require(result.lostLedger).seen > 0)
        try await site.serves { server async throws in
            // Their key was destroyed in the keyring: no ledger is needed for that.
            let emails = try await server.emails("demo-1-4", as: reader)
            #expect(!emails.contains("SMCANARY-3@example.org"))
            let detail = try await server.entries(.storeRestored).first?["detail"]
            #expect((detail as? [String: Any])?["erasureLedgerLost"] as? String == "true")
            // Nor does the next erasure take the last one's number for its own.
            let dpo = try await server.token(try await server.makeClient(.dpo))
            let answer = try await server.client.post(
                "/v1/subjects/erasures", token: dpo,
                json: "{\"subject\":\"SMCANARY-5@example.org\",\"now\":true}")
            let receipt = (answer.json["receipt"] as? [String: Any])?["receipt"] as? [String: Any]
            let destroyed = receipt?["destroyed"] as? [String: Any]
            #expect(destroyed?["dataKeys"] as? Int == 1)
            #expect(destroyed?["bucketKeys"] as? Int == 1)
        }
        try await site.serves { server async throws in
            #expect(try await server.entries(.storeRestored).count == 1)
        }
    }

    @Test(
        "with a ledger that is said to be lost and is there does what the ledger says all the same")
    func ledgerNotLost() async throws {
        let site = try await BackupSite()
        let (name, reader, _, _) = try await erased(site)
        try site.losesData()
        let result = try site.restores(name, acceptsLostLedger: true)
        let told = try #require(result.lostLedger)
        #expect(told.found >= told.seen)
        try await site.serves { server async throws in
            let emails = try await server.emails("demo-1-4", as: reader)
            #expect(emails.filter { $0.hasPrefix("SMCANARY") }.sorted() == others)
            #expect(try await server.entries(.erasuresReplayed).count == 1)
            #expect(try await server.entries(.erasureCompleted).count == 1)
        }
    }

    @Test("of a path where no backup is names it, and makes nothing")
    func wrongPath() async throws {
        let site = try await BackupSite()
        try site.losesData()
        let failure = #expect(throws: BackupFailure.self) { try site.restores("nothing") }
        #expect(failure?.description.contains("\(site.backups)/nothing") == true)
        #expect(!site.exists(site.data))
    }
}
