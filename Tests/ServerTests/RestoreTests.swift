import Audit
import AuditProof
import Foundation
import Store
import Testing
import Vault

@testable import Server

@Suite("A restore")
struct RestoreTests {
    private func emails(_ numbers: some Sequence<Int>) -> [String] {
        numbers.map { "SMCANARY-\($0)@example.org" }
    }

    @Test("brings everything back that was acknowledged before the backup, opened and sealed")
    func bringsBack() async throws {
        let site = try await BackupSite()
        let (sender, reader) = try await site.prepares()
        let name = try await site.serves { server async throws in
            try await server.sends(0..<30, as: sender)
            let name = try await server.backsUp()
            try await server.sends(30..<40, as: sender)
            return name
        }
        try site.losesData()
        let result = try site.restores(name)
        #expect(result.events == 30)
        #expect(result.lostEvents == 10)
        #expect(result.wroteSettings)
        let abandoned = try #require(result.abandonedAuditSize)
        #expect(abandoned > result.auditSize)
        #expect(site.exists("\(site.keys)/restored"))
        try await site.serves { server async throws in
            #expect(try await server.emails("demo-1-4", as: reader) == emails(0..<30))
            // Offsets that were given are not given again.
            try await server.sends(50..<52, as: sender)
            let token = try await server.administrator()
            let status = try await server.client.get("/v1/status", token: token).json
            let streams = status["streams"] as? [[String: Any]]
            #expect(streams?.first?["nextOffset"] as? Int == 42)
            #expect(
                try await server.emails("demo-1-4", as: reader) == emails(Array(0..<30) + [50, 51]))
            // On record, before anything else, with what is given up.
            let entry = try #require(try await server.entries(.storeRestored).first)
            let detail = entry["detail"] as? [String: Any]
            #expect(entry["n"] as? Int == Int(result.auditSize))
            #expect(detail?["backup"] as? String == name)
            #expect(detail?["abandonedAuditSize"] as? String == String(abandoned))
            #expect(detail?["abandonedAuditRoot"] as? String == result.abandonedAuditRoot)
            #expect(!site.exists("\(site.keys)/restored"), "the permission is used up")
        }
        // And the next start is one like any other.
        try await site.serves { server async throws in
            #expect(try await server.entries(.storeRestored).count == 1)
        }
    }

    @Test("allows one start on that backup alone: older and other states are refused as before")
    func bound() async throws {
        let site = try await BackupSite()
        let (sender, _) = try await site.prepares()
        let (older, newer) = try await site.serves { server async throws in
            try await server.sends(0..<10, as: sender)
            let older = try await server.backsUp()
            site.clock.advance(seconds: 2)
            try await server.sends(10..<20, as: sender)
            return (older, try await server.backsUp())
        }
        func database(_ name: String) throws {
            try FileManager.default.removeItem(atPath: "\(site.data)/db")
            try FileManager.default.copyItem(
                atPath: "\(site.backups)/\(name)/db", toPath: "\(site.data)/db")
        }
        // The control: without a restore, an older database is refused.
        try database(newer)
        await #expect(throws: StoreError.self) { try await site.serves { _ in } }
        try site.losesData()
        _ = try site.restores(newer)
        // The permission is there, but for the newer one.
        try database(older)
        await #expect(throws: BackupFailure.self) { try await site.serves { _ in } }
        #expect(site.exists("\(site.keys)/restored"))
        try database(newer)
        try await site.serves { _ in }
        // Used up.
        try database(newer)
        await #expect(throws: StoreError.self) { try await site.serves { _ in } }
    }

    @Test("whose permission was altered, or made by somebody else, is refused")
    func forgedTicket() async throws {
        let site = try await BackupSite()
        let name = try await site.serves { try await $0.backsUp() }
        try site.losesData()
        _ = try site.restores(name)
        let path = "\(site.keys)/restored"
        let text = try String(contentsOfFile: path, encoding: .utf8)
        let forged = [
            text.replacing("\"sequence\":", with: "\"sequence\":1"), "", "x",
            text.replacing("streammachine.dev/restores", with: "streammachine.dev/backups"),
            try String(contentsOfFile: "\(site.backups)/\(name)/manifest.json", encoding: .utf8),
        ]
        for (number, forgery) in forged.enumerated() {
            try forgery.write(toFile: path, atomically: true, encoding: .utf8)
            await #expect(throws: BackupFailure.self, "\(number)") {
                try await site.serves { _ in }
            }
        }
        try text.write(toFile: path, atomically: true, encoding: .utf8)
        try await site.serves { _ in }
    }

    @Test("that dies between its steps, or whose first start does, is finished by the next")
    func interrupted() async throws {
        let site = try await BackupSite()
        let (sender, reader) = try await site.prepares()
        let name = try await site.serves { server async throws in
            try await server.sends(0..<5, as: sender)
            let name = try await server.backsUp()
            try await server.sends(5..<9, as: sender)
            return name
        }
        try site.losesData()
        _ = try site.restores(name)
        // Died before the rename: the permission is there, a half copy, and no database.
        try FileManager.default.moveItem(
            atPath: "\(site.data)/db", toPath: "\(site.data)/db.restoring")
        await #expect(throws: (any Error).self) { try await site.serves { _ in } }
        try FileManager.default.removeItem(atPath: "\(site.data)/db.restoring/CURRENT")
        // A start that failed may have made an empty directory.
        try? FileManager.default.removeItem(atPath: "\(site.data)/db")
        _ = try site.restores(name)
        let ticket = try Data(contentsOf: URL(filePath: "\(site.keys)/restored"))
        try await site.serves { _ in }
        // Died after its entry, before the permission was gone.
        try ticket.write(to: URL(filePath: "\(site.keys)/restored"))
        try await site.serves { server async throws in
            #expect(try await server.entries(.storeRestored).count == 1)
            #expect(!site.exists("\(site.keys)/restored"))
            #expect(try await server.emails("demo-1-4", as: reader) == emails(0..<5))
        }
    }

    @Test("overwrites nothing, needs a stopped server and the keyring of the backup")
    func refusals() async throws {
        let site = try await BackupSite()
        let name = try await site.serves { server async throws in
            let name = try await server.backsUp()
            #expect(throws: (any Error).self) { try site.restores(name) }
            return name
        }
        #expect(throws: BackupFailure.self) { try site.restores(name) }
        try FileManager.default.removeItem(atPath: "\(site.data)/db")
        try Data("x".utf8).write(to: URL(filePath: "\(site.data)/mine.txt"))
        #expect(throws: BackupFailure.self) { try site.restores(name) }
        try FileManager.default.removeItem(atPath: "\(site.data)/mine.txt")
        // Another installation's keyring under the same master key.
        let foreign = "\(site.root)/foreign"
        try Vault.initialise(
            keyringDirectory: foreign, masterKey: .file("\(site.root)/master.key"),
            now: site.clock.read())
        #expect {
            try site.restores(name, keyring: foreign)
        } throws: {
            "\($0)".contains("another installation's")
        }
        #expect(throws: VaultError.self) {
            try site.restores(name, keyring: "\(site.root)/nowhere")
        }
        #expect(!site.exists("\(site.data)/db") && !site.exists("\(site.data)/db.restoring"))
        // The settings that are left are kept.
        let before = try Data(contentsOf: URL(filePath: "\(site.data)/strm.json"))
        #expect(try !site.restores(name).wroteSettings)
        #expect(try Data(contentsOf: URL(filePath: "\(site.data)/strm.json")) == before)
        try await site.serves { _ in }
    }

    private func passes(days: Int64, at site: BackupSite) async throws {
        let engine = try Engine(
            settings: try ServerSettings.load(directory: site.data, environment: [:]),
            clock: site.clock.read, vaultClock: site.clock.vaultClock, logger: .silent)
        site.clock.advance(seconds: days * 86_400)
        await Housekeeping(engine: engine).tick(now: site.clock.read())
        await engine.close()
    }

    @Test("of a backup that is older than the retention opens nothing that has expired")
    func expired() async throws {
        let site = try await BackupSite()
        let (sender, reader) = try await site.prepares()
        let name = try await site.serves { server async throws in
            try await server.sends(0..<10, as: sender)
            return try await server.backsUp()
        }
        // Some days later the keys of that day are destroyed, in the keyring alone.
        try await passes(days: 10, at: site)
        // Exactly as old as it was when the backup was made, so that nothing hides it.
        let copy = try StoredCopy(path: "\(site.backups)/\(name)/db")
        #expect(try copy.sweep().events == 10)
        try site.losesData()
        let result = try site.restores(name)
        #expect(result.days == result.expiredDays && result.days > 0)
        #expect(result.events == 10)
        // Not a matter of who asks: the keys are gone, whatever time somebody claims it is.
        // Before the first start, which sweeps their records away.
        do {
            let vault = try Vault.unlock(
                keyringDirectory: site.keys, masterKey: .file("\(site.root)/master.key"),
                clock: site.clock.vaultClock)
            var configuration = StoreConfiguration(
                directory: site.data, watermarkPath: "\(site.keys)/watermark")
            configuration.readerThreads = 1
            configuration.acceptsOlderState = true
            let store = try Store.open(configuration, clock: site.clock.read)
            defer { store.close() }
            vault.attach(store: store)
            var links: [KeyLink] = []
            try store.scanKeys { link, _ in
                links.append(link)
                return true
            }
            #expect(links.count == 10)
            for link in links { #expect(try vault.expiry(of: link) == nil) }
        }
        try await site.serves { server async throws in
            #expect(try await server.emails("demo-1-4", as: reader) == [])
        }
    }

    @Test("with the keyring from its escrow that dies while it copies is ended by the same command")
    func interruptedWithEscrow() async throws {
        let site = try await BackupSite(hasEscrow: true)
        let (sender, reader) = try await site.prepares()
        let name = try await site.serves { server async throws in
            try await server.sends(0..<5, as: sender)
            return try await server.backsUp()
        }
        try site.losesData()
        try site.losesKeyring()
        _ = try site.restores(name, fromEscrow: true)
        // Died in the copy: settings and keyring are there, half a database, and no permission.
        try FileManager.default.moveItem(
            atPath: "\(site.data)/db", toPath: "\(site.data)/db.restoring")
        try FileManager.default.removeItem(atPath: "\(site.data)/db.restoring/CURRENT")
        try FileManager.default.removeItem(atPath: "\(site.keys)/restored")
        let result = try site.restores(name, fromEscrow: true)
        #expect(result.escrowGeneration ?? 0 > 1)
        #expect(result.events == 5)
        try await site.serves { server async throws in
            #expect(try await server.emails("demo-1-4", as: reader) == emails(0..<5))
        }
    }

    @Test("brings the keyring back from its escrow when that is lost too")
    func escrow() async throws {
        let site = try await BackupSite(hasEscrow: true)
        let (sender, reader) = try await site.prepares()
        #expect(try site.names(site.escrow) == ["keyring"])
        let name = try await site.serves { server async throws in
            try await server.sends(0..<10, as: sender)
            let name = try await server.backsUp()
            let metrics = try await server.client.get("/metrics").text
            #expect(metrics.contains("\nstrm_keyring_escrow_behind_seconds"))
            return name
        }
        let escrowed = try Data(contentsOf: URL(filePath: "\(site.escrow)/keyring"))
        #expect(try Data(contentsOf: URL(filePath: "\(site.keys)/keyring")) == escrowed)
        // Another keyring that is there is not replaced.
        try site.losesData()
        let own = URL(filePath: "\(site.keys)/keyring")
        var other = escrowed
        other[other.count - 1] ^= 1
        try other.write(to: own)
        #expect(throws: BackupFailure.self) { try site.restores(name, fromEscrow: true) }
        #expect(try Data(contentsOf: own) == other)
        try site.losesKeyring()
        #expect(throws: VaultError.self) { try site.restores(name) }
        let result = try site.restores(name, fromEscrow: true)
        #expect(result.escrowGeneration ?? 0 > 1)
        #expect(result.abandonedAuditSize == nil, "the watermark is lost with the keyring")
        // As in a drill: the escrow is not this server's unless somebody says so.
        #expect(result.hasNoEscrow)
        let untouched = try Data(contentsOf: URL(filePath: "\(site.escrow)/keyring"))
        try await site.serves { server async throws in
            #expect(try await server.emails("demo-1-4", as: reader) == emails(0..<10))
            let detail = try await server.entries(.storeRestored).first?["detail"]
            #expect((detail as? [String: Any])?["abandonedAuditSize"] as? String == "unknown")
            let metrics = try await server.client.get("/metrics").text
            #expect(!metrics.contains("\nstrm_keyring_escrow_behind_seconds"))
        }
        #expect(try Data(contentsOf: URL(filePath: "\(site.escrow)/keyring")) == untouched)
        try site.losesData()
        try site.losesKeyring()
        #expect(try !site.restores(name, fromEscrow: true, adoptsEscrow: true).hasNoEscrow)
        try await site.serves { server async throws in
            let metrics = try await server.client.get("/metrics").text
            #expect(metrics.contains("\nstrm_keyring_escrow_behind_seconds"))
        }
    }
}
