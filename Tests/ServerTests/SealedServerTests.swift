import Foundation
import Store
import Testing
import Vault

@testable import Server

@Suite("A server without its master key")
struct SealedServerTests {
    /// An installation whose server finds no master key, and the key.
    private func withSealed(
        _ clock: TestClock = TestClock(), _ body: (TestServer, _ key: String) async throws -> Void
    ) async throws {
        let directory = FileManager.default.temporaryDirectory
            .appending(path: "strm-sealed-\(UUID().uuidString)").path
        defer { try? FileManager.default.removeItem(atPath: directory) }
        let initial = try await Installation.initialise(
            InitOptions(dataDirectory: directory), clock: clock.read)
        let key = try String(contentsOfFile: "\(directory)/keys/master.key", encoding: .utf8)
        let server = try await TestServer(
            directory, initial, ["masterKey": "environment:STRM_TEST_NEVER_SET"], clock)
        do {
            try await body(server, key)
        } catch {
            try await server.stop()
            throw error
        }
        try await server.stop()
    }

    private func unseal(_ server: TestServer, _ key: String) async throws -> TestClient.Response {
        try await server.client.post("/v1/unseal", json: key, type: "text/plain")
    }

    private static var wrongKey: String { Data(repeating: 7, count: 32).base64EncodedString() }

    @Test("it answers health and metrics, and everything else with 503 sealed")
    func sealed() async throws {
        try await withSealed { server, _ in
            for path in ["/healthz", "/is-alive"] {
                #expect(try await server.client.get(path).status == 200, "\(path)")
            }
            let metrics = try await server.client.get("/metrics").text
            #expect(metrics.contains("\nstrm_sealed 1\n"))
            #expect(metrics.contains("strm_ready 0\n"))
            for (method, path) in [
                ("GET", "/readyz"), ("POST", "/event"), ("POST", "/events"), ("GET", "/v1/streams"),
                ("POST", "/oauth2/token"), ("GET", "/nothing"), ("GET", "/v1/unseal"),
                ("GET", "/openapi.yaml"), ("DELETE", "/v1/streams/demo"),
            ] {
                let answer = try await server.client.send(method, path)
                #expect(answer.status == 503, "\(method) \(path)")
                #expect(answer.slug == "sealed", "\(method) \(path)")
            }
        }
    }

    @Test("the right key opens it on the same port, on record, and a second one is not wanted")
    func opens() async throws {
        try await withSealed { server, key in
            #expect(try await unseal(server, key).status == 204)
            #expect(try await server.client.get("/readyz").status == 200)
            let metrics = try await server.client.get("/metrics").text
            #expect(metrics.contains("\nstrm_sealed 0\n"))
            let token = try await server.demo()
            let sent = try await server.client.post(
                "/event", token: token, json: TestEvents.event())
            #expect(sent.status == 204)
            let read = try await server.client.get("/v1/streams/demo/events?from=0", token: token)
            #expect(read.header("strm-events") == "1")
            let administrator = try await server.administrator()
            let status = try await server.client.get("/v1/keys", token: administrator)
            let custody = status.json["masterKey"] as? [String: Any]
            #expect(custody?["custody"] as? String == "operator")
            let log = try await server.client.get("/v1/audit/entries", token: administrator)
            let acts = (log.json["items"] as? [[String: Any]] ?? []).map { $0["act"] as? String }
            #expect(acts.prefix(3) == ["clientCreated", "serverStarted", "serverUnsealed"])
            #expect(try await unseal(server, key).status == 409)
        }
    }

    @Test("a wrong key leaves it sealed and is counted; a key is tried once a second")
    func wrongKeys() async throws {
        let clock = TestClock()
        try await withSealed(clock) { server, key in
            let wrong = try await unseal(server, Self.wrongKey)
            #expect(wrong.status == 403)
            #expect(wrong.slug == "wrong-master-key")
            #expect(!wrong.text.contains(Self.wrongKey))
            // Even the right one has to wait its second.
            let early = try await unseal(server, key)
            #expect(early.status == 429)
            #expect(early.header("retry-after") == "1")
            let metrics = try await server.client.get("/metrics").text
            #expect(metrics.contains("\nstrm_unseal_wrong_keys_total 1\n"))
            clock.advance(seconds: 1)
            #expect(try await unseal(server, key).status == 204)
            let after = try await server.client.get("/metrics").text
            #expect(after.contains("\nstrm_unseal_wrong_keys_total 1\n"))
        }
    }

    @Test("what is no key is refused as such, without a try")
    func noKey() async throws {
        try await withSealed { server, key in
            for text in [
                "", "x", String(key.dropLast(6)), key + key, "{\"key\":\"\"}",
                String(repeating: "A", count: 5_000),
            ] {
                let answer = try await unseal(server, text)
                #expect(answer.status == 400, "\(text.count) bytes")
                #expect(answer.slug == "invalid-request")
            }
            #expect(try await unseal(server, key).status == 204)
        }
    }

    @Test("another process that has the keyring makes the opening fail, and it can be repeated")
    func keyringInUse() async throws {
        let clock = TestClock()
        try await withSealed(clock) { server, key in
            do {
                let other = try Vault.unlock(
                    keyringDirectory: "\(server.directory)/keys",
                    masterKey: .file("\(server.directory)/keys/master.key"),
                    clock: clock.vaultClock)
                let answer = try await unseal(server, key)
                #expect(answer.status == 503)
                // Why is for the log: the key was not looked at yet, so anybody may have brought it.
                #expect(!answer.text.contains("another process"), "\(answer.text)")
                #expect(answer.text.contains("its log says why"), "\(answer.text)")
                #expect(other.statistics.generation > 0)
            }
            clock.advance(seconds: 2)
            #expect(try await unseal(server, key).status == 204)
        }
    }

    @Test("a master key that is there and wrong refuses the start; one that is missing does not")
    func wrongAtStart() async throws {
        try await withSealed { server, _ in
            try await server.stop()
            let path = "\(server.directory)/keys/master.key"
            _ = FileManager.default.createFile(
                atPath: path, contents: Data(Self.wrongKey.utf8),
                attributes: [.posixPermissions: 0o600])
            await #expect(throws: VaultError.masterKey("it is not the master key of this keyring"))
            {
                _ = try await TestServer(server.directory, server.initial)
            }
            try FileManager.default.removeItem(atPath: path)
            let sealed = try await TestServer(server.directory, server.initial)
            #expect(try await sealed.client.get("/readyz").slug == "sealed")
            try await sealed.stop()
        }
    }

    @Test("a key is taken from this machine, or over TLS")
    func loopback() {
        for address in ["127.0.0.1", "127.9.8.7", "::1", "::ffff:127.0.0.1"] {
            #expect(SealedGateway.isLoopback(address), "\(address)")
        }
        for address in ["", "10.0.0.1", "::", "::ffff:10.0.0.1", "1::1", "fe80::1"] {
            #expect(!SealedGateway.isLoopback(address), "\(address)")
        }
    }

    @Test(
        "a seal lets one key be tried at a time, the next a second after the beginning of the last")
    func machine() {
        var seal = SealStateMachine()
        #expect(seal.tries(at: 10_000) == .go)
        #expect(seal.tries(at: 20_000) == .isOpening)
        seal.hasFailed()
        #expect(seal.tries(at: 10_999) == .tooSoon)
        #expect(seal.tries(at: 11_000) == .go)
        // The source of the settings is no guess: it waits for no second, but for who is at it.
        #expect(seal.begins() == false)
        seal.hasFailed()
        #expect(seal.begins() == true)
        #expect(seal.tries(at: 29_000) == .isOpening)
        seal.isOpen()
        #expect(seal.begins() == false)
        #expect(seal.tries(at: 30_000) == .isOpen)
    }
}
