import Foundation

/// A data directory with a server that runs on it, and a home for the command line's credentials:
/// what one user has on one machine. All of it goes away with it.
final class Deployment {
    let scratch: Scratch
    let data: String
    let home: String
    let port: Int
    /// Everything that any of its servers logged.
    private(set) var logs = ""
    private(set) var server: Running?
    private let isSecure: Bool

    var url: String { "\(isSecure ? "https" : "http")://127.0.0.1:\(port)" }
    var environment: [String: String] { ["STRM_HOME": home, "STRM_SERVER": url] }

    /// - Parameter data: the data directory; nil for one of its own.
    init(data: String? = nil, isSecure: Bool = false) throws {
        scratch = try Scratch()
        self.data = data ?? "\(scratch.path)/data"
        home = "\(scratch.path)/home"
        port = try FreePort.pick()
        self.isSecure = isSecure
    }

    deinit { server?.kill() }

    /// A running server with the clickstream contract, stream `demo` and derived stream `demo-1`.
    static func withDemo(data: String? = nil) async throws -> Deployment {
        let deployment = try Deployment(data: data)
        try await deployment.initialise()
        try await deployment.start()
        try await deployment.prepareDemo()
        return deployment
    }

    /// - Parameter extra: what the program gets beside the usual environment, such as a clock.
    func initialise(environment extra: [String: String] = [:]) async throws {
        let finished = try await Tool.run(
            Tool.strm, ["init", "--data", data, "--single-person"],
            environment: environment.merging(extra) { $1 })
        guard finished.status == 0 else {
            throw Unexpected("strm init: status \(finished.status): \(finished.errors)")
        }
    }

    /// Gives consent levels a purpose each.
    func definePurposes(_ levels: ClosedRange<Int>, _ extra: [String] = []) async throws {
        for level in levels {
            try await expectSuccess(
                [
                    "set", "purpose", String(level), "--name", "Purpose \(level)",
                    "--description", "For tests", "--legal-basis", "consent", "--owner", "Tests",
                ] + extra)
        }
    }

    func prepareDemo(_ extra: String...) async throws {
        try await definePurposes(0...4, extra)
        try await expectSuccess(
            ["create", "contract", Tool.contract("clickstream.json"), "--activate"] + extra)
        try await expectSuccess(["create", "stream", "demo"] + extra)
        try await expectSuccess(
            ["create", "stream", "--derived-from", "demo", "--levels", "1", "--approve"] + extra)
    }

    /// Starts the server and returns when it answers requests.
    func start(
        _ arguments: [String] = [], environment: [String: String] = [:]
    ) async throws {
        let portFile = "\(data)/port"
        // One of a server that died would say that this one is up.
        try? FileManager.default.removeItem(atPath: portFile)
        // If it crashes, the log says where.
        let backtrace = ["SWIFT_BACKTRACE": "enable=yes,interactive=no,color=no,timeout=30s"]
        let started = try Running(
            Tool.strm, ["serve", "--data", data, "--port", String(port)] + arguments,
            environment: backtrace.merging(environment) { $1 }, in: scratch.path)
        server = started
        let isUp = await Wait.until(seconds: 60) {
            !started.isRunning
                || (FileManager.default.contents(atPath: portFile)
                    .map { !$0.isEmpty } ?? false)
        }
        guard isUp, started.isRunning else {
            throw Unexpected("the server did not start: \(started.errors)")
        }
    }

    /// SIGTERM, then its exit status.
    @discardableResult
    func stop(seconds: Double = 60) async -> Int32 {
        server?.signal(SIGTERM)
        return await gone(seconds: seconds)
    }

    /// SIGKILL: nothing is tidied up, the port file included.
    func kill() async {
        server?.kill()
        _ = await gone(seconds: 10)
        try? FileManager.default.removeItem(atPath: "\(data)/port")
    }

    private func gone(seconds: Double) async -> Int32 {
        guard let server else { return -1 }
        let status = await server.waitForExit(seconds: seconds)
        logs += server.output + server.errors
        self.server = nil
        return status
    }

    /// Runs `strm` with this deployment's server and credentials.
    func strm(
        _ arguments: [String], input: String = "", deadlineSeconds: Double = 120
    ) async throws -> Finished {
        try await Tool.run(
            Tool.strm, arguments, environment: environment, input: input,
            deadlineSeconds: deadlineSeconds)
    }

    func strm(_ arguments: String..., input: String = "") async throws -> Finished {
        try await strm(arguments, input: input)
    }

    @discardableResult
    func expectSuccess(_ arguments: [String], input: String = "") async throws -> Finished {
        let finished = try await strm(arguments, input: input)
        guard finished.status == 0 else {
            throw Unexpected(
                "strm \(arguments.joined(separator: " ")): status \(finished.status): "
                    + finished.errors)
        }
        return finished
    }

    @discardableResult
    func expectSuccess(_ arguments: String..., input: String = "") async throws -> Finished {
        try await expectSuccess(arguments, input: input)
    }

    /// A stored credential, as the credentials file has it.
    func credential(_ name: String) throws -> (id: String, secret: String) {
        let data = FileManager.default.contents(atPath: "\(home)/credentials.json") ?? Data()
        let document = try JSONSerialization.jsonObject(with: data) as? [String: Any]
        let servers = document?["servers"] as? [String: Any]
        let clients = (servers?[url] as? [String: Any])?["clients"] as? [String: Any]
        guard let client = clients?[name] as? [String: Any], let id = client["clientId"] as? String,
            let secret = client["clientSecret"] as? String
        else { throw Unexpected("no credentials named \(name)") }
        return (id, secret)
    }

    /// An access token, got as any OAuth client would: curl, client credentials, Basic.
    func token(_ name: String, _ curlArguments: [String] = []) async throws -> String {
        let client = try credential(name)
        let reply = try await Tool.run(
            "/usr/bin/curl",
            curlArguments + [
                "-sS", "-u", "\(client.id):\(client.secret)", "-d",
                "grant_type=client_credentials", "\(url)/oauth2/token",
            ])
        guard let token = try reply.json()["access_token"] as? String else {
            throw Unexpected("no token: \(reply.output) \(reply.errors)")
        }
        return token
    }

    /// All events of a stream or derived stream, from the beginning, as JSON objects.
    func events(_ name: String) async throws -> [[String: Any]] {
        let listened = try await expectSuccess("listen", name, "--from", "0", "--no-follow")
        return try listened.lines.map { line in
            let event = try JSONSerialization.jsonObject(with: Data(line.utf8))
            guard let event = event as? [String: Any] else { throw Unexpected("not an object") }
            return event
        }
    }

    /// The offset that the next event of `stream` will get.
    func nextOffset(_ stream: String) async throws -> Int {
        let status = try await expectSuccess("status", "--output", "json").json()
        let streams = status["streams"] as? [[String: Any]] ?? []
        guard let found = streams.first(where: { $0["name"] as? String == stream }),
            let offset = found["nextOffset"] as? Int
        else { throw Unexpected("no stream \(stream) in the status") }
        return offset
    }
}

/// A port of the loopback that nothing uses, chosen by the kernel.
enum FreePort {
    static func pick() throws -> Int {
        let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        guard descriptor >= 0 else { throw Unexpected("no socket") }
        defer { close(descriptor) }
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        let status = withUnsafeMutablePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { generic in
                bind(descriptor, generic, length) == 0
                    && getsockname(descriptor, generic, &length) == 0
            }
        }
        guard status else { throw Unexpected("no free port") }
        return Int(UInt16(bigEndian: address.sin_port))
    }
}

/// A value deep in a JSON object.
func value(_ event: [String: Any], _ path: String...) -> Any? {
    var current: Any? = event
    for name in path { current = (current as? [String: Any])?[name] }
    return current
}

/// Whether a field is sealed: base64 of a version byte 1, a key id of 4 bytes, an SIV of 16 bytes
/// and the ciphertext.
func isSealed(_ field: Any?) -> Bool {
    guard let text = field as? String, let bytes = Data(base64Encoded: text) else { return false }
    return bytes.first == 1 && bytes.count >= 21
}
