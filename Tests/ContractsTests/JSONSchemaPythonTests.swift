import Foundation
import Testing

@testable import Contracts

struct JSONSchemaPythonTests {
    /// Python's verdicts: "1", "0", or what it raised.
    private static func verdicts(_ lines: [[UInt8]]) throws -> [String] {
        let environment = ProcessInfo.processInfo.environment
        let python =
            environment["STRM_TEST_PYTHON"]
            ?? packageRoot.appending(path: ".venv/bin/python").path
        // A file, since both ends of two pipes could wait for each other.
        let file = FileManager.default.temporaryDirectory
            .appending(path: "schema-pairs-\(UUID().uuidString).jsonl")
        try Data(lines.joined(separator: [UInt8(ascii: "\n")])).write(to: file)
        defer { try? FileManager.default.removeItem(at: file) }
        let process = Process()
        process.executableURL = URL(filePath: python)
        process.arguments = [
            URL(filePath: #filePath).deletingLastPathComponent()
                .appending(path: "Data/jsonschema_verdicts.py").path
        ]
        process.standardInput = try FileHandle(forReadingFrom: file)
        let pipe = Pipe()
        process.standardOutput = pipe
        try process.run()
        let output = pipe.fileHandleForReading.readDataToEndOfFile()
        process.waitUntilExit()
        #expect(process.terminationStatus == 0, "jsonschema in \(python)")
        return String(decoding: output, as: UTF8.self).split(separator: "\n").map(String.init)
    }

    @Test(arguments: [false, true])
    func `generated schemas judge generated values as Python's jsonschema does`(
        isDraft7: Bool
    ) throws {
        var generator = SchemaGenerator(random: .printed(), isDraft7: isDraft7)
        var pairs: [(schema: JSONValue, instance: JSONValue)] = []
        for _ in 0..<400 {
            let schema = generator.document()
            for _ in 0..<6 { pairs.append((schema, generator.value())) }
        }
        let lines = pairs.map { pair in
            JSONValue.object([
                .init(name: "schema", value: pair.schema),
                .init(name: "instance", value: pair.instance),
            ]).bytes
        }
        let expected = try Self.verdicts(lines)
        #expect(expected.count == pairs.count)
        var counts: [String: Int] = [:]
        var judges: [Int: SchemaJudge] = [:]
        for (at, pair) in pairs.enumerated() where at < expected.count {
            let judge = try judges[at / 6] ?? SchemaJudge(pair.schema)
            judges[at / 6] = judge
            let refusal = judge.refusal(pair.instance)
            // The second run, which explains, finds what the first one found.
            #expect(refusal.map { $0.kind == .schemaViolation } ?? true)
            let own = refusal == nil ? "1" : "0"
            counts[own, default: 0] += 1
            guard own != expected[at] else { continue }
            Issue.record(
                "\(own), Python: \(expected[at]) for \(String(decoding: lines[at], as: UTF8.self))")
            return
        }
        #expect(counts["1", default: 0] > 500 && counts["0", default: 0] > 500)
    }
}
