import AuditProof
import Foundation
import Testing

@Suite("Offline verification of a log")
struct LogVerifierTests {
    typealias Problem = VerificationReport.Problem

    @Test("an unaltered log is intact", arguments: [0, 1, 2, 255, 256, 257, 600])
    func intact(size: Int) throws {
        let report = try SampleLog(size: size).verify()
        #expect(report.problems == [])
        #expect(report.isIntact)
        #expect(report.entriesVerified == UInt64(size))
        #expect(report.checkpoint?.size == UInt64(size))
    }

    @Test("a log with tiles on three levels is intact, and a hash changed on each is named")
    func threeLevels() throws {
        let log = try SampleLog(size: 65_536 + 300)
        #expect(log.verify().isIntact)
        var damaged = log
        damaged.files["tile/1/000"]?[32 * 3] ^= 1
        damaged.files["tile/2/000.p/1"]?[5] ^= 1
        #expect(
            damaged.verify().problems == [
                .hashChanged("tile/1/000", position: 3, firstEntry: 768, endEntry: 1024),
                .hashChanged("tile/2/000.p/1", position: 0, firstEntry: 0, endEntry: 65_536),
            ])
    }

    @Test("a changed entry is named by its index")
    func changedEntry() throws {
        var log = try SampleLog(size: 600)
        var entries = log.entries("tile/entries/001")
        entries[44][entries[44].count - 2] ^= 1
        log.files["tile/entries/001"] = SampleLog.bundle(entries)
        let report = log.verify()
        #expect(report.problems == [.entryChanged(index: 300)])
        #expect(report.firstBadIndex == 300)
        #expect(report.entriesVerified == 599)
    }

    @Test("an entry and its hash changed together are found by the tile above")
    func changedEntryAndHash() throws {
        var log = try SampleLog(size: 600)
        var entries = log.entries("tile/entries/001")
        entries[44][entries[44].count - 2] ^= 1
        log.files["tile/entries/001"] = SampleLog.bundle(entries)
        let hash = MerkleTree.leafHash(entries[44]).bytes
        log.files["tile/0/001"]?.replaceSubrange(44 * 32..<45 * 32, with: hash)
        let report = log.verify()
        #expect(
            report.problems.first
                == .hashChanged("tile/1/000.p/2", position: 1, firstEntry: 256, endEntry: 512))
        guard case .root = report.problems.last else {
            Issue.record("the root is not named")
            return
        }
        #expect(report.entriesVerified == 0)
    }

    @Test("a log that is rebuilt without one entry does not give the signed root")
    func rebuilt() throws {
        let log = try SampleLog(size: 100)
        var leaves = log.leaves
        leaves.remove(at: 40)
        leaves.append(SampleLog.leaf(100))
        var forged = try SampleLog(leaves: leaves)
        forged.files["checkpoint"] = log.files["checkpoint"]
        let report = forged.verify()
        #expect(report.problems.contains(.entryNumber(index: 40, found: 41)))
        #expect(report.problems.contains { if case .root = $0 { true } else { false } })
    }

    @Test(
        "a log rewritten and signed again by the holder of the key disagrees with kept checkpoints")
    func rewritten() throws {
        let log = try SampleLog(size: 300)
        let kept = try [10, 120, 300].map { try log.checkpoint(size: $0) }
        var leaves = log.leaves
        leaves[100] = Array(
            #"{"n":100,"at":"\#(LeafHeader.timeText(SampleLog.startMilliseconds + 100))","act":"x"}"#
                .utf8)
        let rewritten = try SampleLog(leaves: leaves)
        #expect(rewritten.verify().isIntact)
        let report = rewritten.verify(older: kept)
        #expect(report.problems == [.rewritten(olderSize: 120), .rewritten(olderSize: 300)])
        #expect(report.consistentSizes == [10])
        #expect(log.verify(older: kept).consistentSizes == [10, 120, 300])
    }

    @Test("a log shorter than a kept checkpoint is named as shrunk")
    func shrunk() throws {
        let long = try SampleLog(size: 300)
        let short = try SampleLog(size: 299)
        let report = short.verify(older: [try long.checkpoint()])
        #expect(report.problems == [.shrunk(olderSize: 300, size: 299)])
    }

    @Test("a kept checkpoint of the empty log is consistent with every log")
    func emptyCheckpoint() throws {
        let log = try SampleLog(size: 3)
        #expect(log.verify(older: [try log.checkpoint(size: 0)]).consistentSizes == [0])
    }

    @Test("a kept checkpoint that the key did not sign is named")
    func foreignOlderCheckpoint() throws {
        let stranger = try SampleLog(size: 3, seed: 9)
        let report = try SampleLog(size: 3).verify(older: [try stranger.checkpoint()])
        #expect(report.problems == [.olderCheckpoint(number: 0, "not signed by this key")])
    }

    @Test("without a valid checkpoint nothing is believed")
    func noCheckpoint() throws {
        var log = try SampleLog(size: 3)
        log.files["checkpoint"] = try SampleLog(size: 3, seed: 9).files["checkpoint"]
        #expect(log.verify().problems == [.checkpoint("not signed by this key")])
        #expect(log.verify().checkpoint == nil)
        log.files["checkpoint"] = nil
        #expect(log.verify().problems == [.checkpoint("missing")])
        #expect(!log.verify().isIntact)
    }

    @Test("entries whose own number or time is not that of their place are named, though signed")
    func numbersAndTimes() throws {
        let start = SampleLog.startMilliseconds
        let leaves = [
            SampleLog.leaf(0), SampleLog.leaf(1, number: 7), SampleLog.leaf(2, at: start - 1),
            Array("no json".utf8), SampleLog.leaf(4),
        ]
        let report = try SampleLog(leaves: leaves).verify()
        #expect(
            report.problems == [
                .entryNumber(index: 1, found: 7), .entryTime(index: 2),
                .entryNumber(index: 3, found: nil),
            ])
        #expect(report.firstBadIndex == 1)
    }

    @Test("an entry of more than one line is named")
    func twoLines() throws {
        let report = try SampleLog(leaves: [SampleLog.leaf(0) + [0x0A] + SampleLog.leaf(1)])
            .verify()
        #expect(report.problems == [.entryNumber(index: 0, found: nil)])
    }

    @Test("a dropped, doubled or swapped entry is named where it begins")
    func movedEntries() throws {
        let log = try SampleLog(size: 10)
        let path = "tile/entries/000.p/10"
        func report(_ change: (inout [[UInt8]]) -> Void) -> VerificationReport {
            var damaged = log
            var entries = log.entries(path)
            change(&entries)
            damaged.files[path] = SampleLog.bundle(entries)
            return damaged.verify()
        }
        let dropped = report { $0.remove(at: 4) }
        #expect(dropped.firstBadIndex == 4)
        #expect(
            dropped.problems.first
                == .wrongCount(path, expected: 10, found: 9, isCutShort: false))
        let doubled = report { $0.insert($0[4], at: 4) }
        #expect(doubled.firstBadIndex == 5)
        let swapped = report { $0.swapAt(2, 6) }
        #expect(
            swapped.problems == [
                .entryChanged(index: 2), .entryNumber(index: 2, found: 6), .entryTime(index: 3),
                .entryTime(index: 4), .entryTime(index: 5), .entryChanged(index: 6),
                .entryNumber(index: 6, found: 2), .entryTime(index: 6),
            ])
    }

    @Test("files that are missing, too long, cut short or not covered are named")
    func files() throws {
        let log = try SampleLog(size: 300)
        func problems(_ change: (inout SampleLog) -> Void) -> [Problem] {
            var damaged = log
            change(&damaged)
            return damaged.verify().problems
        }
        #expect(problems { $0.files["tile/0/000"] = nil } == [.missingFile("tile/0/000")])
        #expect(
            problems { $0.files["tile/entries/000"] = nil } == [.missingFile("tile/entries/000")])
        #expect(
            problems { $0.files["tile/0/001.p/44"]?.removeLast() } == [
                .wrongCount("tile/0/001.p/44", expected: 44, found: 43, isCutShort: true)
            ])
        #expect(
            problems { $0.files["tile/1/000.p/1"]? += [1] } == [
                .wrongCount("tile/1/000.p/1", expected: 1, found: 1, isCutShort: true)
            ])
        #expect(
            problems { $0.files["tile/0/000"] = [UInt8](repeating: 0, count: 9000) } == [
                .unreadableFile("tile/0/000", reason: "too long")
            ])
        #expect(
            problems { $0.files["tile/entries/002.p/3"] = [] } == [
                .uncoveredFile("tile/entries/002.p/3")
            ])
        // Entry 255 and its tile both gone: nothing can be said about the root, which is no pass.
        let both = problems {
            $0.files["tile/entries/000"]?.removeLast()
            $0.files["tile/0/000"] = nil
        }
        #expect(both.count == 2)
    }

    @Test("the report ends after a hundred problems")
    func manyProblems() throws {
        let leaves = (0..<500).map { _ in SampleLog.leaf(999) }
        let report = try SampleLog(leaves: leaves).verify()
        #expect(report.problems.count == VerificationReport.problemCountMax + 1)
        #expect(report.problems.last == .tooMany)
    }

    @Test("a signed size beyond all files ends at the limit of problems, not never")
    func endlessSize() throws {
        var log = try SampleLog(size: 3)
        let checkpoint = Checkpoint(
            origin: SampleLog.origin, size: UInt64(Int64.max), root: log.root)
        log.files["checkpoint"] = Array(try log.signer.sign(checkpoint).utf8)
        #expect(log.verify().problems.last == .tooMany)
    }

    @Test("a directory is verified like files in memory, and hidden files in it are named")
    func directory() throws {
        let directory = try TemporaryDirectory()
        let log = try SampleLog(size: 300)
        try log.write(to: directory.url)
        func verify() -> VerificationReport {
            LogVerifier.verify(directory: directory.url.path, key: log.signer.key)
        }
        #expect(verify().isIntact)
        let hidden = directory.url.appendingPathComponent("tile/0/.hidden")
        try Data([1]).write(to: hidden)
        #expect(verify().problems == [.uncoveredFile("tile/0/.hidden")])
        try FileManager.default.removeItem(at: hidden)
        let tile = directory.url.appendingPathComponent("tile/0/000")
        try Data(count: 100_000).write(to: tile)
        #expect(
            verify().problems == [.unreadableFile("tile/0/000", reason: "more than 8192 bytes")])
        try FileManager.default.removeItem(at: tile)
        try FileManager.default.createDirectory(at: tile, withIntermediateDirectories: false)
        #expect(verify().problems == [.unreadableFile("tile/0/000", reason: "not a regular file")])
    }

    @Test("a pipe in the place of a file does not keep the verifier waiting")
    func pipe() throws {
        let directory = try TemporaryDirectory()
        let log = try SampleLog(size: 3)
        try log.write(to: directory.url)
        let tile = directory.url.appendingPathComponent("tile/0/000.p/3")
        try FileManager.default.removeItem(at: tile)
        try #require(mkfifo(tile.path, 0o600) == 0)
        let report = LogVerifier.verify(directory: directory.url.path, key: log.signer.key)
        #expect(
            report.problems == [
                .unreadableFile("tile/0/000.p/3", reason: "not a regular file")
            ])
    }

    @Test("a file's name cannot give orders to a terminal")
    func hostileFileName() throws {
        var log = try SampleLog(size: 3)
        log.files["tile/\u{1B}[2J\u{202E}x"] = []
        let report = log.verify()
        #expect(report.problems.map(\.description) == ["tile/?[2J?x: not part of the signed log"])
    }

    @Test("a directory that does not exist has no checkpoint")
    func noDirectory() throws {
        let report = LogVerifier.verify(
            directory: "/nowhere/at/all", key: try SampleLog.signer().key)
        #expect(report.problems == [.checkpoint("missing")])
    }

    @Test("descriptions name places, never an entry's text")
    func descriptions() throws {
        var log = try SampleLog(leaves: [SampleLog.leaf(0), Array("marked plaintext".utf8)])
        log.files["tile/0/000.p/2"]?[40] ^= 1
        let text = log.verify().problems.map(\.description).joined(separator: "; ")
        #expect(text.contains("entry 1: not the entry that was signed"))
        #expect(text.contains("entry 1: does not begin like an audit entry"))
        #expect(!text.contains("marked"))
    }
}
