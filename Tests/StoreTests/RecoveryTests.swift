import Contracts
import Foundation
import Testing

@testable import Store

/// The log cut, flipped, deleted. What is found is a prefix, or the start refuses.
@Suite("After damage")
struct RecoveryTests {
    private static let partition = StoreFixture.partition
    private static let isSoak = ProcessInfo.processInfo.environment["STRM_TEST_SOAK"] != nil

    @Test("the engine runs with the options that recovery and the disk rely on")
    func options() throws {
        let fixture = try StoreFixture()
        try fixture.open()
        let names = try FileManager.default.contentsOfDirectory(atPath: fixture.databasePath)
        let name = try #require(names.filter { $0.hasPrefix("OPTIONS-") }.max())
        let text = try String(contentsOfFile: "\(fixture.databasePath)/\(name)", encoding: .utf8)
        let lines = Set(text.split(separator: "\n").map { $0.trimmingCharacters(in: .whitespaces) })
        for option in [
            "wal_recovery_mode=kTolerateCorruptedTailRecords", "recycle_log_file_num=0",
            "paranoid_checks=true", "track_and_verify_wals_in_manifest=true",
            "strict_bytes_per_sync=true", "bytes_per_sync=524288", "ttl=0",
        ] {
            #expect(lines.contains(option), "\(option)")
        }
    }

    /// A closed store with 40 batches of one event in its WAL.
    private static func filled(_ count: Int = 40) throws -> StoreFixture {
        let fixture = try StoreFixture()
        try fixture.open()
        for number in 0..<count { try fixture.send([number], padding: 40) }
        fixture.close()
        return fixture
    }

    /// Opens a copy without the watermark's objection and reads all. nil: refused.
    private static func survivors(_ copy: StoreFixture) throws -> [Int]? {
        try numbers(copy) { $0.acceptsOlderState = true }
    }

    /// Opens a copy as a server would. nil: refused.
    private static func strictly(_ copy: StoreFixture) throws -> [Int]? {
        try numbers(copy) { _ in }
    }

    private static func numbers(
        _ copy: StoreFixture, _ change: (inout StoreConfiguration) -> Void
    ) throws -> [Int]? {
        do {
            try copy.open(change)
            return try copy.events().map(\.number)
        } catch {
            guard let refusal = error as? StoreError, isRefusal(refusal) else { throw error }
            return nil
        }
    }

    private static func isRefusal(_ error: StoreError) -> Bool {
        switch error {
        case .corrupt, .io, .olderThanWatermark: true
        case .overloaded, .poisoned, .closed, .conflict, .locked, .diskFull, .subjectFenced: false
        }
    }

    @Test("a log cut at any byte of its end opens to a prefix, or is refused by the watermark")
    func tornLog() throws {
        let fixture = try Self.filled()
        let wal = try #require(fixture.walNames.last)
        let size = try #require(Self.fileSize(fixture.databasePath + "/" + wal))
        let span = Self.isSoak ? min(size, 4096) : 420
        let cuts = Self.isSoak ? Array(1...span) : Array(stride(from: 1, through: span, by: 7))
        var previous = 40
        for cut in cuts {
            let copy = try fixture.copy(watermark: false)
            try Self.truncate(copy.databasePath + "/" + wal, to: size - cut)
            let numbers = try #require(try Self.survivors(copy), "cut \(cut)")
            #expect(numbers == Array(0..<numbers.count), "cut \(cut): not a prefix")
            #expect(numbers.count <= previous && numbers.count < 40)
            previous = numbers.count
            try copy.send([numbers.count])
            #expect(try copy.events().count == numbers.count + 1)

            let strict = try fixture.copy()
            try Self.truncate(strict.databasePath + "/" + wal, to: size - cut)
            #expect(throws: StoreError.self, "cut \(cut): 40 were acknowledged") {
                try strict.open()
            }
        }
        #expect(previous < 38)
    }

    @Test("a log that lost whole blocks is refused with a message for the operator")
    func lostBlocks() throws {
        let fixture = try Self.filled(400)
        let wal = try #require(fixture.walNames.last)
        let size = try #require(Self.fileSize(fixture.databasePath + "/" + wal))
        for blocks in stride(from: 1, to: size / 4096, by: Self.isSoak ? 1 : 5) {
            let copy = try fixture.copy()
            try Self.truncate(
                copy.databasePath + "/" + wal, to: (size / 4096 - blocks) * 4096)
            let error = #expect(throws: StoreError.self, "\(blocks) blocks are missing") {
                try copy.open()
            }
            guard case .olderThanWatermark(let message)? = error else {
                Issue.record("not a message of the watermark")
                continue
            }
            #expect(message.contains("was acknowledged"))
            #expect(message.contains(copy.watermarkPath))
        }
    }

    @Test("a deleted log is noticed")
    func deletedLog() throws {
        let fixture = try Self.filled()
        for name in fixture.walNames {
            try FileManager.default.removeItem(atPath: fixture.databasePath + "/" + name)
        }
        #expect(throws: StoreError.self) { try fixture.open() }
    }

    @Test("each of several logs is missed when it is gone, or cut short", arguments: [true, false])
    func oneOfSeveralLogs(_ isDeleted: Bool) throws {
        let fixture = try StoreFixture { $0.memtableBytes = 64 << 10 }
        try fixture.open()
        // Cursors are written first and stay in the first log, while events fill others.
        let done = Answer<CommitReceipt>()
        try fixture.store.submit([.putCursor(key: [1], value: [1])], completion: done.give)
        _ = try done.take().get()
        for round in 0..<40 { try fixture.send(count: 10, from: round * 10, padding: 600) }
        fixture.close()
        let names = fixture.walNames
        #expect(names.count > 1)
        for name in names {
            let copy = try fixture.copy()
            let path = copy.databasePath + "/" + name
            let size = try #require(Self.fileSize(path))
            guard size > 0 else { continue }
            if isDeleted {
                try FileManager.default.removeItem(atPath: path)
            } else {
                try Self.truncate(path, to: size - 30)
            }
            #expect(throws: StoreError.self, "\(name) of \(names)") { try copy.open() }
        }
    }

    @Test(
        "deleted files are noticed", arguments: ["CURRENT", "MANIFEST", ".sst", "db", "watermark"])
    func deletedFiles(_ kind: String) throws {
        let fixture = try StoreFixture()
        let store = try fixture.open()
        try fixture.send(count: 50)
        for day in store.shared.table.allFamilies { try day.family.flush() }
        fixture.close()
        let names = Directories.names(fixture.databasePath)
        switch kind {
        case "db": try FileManager.default.removeItem(atPath: fixture.databasePath)
        case "watermark": try FileManager.default.removeItem(atPath: fixture.watermarkPath)
        default:
            let name = try #require(names.first { $0.contains(kind) })
            try FileManager.default.removeItem(atPath: fixture.databasePath + "/" + name)
        }
        let error = #expect(throws: StoreError.self, "\(kind) is missing") { try fixture.open() }
        #expect(error.map(Self.isRefusal) == true, "\(String(describing: error))")
    }

    @Test("a flipped bit in the log is refused or harmless, never a silent loss")
    func flippedLog() throws {
        let fixture = try Self.filled(200)
        let wal = try #require(fixture.walNames.last)
        try Self.flipBits(in: fixture, file: wal, count: Self.isSoak ? 2_000 : 40, seed: 5)
    }

    @Test(
        "a flipped bit in a file is refused, or a typed error, or harmless",
        arguments: ["sst", "MANIFEST", "CURRENT", "OPTIONS"])
    func flippedFiles(_ kind: String) throws {
        let fixture = try StoreFixture()
        let store = try fixture.open()
        try fixture.send(count: 200, padding: 100)
        for day in store.shared.table.allFamilies { try day.family.flush() }
        fixture.close()
        let names = Directories.names(fixture.databasePath).filter { $0.contains(kind) }.sorted()
        for name in names.suffix(2) {
            try Self.flipBits(in: fixture, file: name, count: Self.isSoak ? 2_000 : 20, seed: 6)
        }
    }

    private static func flipBits(
        in fixture: StoreFixture, file: String, count: Int, seed: UInt64
    ) throws {
        var generator = SeededGenerator(seed: seed)
        let all = try #require(try strictly(fixture.copy()))
        let size = try #require(fileSize(fixture.databasePath + "/" + file))
        for _ in 0..<count {
            let bit = Int.random(in: 0..<size * 8, using: &generator)
            let copy = try fixture.copy()
            try flip(copy.databasePath + "/" + file, bit: bit)
            if let numbers = try strictly(copy) {
                #expect(numbers == all, "seed \(seed): bit \(bit) of \(file) lost events")
            }
        }
    }

    @Test("a record with a flipped bit under a valid block is found by its own checksum")
    func recordChecksum() throws {
        let fixture = try StoreFixture()
        let store = try fixture.open()
        try fixture.send(count: 3)
        // Written past the store, so that the engine's own checksums fit the damage.
        try store.onCommitThread { committer throws(StoreError) in
            let day = try present(committer.dayFamilies.values.first)
            let key = StoreKeys.event(Self.partition, 1)
            var record = try present(try day.family.read(key))
            record[EventRecord.headerCount + 20] ^= 1
            try committer.writeControl { $0.put(day.family, key: key, value: record) }
        }
        var seen = 0
        #expect(
            throws: StoreError.corrupt("a record's checksum is wrong: partition 7/0, offset 1")
        ) {
            try store.read(Self.partition, from: Offset(rawValue: 0), limit: 9, notBefore: 0) { _ in
                seen += 1
                return true
            }
        }
        #expect(seen == 1)
        #expect(throws: StoreError.self) { try store.verifyChecksums() }
    }

    @Test("a missing record is reported, not skipped")
    func missingRecord() throws {
        let fixture = try StoreFixture()
        let store = try fixture.open()
        try fixture.send(count: 5)
        try store.onCommitThread { committer throws(StoreError) in
            let day = try present(committer.dayFamilies.values.first)
            try committer.writeControl {
                $0.delete(day.family, key: StoreKeys.event(Self.partition, 2))
            }
        }
        #expect(
            throws: StoreError.corrupt("an event is missing: partition 7/0, offset 2")
        ) { try fixture.events() }
    }

    @Test("an accepted loss is remembered: offsets go on, and readers pass over the hole")
    func acceptedLoss() throws {
        let fixture = try Self.filled()
        let wal = try #require(fixture.walNames.last)
        let size = try #require(Self.fileSize(fixture.databasePath + "/" + wal))
        try Self.truncate(fixture.databasePath + "/" + wal, to: size - 600)
        #expect(throws: StoreError.self) { try fixture.open() }
        try fixture.open { $0.acceptsOlderState = true }
        let kept = try fixture.events().count
        #expect(kept > 30 && kept < 40)
        #expect(fixture.store.tail(Self.partition) == Offset(rawValue: 40))
        try fixture.send([100])
        try fixture.reopen()
        let events = try fixture.events()
        #expect(events.map(\.offset) == (0..<UInt64(kept)) + [40])
        #expect(events.last?.number == 100)
        // A reader that had come further than what was kept goes on after the hole.
        var found: [Offset] = []
        _ = try fixture.store.read(
            Self.partition, from: Offset(rawValue: UInt64(kept) + 1), limit: 9, notBefore: 0
        ) { event in
            found.append(event.offset)
            return true
        }
        #expect(found == [Offset(rawValue: 40)])
    }

    @Test("an unknown format is refused and left alone")
    func unknownFormat() throws {
        let fixture = try StoreFixture()
        let store = try fixture.open()
        try fixture.send([1])
        try store.onCommitThread { committer throws(StoreError) in
            try committer.writeControl {
                $0.put(
                    committer.engine.meta, key: StoreKeys.format,
                    value: StoreKeys.bytes(UInt32(2)))
            }
        }
        fixture.close()
        #expect(
            throws: StoreError.corrupt("the database has format 2; this program knows 1")
        ) { try fixture.open() }
    }

    @Test("the watermark is up to date after a round of housekeeping, and its older slot serves")
    func watermarkSlots() throws {
        let fixture = try StoreFixture()
        let store = try fixture.open()
        try fixture.send(count: 7)
        store.housekeeper.work()
        let file = WatermarkFile(path: fixture.watermarkPath)
        guard case .valid(let first) = try file.read() else {
            Issue.record("no watermark")
            return
        }
        #expect(first.heads[Self.partition] == 7)
        #expect(first.sequence > 0 && first.time == StoreFixture.start)
        store.housekeeper.work()
        #expect(try file.read() == .valid(first), "nothing new: not written")
        try fixture.send(count: 2, from: 7)
        fixture.close()
        guard case .valid(let second) = try file.read() else {
            Issue.record("no watermark")
            return
        }
        #expect(second.heads[Self.partition] == 9 && second.generation == first.generation + 1)
        let place = Int(second.generation & 1) * Watermark.slotStride
        try Self.flip(fixture.watermarkPath, bit: (place + 30) * 8)
        #expect(try file.read() == .valid(first))
        try fixture.open()
        fixture.close()
        for slot in 0..<2 {
            try Self.flip(fixture.watermarkPath, bit: (slot * Watermark.slotStride + 9) * 8)
        }
        #expect(try file.read() == .damaged)
        #expect(throws: StoreError.self) { try fixture.open() }
    }

    private static func fileSize(_ path: String) -> Int? {
        (try? FileManager.default.attributesOfItem(atPath: path))?[.size] as? Int
    }

    private static func truncate(_ path: String, to size: Int) throws {
        let file = try FileHandle(forWritingTo: URL(fileURLWithPath: path))
        try file.truncate(atOffset: UInt64(max(0, size)))
        try file.close()
    }

    private static func flip(_ path: String, bit: Int) throws {
        let file = try FileHandle(forUpdating: URL(fileURLWithPath: path))
        try file.seek(toOffset: UInt64(bit / 8))
        let byte = try #require(try file.read(upToCount: 1)?.first)
        try file.seek(toOffset: UInt64(bit / 8))
        try file.write(contentsOf: Data([byte ^ (1 << UInt8(bit % 8))]))
        try file.close()
    }
}

/// `#require` with the store's typed error.
func present<Value>(_ value: Value?) throws(StoreError) -> Value {
    guard let value else { throw .io("nothing there") }
    return value
}
