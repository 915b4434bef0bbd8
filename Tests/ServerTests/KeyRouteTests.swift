import Foundation
import Store
import Testing
import Vault

@testable import Server

@Suite("Custody of the keys over HTTP")
struct KeyRouteTests {
    private static let base64 = Data((1...32).map { UInt8($0) }).base64EncodedString()

    @Test("the state of the keyring tells custody, epochs and ages, and no key")
    func status() async throws {
        try await TestServer.with { server in
            let token = try await server.demo()
            _ = try await server.client.post("/event", token: token, json: TestEvents.event())
            let answer = try await server.client.get(
                "/v1/keys", token: try await server.administrator())
            #expect(answer.status == 200)
            let custody = answer.json["masterKey"] as? [String: Any]
            #expect(custody?["custody"] as? String == "file")
            let secrets = answer.json["secrets"] as? [[String: Any]] ?? []
            #expect(secrets.contains { $0["kind"] as? String == "auditSigning" })
            #expect(secrets.contains { $0["kind"] as? String == "tokenSigning" })
            let epochs = answer.json["epochs"] as? [[String: Any]] ?? []
            #expect(epochs.count == 1)
            #expect(epochs.first?["retentionDays"] as? Int == 7)
            let key = try String(
                contentsOfFile: "\(server.directory)/keys/master.key", encoding: .utf8)
            #expect(!answer.text.contains(key.dropLast(2)))
        }
    }

    @Test("the master key moves to another file, on record, and the next start needs that one")
    func moves() async throws {
        try await TestServer.with { server in
            let administrator = try await server.administrator()
            let path = "\(server.directory)/keys/second.key"
            let answer = try await server.client.post(
                "/v1/keys/rotate-master", token: administrator, json: "{\"to\":\"file:\(path)\"}")
            #expect(answer.status == 200, "\(answer.text)")
            #expect(answer.json["setting"] as? String == "file:\(path)")
            #expect(answer.json["escrow"] is NSNull)
            let attributes = try FileManager.default.attributesOfItem(atPath: path)
            #expect(attributes[.posixPermissions] as? Int == 0o600)
            let log = try await server.client.get(
                "/v1/audit/entries?act=masterKeyRotated", token: administrator)
            #expect((log.json["items"] as? [Any])?.count == 1)
            try await server.stop()
            await #expect(throws: (any Error).self) {
                _ = try await TestServer(server.directory, server.initial)
            }
            let again = try await TestServer(
                server.directory, server.initial, ["masterKey": "file:\(path)"])
            try await again.stop()
        }
    }

    @Test(
        "a command or a relative path is not taken from the network, and a bad key changes nothing")
    func refusals() async throws {
        try await TestServer.with { server in
            let administrator = try await server.administrator()
            let bad = "\(server.directory)/bad.key"
            _ = FileManager.default.createFile(
                atPath: bad, contents: Data("short".utf8), attributes: [.posixPermissions: 0o600])
            for (target, status) in [
                ("command:/bin/echo \(Self.base64)", 400), ("file:relative", 400), ("x", 400),
                ("environment:STRM_TEST_NEVER_SET", 409), ("file:\(bad)", 409),
            ] {
                let answer = try await server.client.post(
                    "/v1/keys/rotate-master", token: administrator, json: "{\"to\":\"\(target)\"}")
                #expect(answer.status == status, "\(target): \(answer.text)")
            }
            // Those that were on record as rotations are followed by an entry that says otherwise.
            let log = try await server.client.get(
                "/v1/audit/entries?act=masterKeyRotated", token: administrator)
            let details = (log.json["items"] as? [[String: Any]] ?? []).map {
                ($0["detail"] as? [String: Any])?["state"] as? String
            }
            #expect(details == [nil, "refused", nil, "refused"])
            try await server.stop()
            let again = try await TestServer(server.directory, server.initial)
            try await again.stop()
        }
    }

    @Test("what became of a rotation that failed when it was on record already is told by kind")
    func states() {
        for error in [
            MasterKeyError.escrowBehind("it is away"), .unchanged, .badPlace(expected: "another"),
            .vault(.masterKey("none")), .vault(.masterKeyAbsent("missing")),
        ] {
            #expect(KeyRoutes.state(after: error) == "refused")
        }
        #expect(KeyRoutes.state(after: StoreError.overloaded(retryAfterSeconds: 1)) == "refused")
        #expect(KeyRoutes.state(after: MasterKeyError.halfway(path: "/k")) == "halfway")
        #expect(KeyRoutes.state(after: MasterKeyError.vault(.keyring("full"))) == "failed")
    }

    @Test("a place among the keyring's files, or where the key is, is refused and is no rotation")
    func reservedPlaces() async throws {
        try await TestServer.with { server in
            let administrator = try await server.administrator()
            for (name, status) in [
                ("keyring.next", 400), ("keyring.old", 400), ("keyring", 400), ("watermark", 400),
                ("master.key.next", 400), ("master.key.old", 400), ("other", 400),
                ("master.key", 409), ("../keys/master.key", 409),
            ] {
                let answer = try await server.client.post(
                    "/v1/keys/rotate-master", token: administrator,
                    json: "{\"to\":\"file:\(server.directory)/keys/\(name)\"}")
                #expect(answer.status == status, "\(name): \(answer.text)")
            }
            for name in ["keyring.next", "keyring.old", "master.key.next", "other"] {
                let path = "\(server.directory)/keys/\(name)"
                #expect(!FileManager.default.fileExists(atPath: path), "\(name)")
            }
            let log = try await server.client.get(
                "/v1/audit/entries?act=masterKeyRotated", token: administrator)
            #expect((log.json["items"] as? [Any])?.isEmpty == true)
            try await server.stop()
            let again = try await TestServer(server.directory, server.initial)
            try await again.stop()
        }
    }

    @Test("the answer tells the escrow's state; while it is behind nothing is changed or recorded")
    func escrow() async throws {
        let escrow = FileManager.default.temporaryDirectory
            .appending(path: "strm-escrow-\(UUID().uuidString)").path
        defer { try? FileManager.default.removeItem(atPath: escrow) }
        try await TestServer.with(["keyring.escrow.directory": escrow]) { server in
            let administrator = try await server.administrator()
            let file = "\(server.directory)/keys/second.key"
            for body in ["{}", "{\"to\":\"file:\(file)\"}"] {
                let answer = try await server.client.post(
                    "/v1/keys/rotate-master", token: administrator, json: body)
                #expect(answer.status == 409 && answer.text.contains("escrow"), "\(answer.text)")
            }
            #expect(!FileManager.default.fileExists(atPath: file))
            let log = try await server.client.get(
                "/v1/audit/entries?act=masterKeyRotated", token: administrator)
            #expect((log.json["items"] as? [Any])?.isEmpty == true)
            try Vault.prepareEscrow(directory: escrow)
            let answer = try await server.client.post(
                "/v1/keys/rotate-master", token: administrator, json: "{}")
            #expect(answer.status == 200, "\(answer.text)")
            let state = answer.json["escrow"] as? [String: Any]
            #expect(state?["generation"] as? Int == answer.json["generation"] as? Int)
            #expect(state?["behindSince"] is NSNull)
        }
    }

    @Test(
        "a key that could not take its place is told with the files to keep, not as nothing changed"
    )
    func halfway() {
        let problem = KeyRoutes.problem(.halfway(path: "/safe/master.key"), .silent)
        #expect(problem.status == 500 && problem.slug == "master-key-halfway")
        #expect(problem.detail?.contains("/safe/master.key.next") == true)
        #expect(problem.detail?.contains("Nothing was changed") == false)
        let other = KeyRoutes.problem(.vault(.masterKeyAbsent("the file is missing")), .silent)
        #expect(other.status == 409)
        #expect(other.detail?.contains("Nothing was changed") == true)
    }

    @Test("a stopped installation's master key moves to a command, on record")
    func offline() async throws {
        try await TestServer.with { server in
            await #expect(throws: (any Error).self) {
                try await OfflineCustody.rotateMaster(
                    directory: server.directory, to: .command(["/bin/echo", Self.base64]),
                    environment: [:])
            }
            try await server.stop()
            // Neither made nor on record: below there is one entry.
            await #expect(throws: MasterKeyError.self) {
                try await OfflineCustody.rotateMaster(
                    directory: server.directory,
                    to: .file("\(server.directory)/keys/keyring.next"), environment: [:])
            }
            let rotation = try await OfflineCustody.rotateMaster(
                directory: server.directory, to: .command(["/bin/echo", Self.base64]),
                environment: [:])
            #expect(rotation.from == "file")
            #expect(rotation.to == "command")
            let again = try await TestServer(
                server.directory, server.initial, ["masterKey": "command:/bin/echo \(Self.base64)"])
            let log = try await again.client.get(
                "/v1/audit/entries?act=masterKeyRotated", token: try await again.administrator())
            #expect((log.json["items"] as? [Any])?.count == 1)
            try await again.stop()
        }
    }

    @Test("what was destroyed is told with its audit entry, and what will be with its day")
    func expiry() async throws {
        let clock = TestClock()
        try await TestServer.with(clock: clock) { server in
            let token = try await server.demo()
            _ = try await server.client.post("/event", token: token, json: TestEvents.event())
            let before = try await server.client.get(
                "/v1/expiry", token: try await server.administrator())
            #expect((before.json["destroyed"] as? [Any])?.isEmpty == true)
            #expect((before.json["due"] as? [Any])?.count == 1)
            #expect((before.json["dueDays"] as? [Any])?.count == 1)
            let streams = before.json["streams"] as? [[String: Any]]
            #expect(streams?.first?["streams"] as? [String] == ["demo"])
            #expect(before.json["isComplete"] as? Bool == true)
            try await server.stop()
            try await Self.afterTenDays(server, clock)
            let again = try await TestServer(server.directory, server.initial, [:], clock)
            let after = try await again.client.get(
                "/v1/expiry", token: try await again.administrator())
            let destroyed = after.json["destroyed"] as? [[String: Any]] ?? []
            #expect(destroyed.count == 1)
            #expect(destroyed.first?["retentionDays"] as? Int == 7)
            #expect(destroyed.first?["epoch"] as? Int == 1)
            #expect(destroyed.first?["entry"] is Int)
            #expect((after.json["dropped"] as? [Any])?.count == 1)
            #expect((after.json["due"] as? [Any])?.isEmpty == true)
            let far = try await again.client.get(
                "/v1/expiry?to=2001-01-01T00:00:00Z", token: try await again.administrator())
            #expect((far.json["destroyed"] as? [Any])?.isEmpty == true)
            try await again.stop()
        }
    }

    /// A round of housekeeping, ten days later, by a clock that is trusted.
    private static func afterTenDays(_ server: TestServer, _ clock: TestClock) async throws {
        let engine = try Engine(
            settings: try ServerSettings.load(directory: server.directory, environment: [:]),
            clock: clock.read, vaultClock: clock.vaultClock,
            logger: StreamLogHandler.logger(
                try ServerSettings.load(
                    directory: server.directory, overrides: ["log.level": "critical"],
                    environment: [:]
                ).log, clock: clock.read))
        clock.advance(seconds: 10 * 86_400)
        await Housekeeping(engine: engine).tick(now: clock.read())
        await engine.close()
    }
}
