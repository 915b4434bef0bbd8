import Foundation
import HTTP
import Logging
import Testing

/// A running server on a port that the kernel picked.
struct TestServer {
    let server: HTTPServer
    let handler: TestHandler
    let port: Int
}

/// Lets few servers and their clients run at once: sixty interpreters on two cores would starve each
/// other into their timeouts.
private actor Gate {
    static let shared = Gate()
    private var free = 4
    private var queue: [CheckedContinuation<Void, Never>] = []

    func enter() async {
        if free > 0 {
            free -= 1
        } else {
            await withCheckedContinuation { queue.append($0) }
        }
    }

    func leave() {
        if queue.isEmpty { free += 1 } else { queue.removeFirst().resume() }
    }
}

func withServer<R>(
    _ adjust: (inout HTTPConfiguration) -> Void = { _ in },
    _ body: (TestServer) async throws -> R
) async throws -> R {
    await Gate.shared.enter()
    do {
        let result = try await withServerNow(adjust, body)
        await Gate.shared.leave()
        return result
    } catch {
        await Gate.shared.leave()
        throw error
    }
}

private func withServerNow<R>(
    _ adjust: (inout HTTPConfiguration) -> Void, _ body: (TestServer) async throws -> R
) async throws -> R {
    var configuration = HTTPConfiguration()
    configuration.port = 0
    adjust(&configuration)
    let handler = TestHandler()
    let server = HTTPServer(
        configuration: configuration, handler: handler, logger: Logger(label: "test"))
    do {
        let port = try await server.start()
        let result = try await body(TestServer(server: server, handler: handler, port: port))
        await server.shutdownGracefully(deadlineSeconds: 0.05)
        return result
    } catch {
        await server.shutdownGracefully(deadlineSeconds: 0)
        throw error
    }
}

/// Waits until `condition` holds. Gives up, and fails the test, only after a minute: nothing here
/// measures speed.
func eventually(
    _ what: String, sourceLocation: SourceLocation = #_sourceLocation,
    _ condition: () -> Bool
) async throws {
    let deadline = ContinuousClock.now + .seconds(60)
    while !condition() {
        guard ContinuousClock.now < deadline else {
            Issue.record("never happened: \(what)", sourceLocation: sourceLocation)
            throw NeverHappened(what: what)
        }
        try await Task.sleep(for: .milliseconds(2))
    }
}

struct NeverHappened: Error { let what: String }

/// A directory that goes away with the test.
func withTemporaryDirectory<R>(_ body: (URL) async throws -> R) async throws -> R {
    let directory = FileManager.default.temporaryDirectory
        .appendingPathComponent("strm-http-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: directory, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: directory) }
    return try await body(directory)
}

/// A program under test's control: real clients, driven line by line.
final class Program: @unchecked Sendable {
    // Confined to the test that made it; the pipes are safe to use from any thread.
    private let process = Process()
    private let input = Pipe()
    private let output = Pipe()
    private let errors = Pipe()

    struct Result {
        let status: Int32
        let output: String
        let errors: String
    }

    init(_ path: String, _ arguments: [String]) throws {
        process.executableURL = URL(fileURLWithPath: path)
        process.arguments = arguments
        process.standardInput = input
        process.standardOutput = output
        process.standardError = errors
        try process.run()
    }

    /// Lets a program that reads its standard input go on.
    func proceed() {
        input.fileHandleForWriting.write(Data("\n".utf8))
    }

    /// Waits for the end; what runs longer than two minutes is killed.
    func finish() async -> Result {
        let guardian = Task {
            try await Task.sleep(for: .seconds(120))
            process.terminate()
        }
        defer { guardian.cancel() }
        async let out = Self.readAll(output)
        async let err = Self.readAll(errors)
        let (outText, errText) = await (out, err)
        return await withCheckedContinuation { continuation in
            Thread.detachNewThread { [process] in
                process.waitUntilExit()
                continuation.resume(
                    returning: Result(
                        status: process.terminationStatus, output: outText, errors: errText))
            }
        }
    }

    private static func readAll(_ pipe: Pipe) async -> String {
        await withCheckedContinuation { continuation in
            Thread.detachNewThread {
                let data = pipe.fileHandleForReading.readDataToEndOfFile()
                continuation.resume(returning: String(decoding: data, as: UTF8.self))
            }
        }
    }
}

/// Runs a program to its end; fails the test unless it exits with 0.
func run(
    _ path: String, _ arguments: [String], sourceLocation: SourceLocation = #_sourceLocation
) async throws -> String {
    let result = await (try Program(path, arguments)).finish()
    #expect(
        result.status == 0, "\(path) failed: \(result.errors) \(result.output)",
        sourceLocation: sourceLocation)
    return result.output.trimmingCharacters(in: .whitespacesAndNewlines)
}

func curl(
    _ arguments: String..., sourceLocation: SourceLocation = #_sourceLocation
) async throws -> String {
    try await run(
        "/usr/bin/curl", ["-sS", "--max-time", "100"] + arguments, sourceLocation: sourceLocation)
}

/// The interpreter with the packages of tools/python-requirements.txt.
private func pythonPath() -> String {
    if let path = ProcessInfo.processInfo.environment["STRM_TEST_PYTHON"] { return path }
    let file = URL(fileURLWithPath: #filePath).resolvingSymlinksInPath()
    let root = file.deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent()
    return root.appendingPathComponent(".venv/bin/python").path
}

func startPython(_ script: String, port: Int, _ arguments: String...) throws -> Program {
    try Program(pythonPath(), ["-c", pythonPrelude + script, "\(port)"] + arguments)
}

/// Runs a script after `pythonPrelude` and gives what it printed.
func python(
    _ script: String, port: Int, _ arguments: String...,
    sourceLocation: SourceLocation = #_sourceLocation
) async throws -> String {
    try await run(
        pythonPath(), ["-c", pythonPrelude + script, "\(port)"] + arguments,
        sourceLocation: sourceLocation)
}
