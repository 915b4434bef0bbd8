import Foundation

/// A program that ran to its end.
struct Finished: Sendable {
    var status: Int32
    var output: String
    var errors: String

    var lines: [String] { output.split(separator: "\n").map(String.init) }

    func json() throws -> [String: Any] {
        let value = try JSONSerialization.jsonObject(with: Data(output.utf8))
        guard let object = value as? [String: Any] else { throw Unexpected("not an object") }
        return object
    }
}

/// A test's own failure, with the reason.
struct Unexpected: Error, CustomStringConvertible {
    var description: String
    init(_ description: String) { self.description = description }
}

/// The programs that the tests start, and the places where they find them.
enum Tool {
    /// The package's folder.
    static let root = URL(filePath: #filePath).deletingLastPathComponent()
        .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent().path

    /// The debug build of `strm`, which `swift build` makes beside the tests.
    static var strm: String {
        ProcessInfo.processInfo.environment["STRM_TEST_BINARY"] ?? "\(root)/.build/debug/strm"
    }

    static var python: String {
        ProcessInfo.processInfo.environment["STRM_TEST_PYTHON"] ?? "\(root)/.venv/bin/python"
    }

    static func script(_ name: String) -> String { "\(root)/Tests/EndToEndTests/Scripts/\(name)" }

    static func contract(_ name: String) -> String { "\(root)/Examples/contracts/\(name)" }

    /// Runs a program to its end, or for `deadlineSeconds`, after which it is killed and its
    /// status is -1. Output goes through files: a program that it left behind cannot
    /// keep a pipe open.
    static func run(
        _ program: String, _ arguments: [String], environment: [String: String] = [:],
        input: String = "", deadlineSeconds: Double = 120
    ) async throws -> Finished {
        let scratch = try Scratch()
        let running = try Running(
            program, arguments, environment: environment, input: input, in: scratch.path)
        let status = await running.waitForExit(seconds: deadlineSeconds)
        return withExtendedLifetime(scratch) {
            Finished(status: status, output: running.output, errors: running.errors)
        }
    }
}

/// A directory that goes away with its owner.
final class Scratch: Sendable {
    let path: String

    init() throws {
        path = NSTemporaryDirectory() + "strm-e2e-\(UUID().uuidString)"
        try FileManager.default.createDirectory(
            atPath: path, withIntermediateDirectories: true,
            attributes: [.posixPermissions: 0o700])
    }

    deinit {
        // What a killed server left behind may be large; a leftover only costs room in /tmp.
        try? FileManager.default.removeItem(atPath: path)
    }
}

/// A program that runs, with its output in files.
final class Running: Sendable {
    private let process: Spawned
    private let outputPath: String
    private let errorsPath: String

    init(
        _ program: String, _ arguments: [String], environment: [String: String] = [:],
        input: String = "", in directory: String
    ) throws {
        let id = UUID().uuidString
        outputPath = "\(directory)/\(id).out"
        errorsPath = "\(directory)/\(id).err"
        let inputPath = "\(directory)/\(id).in"
        guard FileManager.default.isExecutableFile(atPath: program) else {
            throw Unexpected("\(program) is missing: tools/test installs and builds what is needed")
        }
        for path in [outputPath, errorsPath] {
            _ = FileManager.default.createFile(atPath: path, contents: nil)
        }
        try Data(input.utf8).write(to: URL(filePath: inputPath))
        var inherited = ProcessInfo.processInfo.environment
        for name in inherited.keys where name.hasPrefix("STRM_") { inherited[name] = nil }
        inherited["SWIFT_BACKTRACE"] = "enable=no"
        inherited["PYTHONDONTWRITEBYTECODE"] = "1"
        // Some tools leave caches where they are started: in the directory, then.
        process = try Spawned(
            program, arguments, environment: inherited.merging(environment) { _, new in new },
            directory: directory, input: .file(inputPath), output: outputPath, errors: errorsPath)
    }

    var isRunning: Bool { process.isRunning }
    var identifier: Int32 { process.identifier }
    var output: String { Self.text(outputPath) }
    var errors: String { Self.text(errorsPath) }

    func signal(_ number: Int32) { process.signal(number) }

    func kill() { signal(SIGKILL) }

    /// Holds the program still meanwhile, so that its files are those of one moment.
    func still<R>(_ body: () throws -> R) async throws -> R {
        signal(SIGSTOP)
        defer { signal(SIGCONT) }
        let tasks = "/proc/\(identifier)/task"
        let isStill = await Wait.until(seconds: 10) {
            let threads = try? FileManager.default.contentsOfDirectory(atPath: tasks)
            return threads?.allSatisfy { Self.text("\(tasks)/\($0)/stat").contains(") T ") }
                ?? false
        }
        guard isStill else { throw Unexpected("a program does not stop") }
        return try body()
    }

    /// The exit status, or 128 plus the signal that ended it, as a shell would tell it; -1: it had not
    /// ended by itself, and was killed.
    func waitForExit(seconds: Double) async -> Int32 {
        if await !Wait.until(seconds: seconds, { !process.isRunning }) {
            kill()
            _ = await Wait.until(seconds: 10, { !process.isRunning })
            return -1
        }
        return process.status ?? -1
    }

    private static func text(_ path: String) -> String {
        String(decoding: FileManager.default.contents(atPath: path) ?? Data(), as: UTF8.self)
    }
}

/// Waiting for another process: the one thing here that takes real time.
enum Wait {
    /// Looks every 10 ms until `condition` holds; false if it does not within `seconds`.
    static func until(seconds: Double, _ condition: () throws -> Bool) async rethrows -> Bool {
        let clock = ContinuousClock()
        let end = clock.now + .seconds(seconds)
        while try !condition() {
            guard clock.now < end, !Task.isCancelled else { return false }
            try? await clock.sleep(for: .milliseconds(10))
        }
        return true
    }
}
