import Foundation
import Logging
import Store
import Synchronization
import Testing
import Vault

@testable import Server

@Suite("A sealed server that looks for its key again", .timeLimit(.minutes(2)))
struct SealRetryTests {
    /// What was logged.
    private final class Lines: Sendable {
        private let lines = Mutex<[String]>([])

        var all: [String] { lines.withLock { $0 } }

        func logger() throws -> Logger {
            let settings = try ServerSettings.load(directory: "/nonexistent", environment: [:]).log
            return Logger(label: "strm") { label in
                StreamLogHandler(label: label, settings: settings, clock: { 0 }) { line in
                    self.lines.withLock { $0.append(String(decoding: line, as: UTF8.self)) }
                }
            }
        }
    }

    /// The waits of a test, which ends them after so many.
    private final class Waits: Sendable {
        private let waits = Mutex<[Milliseconds]>([])

        var all: [Milliseconds] { waits.withLock { $0 } }

        func add(_ wait: Milliseconds) -> Int {
            waits.withLock { waits in
                waits.append(wait)
                return waits.count
            }
        }
    }

    /// Looks for the key until `countMax` waits were begun; `step` is told the number of each.
    private func look(
        at source: MasterKeySource, _ countMax: Int, _ lines: Lines,
        _ step: @escaping @Sendable (Int) -> Void = { _ in }
    ) async throws -> [Milliseconds] {
        let waits = Waits()
        let seal = Seal(
            makeEngine: { _ in throw VaultError.masterKeyAbsent("the engine refuses it") },
            monotonic: { 0 }, logger: try lines.logger())
        let retry = SealRetry(
            seal: seal, source: source,
            pause: { wait in
                let count = waits.add(wait)
                guard count < countMax else { throw CancellationError() }
                step(count)
            }, onOpen: { _ in })
        await retry.retry()
        return waits.all
    }

    private func withDirectory(_ body: (String) async throws -> Void) async throws {
        let path = FileManager.default.temporaryDirectory
            .appending(path: "strm-retry-\(UUID().uuidString)").path
        defer { try? FileManager.default.removeItem(atPath: path) }
        try await body(path)
    }

    @Test("it looks after a second and then twice as late each time, at most after a minute")
    func backsOff() async throws {
        let lines = Lines()
        let waits = try await look(at: .file("/nonexistent/master.key"), 9, lines)
        #expect(
            waits == [1_000, 2_000, 4_000, 8_000, 16_000, 32_000, 60_000, 60_000, 60_000])
        #expect(lines.all.count == 1, "\(lines.all)")
        #expect(lines.all.first?.contains("/nonexistent/master.key is missing") == true)
    }

    @Test("another reason is told once, too")
    func reasons() async throws {
        try await withDirectory { directory in
            try FileManager.default.createDirectory(
                atPath: directory, withIntermediateDirectories: true)
            let (path, lines) = ("\(directory)/master.key", Lines())
            _ = try await look(at: .file(path), 6, lines) { number in
                guard number == 3 else { return }
                _ = FileManager.default.createFile(
                    atPath: path, contents: Data(repeating: 7, count: 32),
                    attributes: [.posixPermissions: 0o644])
            }
            #expect(lines.all.count == 2, "\(lines.all)")
            #expect(lines.all.first?.contains("is missing") == true)
            #expect(lines.all.last?.contains("others may use the file \(path)") == true)
        }
    }

    @Test("a key that is there and is refused by the keyring is told, and looked for again")
    func refused() async throws {
        let lines = Lines()
        let base64 = Data(repeating: 7, count: 32).base64EncodedString()
        let waits = try await look(at: .command(["echo", base64]), 3, lines)
        #expect(waits.count == 3)
        #expect(lines.all.count == 1)
        #expect(lines.all.first?.contains("the engine refuses it") == true)
    }

    @Test("opening, which waits for a command and the disk, takes no thread that tasks run on")
    func ownThread() async throws {
        let isInTask = Mutex<[Bool]>([])
        let seal = Seal(
            makeEngine: { _ in
                withUnsafeCurrentTask { task in isInTask.withLock { $0.append(task != nil) } }
                throw VaultError.masterKeyAbsent("the engine refuses it")
            }, monotonic: { 0 }, logger: .silent)
        _ = await seal.openAgain()
        let key = try #require(
            [UInt8](repeating: 7, count: 32).withUnsafeBytes { GivenMasterKey($0) })
        await #expect(throws: Problem.self) { _ = try await seal.unseal(key) }
        #expect(isInTask.withLock { $0 } == [false, false])
    }

    @Test("the environment of a process does not change, so it is not looked at again")
    func environment() async throws {
        let lines = Lines()
        #expect(try await look(at: .environment("STRM_TEST_NEVER_SET"), 3, lines).isEmpty)
        #expect(lines.all.isEmpty)
    }

    /// A server without its key file, which looks for it whenever `turn` says.
    private func withSealed(
        _ body: (
            _ server: TestServer, _ path: String, _ key: Data,
            _ turn: AsyncStream<Void>.Continuation
        ) async throws -> Void
    ) async throws {
        try await withDirectory { directory in
            let initial = try await Installation.initialise(InitOptions(dataDirectory: directory))
            let path = "\(directory)/keys/master.key"
            let key = try Data(contentsOf: URL(filePath: path))
            try FileManager.default.removeItem(atPath: path)
            let (turns, turn) = AsyncStream.makeStream(of: Void.self)
            let server = try await TestServer(
                directory, initial,
                retryPause: { _ in
                    for await _ in turns { return }
                    throw CancellationError()
                })
            do {
                try await body(server, path, key, turn)
            } catch {
                try await server.stop()
                throw error
            }
            try await server.stop()
        }
    }

    @Test("a key file that comes after the start opens the server, which is a start like others")
    func opens() async throws {
        try await withSealed { server, path, key, turn in
            turn.yield()
            #expect(try await server.client.get("/readyz").slug == "sealed")
            _ = FileManager.default.createFile(
                atPath: path, contents: key, attributes: [.posixPermissions: 0o600])
            turn.yield()
            // The suite's limit ends it if that never comes.
            while try await server.client.get("/readyz").status != 200 {
                try await Task.sleep(for: .milliseconds(10))
            }
            let log = try await server.client.get(
                "/v1/audit/entries", token: try await server.administrator())
            let acts = (log.json["items"] as? [[String: Any]] ?? []).map { $0["act"] as? String }
            #expect(acts.prefix(2) == ["clientCreated", "serverStarted"])
            #expect(!acts.contains("serverUnsealed"))
        }
    }

    @Test("an operator who brings the key first does not wait, and nothing is opened twice")
    func operatorFirst() async throws {
        try await withSealed { server, path, key, turn in
            let opened = try await server.client.post(
                "/v1/unseal", json: String(decoding: key, as: UTF8.self), type: "text/plain")
            #expect(opened.status == 204)
            _ = FileManager.default.createFile(
                atPath: path, contents: key, attributes: [.posixPermissions: 0o600])
            turn.yield()
            #expect(try await server.client.get("/readyz").status == 200)
        }
    }
}
