import AuditProof
import Foundation
import Testing

/// The independent verifier, `Support/verify_log.py`.
struct PythonVerifier {
    struct Verdict: Decodable {
        let intact: Bool
        let problems: [String]
    }

    /// One verdict for each directory, in their order.
    static func verify(_ directories: [URL], key: VerifierKey) throws -> [Verdict] {
        let tests = URL(filePath: #filePath).deletingLastPathComponent()
        let root = tests.resolvingSymlinksInPath().deletingLastPathComponent()
            .deletingLastPathComponent()
        let python =
            ProcessInfo.processInfo.environment["STRM_TEST_PYTHON"]
            ?? root.appendingPathComponent(".venv/bin/python").path
        let process = Process()
        process.executableURL = URL(filePath: python)
        process.arguments =
            [tests.appendingPathComponent("Support/verify_log.py").path, key.description]
            + directories.map(\.path)
        let output = Pipe()
        process.standardOutput = output
        try process.run()
        let data = try output.fileHandleForReading.readToEnd() ?? Data()
        process.waitUntilExit()
        try #require(process.terminationStatus == 0, "the Python verifier failed")
        return try data.split(separator: 0x0A).map {
            try JSONDecoder().decode(Verdict.self, from: $0)
        }
    }
}

@Suite("Two verifiers that know nothing of one another")
struct DifferentialTests {
    static let seed =
        ProcessInfo.processInfo.environment["STRM_TEST_SEED"].flatMap { UInt64($0) }
        ?? UInt64.random(in: 0...UInt64.max)

    @Test("both find unaltered logs intact", arguments: [[0, 1, 2, 3, 255, 256, 257, 513, 1000]])
    func intact(sizes: [Int]) throws {
        let directory = try TemporaryDirectory()
        var urls: [URL] = []
        for size in sizes {
            let url = directory.url.appendingPathComponent("\(size)")
            let log = try SampleLog(size: size)
            try log.write(to: url)
            urls.append(url)
            #expect(LogVerifier.verify(directory: url.path, key: log.signer.key).isIntact)
        }
        let verdicts = try PythonVerifier.verify(urls, key: try SampleLog.signer().key)
        #expect(verdicts.count == sizes.count)
        #expect(verdicts.filter { !$0.intact }.map(\.problems) == [])
    }

    @Test("both notice every random edit")
    func edits() throws {
        var generator = SeededGenerator(seed: Self.seed)
        let directory = try TemporaryDirectory()
        let key = try SampleLog.signer().key
        var urls: [URL] = []
        var edits: [String] = []
        for number in 0..<120 {
            var log = try SampleLog(size: Int.random(in: 2...700, using: &generator))
            edits.append(Self.edit(&log, kind: number, &generator))
            let url = directory.url.appendingPathComponent("\(number)")
            try log.write(to: url)
            urls.append(url)
        }
        let verdicts = try PythonVerifier.verify(urls, key: key)
        try #require(verdicts.count == urls.count)
        for (number, url) in urls.enumerated() {
            let report = LogVerifier.verify(directory: url.path, key: key)
            #expect(!report.isIntact, "STRM_TEST_SEED=\(Self.seed): ours missed \(edits[number])")
            #expect(
                !verdicts[number].intact,
                "STRM_TEST_SEED=\(Self.seed): Python missed \(edits[number])")
        }
    }

    /// Changes the log in one place and says how.
    static func edit(
        _ log: inout SampleLog, kind: Int, _ generator: inout SeededGenerator
    ) -> String {
        let bundles = log.files.keys.filter { $0.hasPrefix("tile/entries/") }.sorted()
        let all = log.files.keys.sorted()
        let bundle = bundles[Int.random(in: 0..<bundles.count, using: &generator)]
        let file = all[Int.random(in: 0..<all.count, using: &generator)]
        var entries = log.entries(bundle)
        let place = Int.random(in: 0..<entries.count, using: &generator)
        let bytes = log.files[file] ?? []
        switch kind % 8 {
        case 0:
            entries.remove(at: place)
        case 1:
            let byte = Int.random(in: 0..<entries[place].count, using: &generator)
            entries[place][byte] ^= UInt8.random(in: 1...255, using: &generator)
        case 2 where entries.count > 1:
            entries.swapAt(place, (place + 1) % entries.count)
        case 3:
            entries.insert(entries[place], at: place)
        case 4:
            log.files[file] = Array(bytes[..<Int.random(in: 0..<bytes.count, using: &generator)])
            return "\(file) cut short"
        case 5:
            log.files[file]?[Int.random(in: 0..<bytes.count, using: &generator)] ^=
                1 << UInt8.random(in: 0...7, using: &generator)
            return "a bit of \(file) flipped"
        case 6:
            log.files[file] = nil
            return "\(file) removed"
        default:
            log.files[file]? += [UInt8](repeating: 0, count: 32)
            return "\(file) made longer"
        }
        log.files[bundle] = SampleLog.bundle(entries)
        return "edit \(kind % 8) of entry \(place) in \(bundle)"
    }
}
