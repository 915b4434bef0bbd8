import Foundation

/// A script that serves until its standard input closes, which it also does if the tests die.
/// Its first line of output is a JSON object that says where it serves.
final class Companion {
    private(set) var greeting: [String: Any] = [:]
    private let process: Spawned
    private let outputPath: String
    private let errorsPath: String

    /// For Python programs that ask the loopback: whatever proxies the machine has are not for it.
    static let environment = [
        "NO_PROXY": "*", "no_proxy": "*", "AWS_CONFIG_FILE": "/dev/null",
        "AWS_SHARED_CREDENTIALS_FILE": "/dev/null", "PYTHONDONTWRITEBYTECODE": "1",
    ]

    static func start(
        _ script: String, _ arguments: [String] = [], in directory: String
    ) async throws -> Companion {
        let companion = try Companion(script, arguments, in: directory)
        let isReady = await Wait.until(seconds: 60) {
            !companion.lines.isEmpty || !companion.process.isRunning
        }
        guard isReady, let line = companion.lines.first else {
            throw Unexpected("\(script) does not serve: \(companion.errors)")
        }
        companion.greeting = try object(line)
        return companion
    }

    private init(_ script: String, _ arguments: [String], in directory: String) throws {
        let id = UUID().uuidString
        outputPath = "\(directory)/\(id).out"
        errorsPath = "\(directory)/\(id).err"
        for path in [outputPath, errorsPath] {
            _ = FileManager.default.createFile(atPath: path, contents: nil)
        }
        guard FileManager.default.isExecutableFile(atPath: Tool.python) else {
            throw Unexpected("\(Tool.python) is missing: tools/test installs what is needed")
        }
        process = try Spawned(
            Tool.python, [Tool.script(script)] + arguments,
            environment: ProcessInfo.processInfo.environment
                .merging(Self.environment) { _, new in new },
            directory: directory, input: .pipe, output: outputPath, errors: errorsPath)
    }

    var errors: String {
        String(
            decoding: FileManager.default.contents(atPath: errorsPath) ?? Data(), as: UTF8.self)
    }

    /// Whole lines only: the last may be on its way.
    private var lines: [String] {
        let output = FileManager.default.contents(atPath: outputPath) ?? Data()
        guard let end = output.lastIndex(of: UInt8(ascii: "\n")) else { return [] }
        return String(decoding: output[..<end], as: UTF8.self)
            .split(separator: "\n").map(String.init)
    }

    func says(_ line: String) throws {
        guard process.isRunning else { throw Unexpected("a script ended: \(errors)") }
        try process.writes("\(line)\n")
    }

    /// Says a line and takes the line that it answers.
    func asks(_ line: String) async throws -> [String: Any] {
        let count = lines.count
        try says(line)
        let isOver = await Wait.until(seconds: 60) {
            lines.count > count || !process.isRunning
        }
        guard isOver, lines.count > count else {
            throw Unexpected("a script does not answer: \(errors)")
        }
        return try Self.object(lines[count])
    }

    private static func object(_ line: String) throws -> [String: Any] {
        let value = try JSONSerialization.jsonObject(with: Data(line.utf8))
        guard let object = value as? [String: Any] else { throw Unexpected("not an object") }
        return object
    }
}
