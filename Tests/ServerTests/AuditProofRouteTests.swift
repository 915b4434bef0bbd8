import Audit
import AuditProof
import Foundation
import Testing
import Vault

@testable import Server

@Suite("Proofs about the audit log over HTTP", .timeLimit(.minutes(2)))
struct AuditProofRouteTests {
    private static func chain(
        _ server: TestServer, _ token: String, rotations: Int
    ) async throws -> KeyChain {
        var proofs: [[UInt8]] = []
        for number in 1..<(rotations + 1) {
            let reply = try await server.client.get("/v1/audit/rotations/\(number)", token: token)
            #expect(reply.status == 200)
            proofs.append(Array(reply.text.utf8))
        }
        return try KeyChain(
            trusting: try VerifierKey(server.initial.auditVerifierKey), rotations: proofs)
    }

    private static func rotate(_ server: TestServer, _ token: String) async throws -> String {
        let reply = try await server.client.post(
            "/v1/keys/rotate-signing", token: token, json: "{\"overlapDays\":0}")
        #expect(reply.status == 200, "\(reply.text)")
        return try #require(reply.json["key"] as? String)
    }

    @Test(
        "an inclusion and a consistency proof hold by the key of init, before and after a new key")
    func proofs() async throws {
        try await TestServer.with { server in
            let token = try await server.administrator()
            let kept = try await server.client.get("/v1/audit/checkpoint", token: token).text
            for rotations in 0...1 {
                if rotations == 1 {
                    let key = try await Self.rotate(server, token)
                    #expect(key != server.initial.auditVerifierKey)
                }
                let chain = try await Self.chain(server, token, rotations: rotations)
                let proof = try await server.client.get(
                    "/v1/audit/proofs/inclusion?entry=1", token: token)
                let (_, entry) = try EntryProof(parsing: Array(proof.text.utf8)).verified(by: chain)
                #expect(LeafHeader(entry)?.number == 1)
                let old = try chain.checkpoint(Array(kept.utf8))
                let update = try await server.client.get(
                    "/v1/audit/proofs/consistency?from=\(old.size)", token: token)
                let new = try TreeUpdate(parsing: Array(update.text.utf8)).verified(
                    by: chain, since: Array(kept.utf8))
                #expect(new.size >= old.size)
            }
            for bad in [
                "inclusion?entry=999999", "inclusion?entry=5&size=5", "consistency?from=999999",
                "consistency?from=2&to=1",
            ] {
                let reply = try await server.client.get("/v1/audit/proofs/\(bad)", token: token)
                #expect(reply.status == 404, "\(bad)")
            }
            for bad in ["inclusion", "inclusion?entry=-1", "consistency?from=x", "inclusion?n=1"] {
                let reply = try await server.client.get("/v1/audit/proofs/\(bad)", token: token)
                #expect(reply.status == 400, "\(bad)")
            }
            for bad in ["0", "2", "x", "-1"] {
                let reply = try await server.client.get("/v1/audit/rotations/\(bad)", token: token)
                #expect(reply.status == 404, "\(bad)")
            }
        }
    }

    @Test("all keys are told, with the entry from which each signs, and what else they sign")
    func keys() async throws {
        try await TestServer.with { server in
            let token = try await server.administrator()
            let new = try await Self.rotate(server, token)
            let reply = try await server.client.get("/v1/audit/verifier-keys", token: token)
            let items = try #require(reply.json["items"] as? [[String: Any]])
            #expect(
                items.map { $0["key"] as? String } == [server.initial.auditVerifierKey, new])
            #expect(items.map { $0["isCurrent"] as? Bool } == [false, true])
            let entry = try #require(items[1]["fromEntry"] as? Int)
            let proof = try await server.client.get(
                "/v1/audit/proofs/inclusion?entry=\(entry)", token: token)
            let rotation = try #require(
                KeyRotation(try EntryProof(parsing: Array(proof.text.utf8)).entry ?? []))
            #expect(rotation.key.description == new)
            // The same key under another name.
            let manifest = try VerifierKey(try #require(items[1]["manifestKey"] as? String))
            let receipt = try VerifierKey(try #require(items[1]["receiptKey"] as? String))
            #expect(manifest.publicKey == rotation.key.publicKey)
            #expect(receipt.publicKey == rotation.key.publicKey)
            #expect(manifest.name == "streammachine.dev/exports")
            #expect(receipt.name == "streammachine.dev/receipts")
            let current = try await server.client.get("/v1/audit/verifier-key", token: token)
            #expect(current.text == new + "\n")
        }
    }

    @Test(
        "a key that a crash left in the keyring is taken by the next change, and by nothing before")
    func crashBetweenKeyAndEntry() async throws {
        let directory = FileManager.default.temporaryDirectory
            .appending(path: "strm-rotation-\(UUID().uuidString)").path
        defer { try? FileManager.default.removeItem(atPath: directory) }
        let initial = try await Installation.initialise(InitOptions(dataDirectory: directory))
        let settings = try ServerSettings.load(directory: directory, environment: [:])
        let orphan: [UInt8]
        do {
            // The change of the key, killed behind its first step.
            let vault = try Vault.unlock(
                keyringDirectory: settings.keyringDirectory, masterKey: settings.masterKey.source)
            try vault.makeAuditSigning(1, now: SystemClock.milliseconds())
            orphan = vault.secret(.auditSigning(number: 1))
        }
        let server = try await TestServer(directory, initial)
        let token = try await server.administrator()
        let before = try await server.client.get("/v1/audit/verifier-key", token: token)
        #expect(before.text == initial.auditVerifierKey + "\n")
        let new = try await Self.rotate(server, token)
        let expected = try CheckpointSigner(name: AuditKeys.origin, privateKey: orphan)
        #expect(new == expected.verifierKey)
        try await server.stop()
        // The key and the entry are there after a restart.
        let again = try await TestServer(directory, initial)
        let after = try await again.client.get(
            "/v1/audit/verifier-key", token: try await again.administrator())
        #expect(after.text == new + "\n")
        try await again.stop()
    }

    @Test("a keyring without the log's key refuses the start and says so")
    func olderKeyring() async throws {
        let directory = FileManager.default.temporaryDirectory
            .appending(path: "strm-rotation-\(UUID().uuidString)").path
        defer { try? FileManager.default.removeItem(atPath: directory) }
        let initial = try await Installation.initialise(InitOptions(dataDirectory: directory))
        let files = FileManager.default
        let kept = directory + ".keyring"
        defer { try? files.removeItem(atPath: kept) }
        let server = try await TestServer(directory, initial)
        try files.copyItem(atPath: directory + "/keys", toPath: kept)
        _ = try await Self.rotate(server, try await server.administrator())
        try await server.stop()
        // The watermark is of today: only the keyring's own files are brought back.
        for name in try files.contentsOfDirectory(atPath: kept) where name.contains("keyring") {
            try? files.removeItem(atPath: "\(directory)/keys/\(name)")
            try files.copyItem(atPath: "\(kept)/\(name)", toPath: "\(directory)/keys/\(name)")
        }
        await #expect {
            _ = try await TestServer(directory, initial)
        } throws: { error in
            "\(error)".contains("signing key 1 is missing")
        }
    }

    @Test("without places outside there is no metric and an empty list")
    func noWitnesses() async throws {
        try await TestServer.with { server in
            let token = try await server.administrator()
            let report = try await server.client.get("/v1/audit/witnesses", token: token)
            #expect((report.json["items"] as? [Any])?.isEmpty == true)
            let metrics = try await server.client.get("/metrics", token: nil)
            #expect(!metrics.text.contains("strm_audit_outside"))
        }
    }

    @Test("a connector's bucket gets each checkpoint, once the connector is there")
    func connectorWitness() async throws {
        let bucket = FileManager.default.temporaryDirectory
            .appending(path: "strm-witness-\(UUID().uuidString)").path
        try FileManager.default.createDirectory(
            atPath: bucket, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(atPath: bucket) }
        let settings = [
            "exports.directory": bucket, "audit.witness.connector": "outside",
            "audit.witness.periodSeconds": "1",
        ]
        try await TestServer.with(settings) { server in
            let token = try await server.administrator()
            let failing = try await Self.waits(server, token) { ($0["failures"] as? Int ?? 0) > 0 }
            #expect((failing["failure"] as? String)?.contains("name of a connector") == true)
            let made = try await server.client.post(
                "/v1/connectors", token: token,
                json: "{\"name\":\"outside\",\"type\":\"local\",\"path\":\"proof\"}")
            #expect(made.status == 201, "\(made.text)")
            let item = try await Self.waits(server, token) { $0["confirmedSize"] is Int }
            let size = try #require(item["confirmedSize"] as? Int)
            let note = try Data(
                contentsOf: URL(filePath: "\(bucket)/proof/checkpoints/\(size)"))
            let key = try VerifierKey(server.initial.auditVerifierKey)
            #expect(
                try Checkpoint(parsing: Array(note), verifiedBy: key).size == UInt64(size))
        }
    }

    /// Asks until it holds; the test's own limit ends it otherwise.
    private static func waits(
        _ server: TestServer, _ token: String, for condition: ([String: Any]) -> Bool
    ) async throws -> [String: Any] {
        while true {
            let report = try await server.client.get("/v1/audit/witnesses", token: token)
            let item = (report.json["items"] as? [[String: Any]])?.first ?? [:]
            if condition(item) { return item }
            try await Task.sleep(for: .milliseconds(10))
        }
    }

    @Test("a file outside gets the checkpoint, and its age is a metric")
    func fileWitness() async throws {
        let file = FileManager.default.temporaryDirectory
            .appending(path: "strm-witness-\(UUID().uuidString)").path
        defer { try? FileManager.default.removeItem(atPath: file) }
        try await TestServer.with(["audit.witness.file": file]) { server in
            let token = try await server.administrator()
            // The first checkpoint is brought there right after the start, beside it.
            let item = try await Self.waits(server, token) { $0["confirmedSize"] is Int }
            #expect(item["name"] as? String == "file")
            let note = try Data(contentsOf: URL(filePath: file))
            let key = try VerifierKey(server.initial.auditVerifierKey)
            let checkpoint = try Checkpoint(parsing: Array(note), verifiedBy: key)
            #expect(checkpoint.size == UInt64(item["confirmedSize"] as? Int ?? -1))
            let metrics = try await server.client.get("/metrics", token: nil)
            #expect(
                metrics.text.contains(
                    "strm_audit_outside_confirmation_age_seconds{kind=\"file\"} "))
            #expect(metrics.text.contains("strm_audit_outside_other_history{kind=\"file\"} 0"))
            let status = try await server.client.get("/v1/status", token: token)
            #expect((status.json["auditWitnesses"] as? [Any])?.count == 1)
        }
    }
}
