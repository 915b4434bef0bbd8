import Foundation
import Store
import Synchronization
import Vault

@testable import Server

/// A real server on a port of the kernel's choice with a data directory of its own, and words for
/// what the tests do with it.
final class TestServer: Sendable {
    let directory: String
    let initial: InitResult
    let client: TestClient
    private let server: StreamMachineServer
    private let task: Task<Void, any Error>
    private let hasPurposes = Mutex(false)

    struct Credentials: Sendable {
        var id: String
        var secret: String
    }

    /// Runs `body` against a new server and stops it afterwards; `body` may restart it with
    /// `restarted`.
    static func with(
        _ overrides: [String: String] = [:], clock: TestClock? = nil, gate: CommitGate? = nil,
        _ body: (TestServer) async throws -> Void
    ) async throws {
        let directory = FileManager.default.temporaryDirectory
            .appending(path: "strm-server-\(UUID().uuidString)").path
        defer { try? FileManager.default.removeItem(atPath: directory) }
        let initial = try await Installation.initialise(
            InitOptions(dataDirectory: directory), clock: clock?.read ?? SystemClock.milliseconds)
        let server = try await TestServer(directory, initial, overrides, clock, gate)
        do {
            try await body(server)
        } catch {
            try await server.stop()
            throw error
        }
        try await server.stop()
    }

    init(
        _ directory: String, _ initial: InitResult, _ overrides: [String: String] = [:],
        _ clock: TestClock? = nil, _ gate: CommitGate? = nil,
        retryPause: @escaping SealRetry.Pause = SealRetry.clockPause
    ) async throws {
        self.directory = directory
        self.initial = initial
        var all = [
            "http.port": "0", "tokens.issuer": "http://issuer.test", "log.level": "critical",
            "http.threads": "2", "http.shutdownSeconds": "3", "limits.keyCacheMax": "1024",
            // Most tests are not about who approves; those that are say otherwise.
            "governance.singlePerson": "true",
        ]
        all.merge(overrides) { $1 }
        let settings = try ServerSettings.load(
            directory: directory, overrides: all, environment: [:])
        let (ports, continuation) = AsyncStream.makeStream(of: Int.self)
        let server = StreamMachineServer(
            settings, clock: clock?.read ?? SystemClock.milliseconds,
            vaultClock: clock?.vaultClock ?? .system, observer: gate, retryPause: retryPause
        ) { continuation.yield($0) }
        self.server = server
        task = Task {
            defer { continuation.finish() }
            try await server.run()
        }
        var iterator = ports.makeAsyncIterator()
        guard let port = await iterator.next() else {
            try await task.value
            throw TestClient.Failure(step: "the server did not start")
        }
        client = TestClient(port: port)
    }

    /// Graceful; returns when everything is closed.
    func stop() async throws {
        await server.stop()
        try await task.value
    }

    func token(_ id: String, _ secret: String) async throws -> String {
        let response = try await client.form(
            "/oauth2/token",
            "grant_type=client_credentials&client_id=\(id)&client_secret=\(secret)")
        guard let token = response.json["access_token"] as? String else {
            throw TestClient.Failure(step: "no token: \(response.status)")
        }
        return token
    }

    func token(_ credentials: Credentials) async throws -> String {
        try await token(credentials.id, credentials.secret)
    }

    func administrator() async throws -> String {
        try await token(initial.administrator.clientID, initial.administrator.clientSecret)
    }

    /// Makes a client and gives its token.
    func makeClient(_ role: Role, scope: String? = nil) async throws -> Credentials {
        let scopeText = scope.map { "\"\($0)\"" } ?? "null"
        let response = try await client.post(
            "/v1/clients", token: try await administrator(),
            json: "{\"role\":\"\(role.rawValue)\",\"scope\":\(scopeText)}")
        return try Self.credentials(response.json)
    }

    /// Gives the levels a purpose that have none, as an administrator.
    func definePurposes(_ levels: some Sequence<Int>) async throws {
        let token = try await administrator()
        let known = try await client.get("/v1/purposes", token: token).json["items"]
        let there = (known as? [[String: Any]] ?? []).compactMap { $0["level"] as? Int }
        for level in levels where !there.contains(level) {
            let answer = try await client.send(
                "PUT", "/v1/purposes/\(level)", token: token,
                headers: ["content-type": "application/json"],
                body: Array(TestEvents.purpose(level).utf8))
            guard answer.status == 200 || answer.status == 201 else {
                throw TestClient.Failure(step: "no purpose: \(answer.status) \(answer.text)")
            }
        }
    }

    private func defineUsualPurposes() async throws {
        let isFirst = hasPurposes.withLock { has in
            defer { has = true }
            return !has
        }
        if isFirst { try await definePurposes(0...4) }
    }

    /// Makes a stream, or with `{"derivedFrom":…}` a derived one, and gives the credentials that
    /// came with it. A derived one is approved too, so that it can be read.
    @discardableResult
    func makeStream(_ json: String) async throws -> Credentials {
        try await defineUsualPurposes()
        let token = try await administrator()
        let response = try await client.post("/v1/streams", token: token, json: json)
        guard response.status == 201 else {
            throw TestClient.Failure(step: "no stream: \(response.status) \(response.text)")
        }
        if response.json["kind"] as? String == "derived-stream" {
            let name = response.json["name"] as? String ?? ""
            let id = response.json["id"] as? Int ?? -1
            let approved = try await client.post(
                "/v1/streams/\(name)/approve", token: token, json: "{\"id\":\(id)}")
            guard approved.status == 200 else {
                throw TestClient.Failure(step: "not approved: \(approved.text)")
            }
        }
        return try Self.credentials(response.json["client"] as? [String: Any] ?? [:])
    }

    func makeContract(_ document: String = TestEvents.contract) async throws {
        try await defineUsualPurposes()
        let token = try await administrator()
        let created = try await client.post("/v1/contracts", token: token, json: document)
        guard created.status == 201, let ref = created.json["ref"] as? String else {
            throw TestClient.Failure(step: "no contract: \(created.text)")
        }
        for verb in ["review", "approve", "activate"] {
            let number = created.json["number"] as? Int ?? -1
            let moved = try await client.send(
                "POST", "/v1/contracts/\(ref)/\(verb)", token: token,
                body: verb == "approve" ? Array("{\"number\":\(number)}".utf8) : nil)
            guard moved.status == 200 else {
                throw TestClient.Failure(step: "\(verb) failed: \(moved.text)")
            }
        }
    }

    /// Contract, stream `demo`, and a token that sends to it and reads it sealed.
    func demo() async throws -> String {
        try await makeContract()
        return try await token(try await makeStream("{\"name\":\"demo\"}"))
    }

    private static func credentials(_ json: [String: Any]) throws -> Credentials {
        guard let id = json["clientId"] as? String, let secret = json["clientSecret"] as? String
        else { throw TestClient.Failure(step: "no credentials") }
        return Credentials(id: id, secret: secret)
    }
}

/// A clock that tests move. Starts at the real time, because key epochs never go back behind the
/// installation's.
final class TestClock: Sendable {
    private let now = Mutex<Milliseconds>(SystemClock.milliseconds())

    var read: @Sendable () -> Milliseconds { { self.now.withLock { $0 } } }

    /// The monotonic clock goes along: to the vault this is time that passes, not a jump.
    var vaultClock: VaultClock { VaultClock(wall: read, monotonic: read) }

    func advance(seconds: Int64) { now.withLock { $0 += seconds * 1_000 } }
}

/// Lets tests hold commits back, or make them fail.
final class CommitGate: CommitObserver {
    private let condition = NSCondition()
    private let state = Mutex((isClosed: false, isBroken: false, waiting: 0))

    /// Commits that wait at the gate.
    var waiting: Int { state.withLock { $0.waiting } }

    func close() { state.withLock { $0.isClosed = true } }

    func open() {
        condition.lock()
        state.withLock { $0.isClosed = false }
        condition.broadcast()
        condition.unlock()
    }

    /// Every write fails from now on.
    func breakWrites() { state.withLock { $0.isBroken = true } }

    func willWrite(_ batch: CommitFacts) throws(StoreError) {
        condition.lock()
        state.withLock { $0.waiting += 1 }
        while state.withLock({ $0.isClosed }) { condition.wait() }
        state.withLock { $0.waiting -= 1 }
        condition.unlock()
        if state.withLock({ $0.isBroken }) { throw .io("broken by the test") }
    }

    func didWrite(_ batch: CommitFacts, syncs: UInt64) throws(StoreError) {}
    func willAcknowledge(_ batch: CommitFacts, syncs: UInt64) {}
}
