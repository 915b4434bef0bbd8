import Foundation
import Testing

@testable import Server

@Suite("The search for marked plaintext")
struct LeakSearchTests {
    private func noise(_ count: Int, seed: UInt64 = 7) -> [UInt8] {
        var state = seed
        return (0..<count).map { _ in
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return UInt8(truncatingIfNeeded: state >> 33)
        }
    }

    private func withDirectory(_ body: (String) throws -> Void) throws {
        let path = FileManager.default.temporaryDirectory
            .appending(path: "strm-leaks-\(UUID().uuidString)").path
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(atPath: path) }
        try body(path)
    }

    @Test("markers are of letters and digits and never the same")
    func markers() {
        let texts = (0..<200).map { _ in LeakMarker.random(.personal, "x").text }
        #expect(Set(texts).count == 200)
        #expect(texts.allSatisfy { $0.utf8.count == 36 && $0.allSatisfy(\.isLetterOrDigit) })
    }

    @Test("a marker is found in every form, at every alignment", arguments: 0..<3)
    func forms(before: Int) throws {
        let marker = LeakMarker.random(.personal, "x")
        let text = Array((String(repeating: "q", count: before) + marker.text + "tail").utf8)
        let lower = text.map { String($0 >> 4, radix: 16) + String($0 & 15, radix: 16) }
        let base64 = Data(text).base64EncodedString()
        let encodings: [(LeakForm, [UInt8])] = [
            (.raw, text), (.base64, Array(base64.utf8)),
            (.hexadecimal, Array(lower.joined().utf8)),
            (.hexadecimal, Array(lower.joined().uppercased().utf8)),
            (.percent, Array(lower.map { "%" + $0 }.joined().utf8)),
            (.percent, Array(lower.map { "%" + $0.uppercased() }.joined().utf8)),
            (
                .utf16,
                Array(String(decoding: text, as: UTF8.self).utf16.flatMap { [UInt8($0), 0] })
            ),
            (
                .utf16,
                Array(String(decoding: text, as: UTF8.self).utf16.flatMap { [0, UInt8($0)] })
            ),
        ]
        for (form, bytes) in encodings {
            var search = LeakSearch([marker, .random(.personal, "other")])
            search.search(noise(4_096) + bytes + noise(512), place: "p", name: "n")
            let hit = try #require(search.hits.first, "\(form)")
            #expect(search.hits.count == 1)
            #expect(hit.form == form && hit.marker == marker && hit.place == "p")
            #expect((4_096..<4_096 + bytes.count).contains(hit.offset))
        }
    }

    @Test("a master key in a file is found as it is kept, and in every form of its 32 bytes")
    func masterKey() throws {
        try withDirectory { directory in
            let key = noise(32, seed: 11)
            let marker = LeakMarker(.custody, "masterKey", bytes: key)
            let texts: [(LeakForm, [UInt8])] = [
                (.raw, key), (.base64, Array((Data(key).base64EncodedString() + "\n").utf8)),
                (.hexadecimal, Array(key.map { String(format: "%02x", $0) }.joined().utf8)),
            ]
            for (form, text) in texts {
                try Data(noise(3_000) + text).write(to: URL(filePath: "\(directory)/master.key"))
                var search = LeakSearch([marker])
                search.search(tree: directory, place: "backup")
                #expect(Set(search.hits.map(\.form)) == [form])
                #expect(search.hits.allSatisfy { $0.marker.kind == .custody })
            }
        }
    }

    @Test("base64 that differs between its two alphabets is found in both")
    func alphabets() {
        let marker = LeakMarker(.credential, "x", text: "~?~?~?>?~>~?")
        let base64 = Data(marker.text.utf8).base64EncodedString()
        #expect(base64.contains("/") || base64.contains("+"))
        let other = base64.replacing("+", with: "-").replacing("/", with: "_")
        for text in [base64, other] {
            var search = LeakSearch([marker])
            search.search(Array(text.utf8), place: "p", name: "n")
            #expect(search.hits.count == 1)
        }
    }

    @Test("what is cut once, as a compressor cuts it, is found by another piece")
    func cut() {
        let marker = LeakMarker.random(.personal, "x")
        for place in 1..<marker.text.utf8.count {
            let bytes = Array(marker.text.utf8)
            var search = LeakSearch([marker])
            search.search(bytes[..<place] + [0, 1] + bytes[place...], place: "p", name: "n")
            #expect(search.hits.count == 1, "cut behind \(place)")
        }
    }

    @Test("noise, the beginning of a marker, and another marker are no hits")
    func nothing() {
        let marker = LeakMarker.random(.personal, "x")
        var search = LeakSearch([marker])
        search.search(noise(1 << 20), place: "p", name: "n")
        search.search(Array(marker.text.utf8.prefix(11)), place: "p", name: "n")
        search.search(Array(LeakMarker.random(.personal, "x").text.utf8), place: "p", name: "n")
        #expect(search.hits.isEmpty)
        #expect(search.tallies["p"]?.files == 3)
    }

    @Test("a marker is found wherever the border of two windows falls, once and at its place")
    func borders() {
        let marker = LeakMarker.random(.personal, "x")
        let patterns = LeakPatterns([marker])
        let bytes = noise(200) + Array(marker.text.utf8) + noise(200)
        for border in 1..<bytes.count {
            var scanner = LeakScanner(patterns)
            scanner.feed(Array(bytes[..<border]))
            scanner.feed(Array(bytes[border...]))
            #expect(scanner.bytes == bytes.count)
            #expect(scanner.found.count == 1)
            let offset = scanner.found.first?.value ?? 0
            #expect([200, 212, 224].contains(offset), "border \(border): \(offset)")
        }
        // One byte at a time.
        var scanner = LeakScanner(patterns)
        for byte in bytes { scanner.feed([byte]) }
        #expect(scanner.found.first?.value == 200)
    }

    @Test("files are read in windows: a marker across one is found at its place")
    func largeFile() throws {
        try withDirectory { directory in
            let marker = LeakMarker.random(.personal, "x")
            let start = (1 << 20) - 30
            let bytes = noise(start) + Array(marker.text.utf8) + noise(1 << 20)
            try Data(bytes).write(to: URL(filePath: "\(directory)/large"))
            var search = LeakSearch([marker])
            search.search(tree: directory, place: "data")
            #expect(search.hits.map(\.offset) == [start])
            #expect(search.hits.first?.name == "\(directory)/large")
            #expect(search.tallies["data"]?.bytes == bytes.count)
        }
    }

    @Test("compressed files are looked into, also those that were cut")
    func compressed() throws {
        try withDirectory { directory in
            let marker = LeakMarker.random(.personal, "x")
            let path = "\(directory)/file"
            let content = noise(300_000) + Array(marker.text.utf8) + noise(500_000)
            try Data(content).write(to: URL(filePath: path))
            let gzip = Process()
            gzip.executableURL = URL(filePath: "/usr/bin/gzip")
            gzip.arguments = [path]
            try gzip.run()
            gzip.waitUntilExit()
            var search = LeakSearch([marker])
            search.search(tree: directory, place: "bucket")
            #expect(search.hits.filter(\.isExpanded).map(\.offset) == [300_000])
            #expect(search.tallies["bucket"]?.expanded == 1)

            let whole = try Data(contentsOf: URL(filePath: "\(path).gz"))
            try whole.prefix(whole.count / 2).write(to: URL(filePath: "\(path).gz"))
            var cut = LeakSearch([marker])
            cut.search(tree: directory, place: "bucket")
            #expect(cut.hits.filter(\.isExpanded).count == 1)
        }
    }

    @Test("names and link targets are looked at, links are not followed, unreadable files are told")
    func names() throws {
        try withDirectory { directory in
            let marker = LeakMarker.random(.personal, "x")
            try Data().write(to: URL(filePath: "\(directory)/a-\(marker.text)"))
            var search = LeakSearch([marker])
            search.search(tree: directory, place: "data")
            #expect(search.hits.map(\.name) == ["a file's name"])

            let linked = LeakMarker.random(.personal, "y")
            try FileManager.default.createSymbolicLink(
                atPath: "\(directory)/link", withDestinationPath: "/nowhere/\(linked.text)")
            var second = LeakSearch([linked])
            second.search(tree: directory, place: "data")
            #expect(second.hits.count == 1)
            #expect(second.tallies["data"]?.files == 1)

            second.search(tree: "\(directory)/missing", place: "log")
            #expect(second.tallies["log"]?.missing == ["\(directory)/missing"])
            #expect(second.tallies["log"]?.vanished == 0)
            try Data().write(to: URL(filePath: "\(directory)/file"))
            second.search(tree: "\(directory)/file/below", place: "log")
            #expect(second.tallies["log"]?.missing.count == 2)
        }
    }

    @Test("files that were not touched since the beginning are counted, not read")
    func unchanged() throws {
        try withDirectory { directory in
            let marker = LeakMarker.random(.personal, "x")
            try Data(marker.text.utf8).write(to: URL(filePath: "\(directory)/file"))
            var search = LeakSearch([marker])
            search.search(
                tree: directory, place: "data", unchangedSince: Date().addingTimeInterval(3_600))
            #expect(search.hits.isEmpty)
            #expect(search.tallies["data"]?.unchanged == 1)
            search.search(
                tree: directory, place: "data", unchangedSince: Date().addingTimeInterval(-3_600))
            #expect(search.hits.count == 1)
        }
    }

    @Test("a process is looked at: command line, environment, core settings")
    func process() throws {
        let look = try #require(ProcessLook(of: getpid()))
        #expect(look.texts.contains { $0.name.hasSuffix("/cmdline") && !$0.bytes.isEmpty })
        for name in ["coreLimit", "corePattern", "coredumpFilter", "swappedKiB", "swapAreas"] {
            #expect(look.settings[name] != nil)
        }
        #expect(ProcessLook(of: Int32.max) == nil)
    }
}

extension Character {
    fileprivate var isLetterOrDigit: Bool { isASCII && (isLetter || isNumber) }
}
