import Foundation

/// Runs a script of `Scripts/` by the project's interpreter. A missing interpreter fails the test.
enum Python {
    struct Failure: Error { var text: String }

    /// - Parameter onFirstLine: called when the script has written its first line.
    static func run(
        _ script: String, _ arguments: [String],
        onFirstLine: (@Sendable () async throws -> Void)? = nil
    ) async throws -> String {
        let process = Process()
        let here = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        let root = here.deletingLastPathComponent().deletingLastPathComponent()
        let named = ProcessInfo.processInfo.environment["STRM_TEST_PYTHON"]
        process.executableURL =
            named.map { URL(filePath: $0) }
            ?? root.appending(path: ".venv/bin/python")
        process.arguments = [here.appending(path: "Scripts/\(script)").path] + arguments
        let output = Pipe()
        let errors = Pipe()
        process.standardOutput = output
        process.standardError = errors
        try process.run()
        if let onFirstLine {
            _ = await onThread { output.fileHandleForReading.availableData }
            try await onFirstLine()
        }
        let text = await onThread { output.fileHandleForReading.readDataToEndOfFile() }
        let complaints = await onThread { errors.fileHandleForReading.readDataToEndOfFile() }
        process.waitUntilExit()
        guard process.terminationStatus == 0 else {
            throw Failure(text: String(decoding: complaints, as: UTF8.self))
        }
        return String(decoding: text, as: UTF8.self)
    }

    private static func onThread(_ body: @escaping @Sendable () -> Data) async -> Data {
        await withCheckedContinuation { continuation in
            Thread.detachNewThread { continuation.resume(returning: body()) }
        }
    }
}
