import Audit
import AuditProof
import Foundation
import Store
import Testing

@Suite("Reading the audit log")
struct AuditReadingTests {
    /// Six entries, a second apart.
    func sixEntries() async throws -> AuditFixture {
        let fixture = try AuditFixture()
        let entries = [
            AuditEntry(act: .serverStarted),
            AuditEntry(act: .tokenIssued, client: "a", stream: "demo"),
            AuditEntry(
                act: .release, client: "a", stream: "demo", derivedStream: "demo-1",
                fields: ["email", "name"], purposes: [0, 1]),
            AuditEntry(
                act: .release, client: "b", stream: "demo", derivedStream: "demo-1-4",
                fields: ["email"], purposes: [0, 1, 4]),
            AuditEntry(
                act: .release, client: "b", stream: "other", fields: ["name"], purposes: [2]),
            AuditEntry(act: .serverStopped),
        ]
        for entry in entries {
            try await fixture.log.append(entry)
            fixture.clock.now += 1000
        }
        return fixture
    }

    @Test("each part of a filter chooses the entries that agree with it")
    func filters() async throws {
        let fixture = try await sixEntries()
        let second = AuditFixture.noon + 1000
        let expected: [(AuditFilter, [UInt64])] = [
            (AuditFilter(), [0, 1, 2, 3, 4, 5]), (AuditFilter(act: .release), [2, 3, 4]),
            (AuditFilter(client: "a"), [1, 2]), (AuditFilter(stream: "demo"), [1, 2, 3]),
            (AuditFilter(derivedStream: "demo-1"), [2]), (AuditFilter(field: "email"), [2, 3]),
            (AuditFilter(field: "*/email/*"), [2, 3]), (AuditFilter(field: "em*"), []),
            (AuditFilter(purpose: 4), [3]), (AuditFilter(purpose: 0), [2, 3]),
            (AuditFilter(act: .release, client: "b", field: "name"), [4]),
            (AuditFilter(client: "demo"), []), (AuditFilter(from: second), [1, 2, 3, 4, 5]),
            (AuditFilter(to: second), [0]), (AuditFilter(from: second + 1), [2, 3, 4, 5]),
            (AuditFilter(from: second, to: second + 2000), [1, 2]),
            (AuditFilter(from: second + 1, to: second + 2001, act: .release), [2, 3]),
            (AuditFilter(from: second + 100_000), []), (AuditFilter(from: 10, to: 5), []),
        ]
        for (filter, sequences) in expected {
            let page = try fixture.log.entries(matching: filter, from: 0, limit: 100)
            #expect(page.lines.map(\.sequence) == sequences, "\(filter)")
            #expect(page.isComplete)
        }
    }

    @Test("pages of any size go on where the last one ended and give every entry once")
    func paging() async throws {
        let fixture = try await sixEntries()
        for limit in 1...7 {
            var sequences: [UInt64] = []
            var next: UInt64 = 0
            var isComplete = false
            while !isComplete {
                let page = try fixture.log.entries(
                    matching: AuditFilter(act: .release), from: next, limit: limit)
                #expect(page.lines.count <= limit)
                sequences += page.lines.map(\.sequence)
                (next, isComplete) = (page.next, page.isComplete)
            }
            #expect(sequences == [2, 3, 4])
        }
        let page = try fixture.log.entries(matching: AuditFilter(), from: 4, limit: 100)
        #expect(page.lines.map(\.sequence) == [4, 5])
        let beyond = try fixture.log.entries(matching: AuditFilter(), from: .max, limit: 100)
        #expect(beyond.lines.isEmpty && beyond.isComplete)
    }

    @Test("a page begins with new entries that came after the last one was complete")
    func following() async throws {
        let fixture = try await sixEntries()
        let first = try fixture.log.entries(matching: AuditFilter(), from: 0, limit: 100)
        try await fixture.log.append(AuditEntry(act: .serverStarted))
        let second = try fixture.log.entries(matching: AuditFilter(), from: first.next, limit: 100)
        #expect(second.lines.map(\.sequence) == [6])
    }

    @Test("a filter that agrees with nothing costs a bounded scan, and says where to go on")
    func boundedScan() async throws {
        let fixture = try AuditFixture()
        let count = AuditLog.scanCountMax + 500
        for start in stride(from: 0, to: count, by: 2500) {
            try await fixture.records(
                (start..<min(start + 2500, count)).map { AuditEntry(act: .tokenIssued, events: $0) }
            )
        }
        let filter = AuditFilter(client: "nobody")
        let first = try fixture.log.entries(matching: filter, from: 0, limit: 10)
        #expect(first.lines.isEmpty && !first.isComplete)
        #expect(first.next == UInt64(AuditLog.scanCountMax))
        let second = try fixture.log.entries(matching: filter, from: first.next, limit: 10)
        #expect(second.lines.isEmpty && second.isComplete)
        #expect(second.next == UInt64(count))
    }

    @Test("a page is bounded in bytes, but always goes forward")
    func boundedPage() async throws {
        let fixture = try AuditFixture()
        let fields = (0..<1000).map { "customer/address/line-\($0)" }
        let entry = AuditEntry(act: .release, fields: fields)
        try await fixture.records([AuditEntry](repeating: entry, count: 200))
        var next: UInt64 = 0
        var pages = 0
        var count = 0
        while next < 200 {
            let page = try fixture.log.entries(matching: AuditFilter(), from: next, limit: 1000)
            #expect(page.lines.reduce(0) { $0 + $1.line.utf8.count } <= AuditLog.pageByteCountMax)
            #expect(page.next > next)
            next = page.next
            count += page.lines.count
            pages += 1
        }
        #expect(count == 200)
        #expect(pages == 2)
    }

    @Test("tiles by their path are the files of the export, and nothing else is served")
    func tiles() async throws {
        let fixture = try AuditFixture()
        try await fixture.records((0..<700).map { AuditEntry(act: .tokenIssued, events: $0) })
        let files = fixture.file("export")
        _ = try fixture.log.export(to: files.path)
        var paths: [String] = []
        TilePath.forEach(size: 700) { paths.append($0.description) }
        #expect(paths.count == 7)
        for path in paths {
            let file = try Data(contentsOf: files.appendingPathComponent(path))
            #expect(try fixture.log.tile(path) == Array(file))
        }
        // A partial tile of an earlier size is a prefix of the tile as it is now.
        let whole = try #require(try fixture.log.tile("tile/0/000"))
        #expect(try fixture.log.tile("tile/0/000.p/7") == Array(whole.prefix(7 * 32)))
        for path in [
            "tile/0/003", "tile/0/002.p/189", "tile/1/000", "tile/1/000.p/3", "tile/2/000.p/1",
            "tile/entries/002", "tile/entries/002.p/189", "tile/63/000", "checkpoint", "../x", "",
        ] {
            #expect(try fixture.log.tile(path) == nil, "\(path)")
        }
    }

    @Test("an export is verified by the independent verifier too")
    func exportIndependently() async throws {
        let fixture = try AuditFixture()
        for _ in 0..<3 {
            try await fixture.records((0..<99).map { AuditEntry(act: .release, events: $0) })
            fixture.clock.now += 1
        }
        let files = fixture.file("export")
        _ = try fixture.log.export(to: files.path)
        #expect(
            try Self.python(files, fixture.log.verifierKey).hasPrefix(
                #"{"intact": true, "size": 297"#))
        try Data([0]).write(to: files.appendingPathComponent("tile/0/000"))
        #expect(try Self.python(files, fixture.log.verifierKey).hasPrefix(#"{"intact": false"#))
    }

    @Test("an export is readable by its owner only, and never written over another")
    func exportFiles() async throws {
        let fixture = try AuditFixture()
        try await fixture.log.append(AuditEntry(act: .serverStarted))
        let files = fixture.file("export")
        _ = try fixture.log.export(to: files.path)
        func mode(_ url: URL) throws -> Int? {
            try FileManager.default.attributesOfItem(atPath: url.path)[.posixPermissions] as? Int
        }
        #expect(try mode(files) == 0o700)
        #expect(try mode(files.appendingPathComponent("checkpoint")) == 0o600)
        #expect(try mode(files.appendingPathComponent("tile/0/000.p/1")) == 0o600)
        #expect(throws: StoreError.self) { try fixture.log.export(to: files.path) }
    }

    @Test("entries appended while an export runs are not in it")
    func exportSnapshot() async throws {
        let fixture = try AuditFixture()
        try await fixture.records((0..<256).map { AuditEntry(act: .release, events: $0) })
        let log = fixture.log
        let files = fixture.file("export").path
        async let appended: Void = fixture.records(
            (0..<256).map { AuditEntry(act: .release, events: $0) })
        let (size, _) = try log.export(to: files)
        try await appended
        let report = LogVerifier.verify(directory: files, key: fixture.signer.key)
        #expect(report.problems == [])
        #expect(report.checkpoint?.size == size)
    }

    static func python(_ directory: URL, _ key: String) throws -> String {
        let root = URL(filePath: #filePath).resolvingSymlinksInPath().deletingLastPathComponent()
            .deletingLastPathComponent().deletingLastPathComponent()
        let process = Process()
        process.executableURL = URL(
            filePath: ProcessInfo.processInfo.environment["STRM_TEST_PYTHON"]
                ?? root.appendingPathComponent(".venv/bin/python").path)
        let script = root.appendingPathComponent("Examples/audit/verify_audit.py")
        process.arguments = [script.path, "--json", "--key", key, directory.path]
        let output = Pipe()
        process.standardOutput = output
        try process.run()
        let data = try output.fileHandleForReading.readToEnd() ?? Data()
        process.waitUntilExit()
        try #require(process.terminationStatus <= 1, "the Python verifier failed")
        return String(decoding: data, as: UTF8.self)
    }
}
