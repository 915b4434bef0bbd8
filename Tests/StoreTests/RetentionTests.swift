import Contracts
import Foundation
import Testing

@testable import Store

@Suite("Retention")
struct RetentionTests {
    private static let partition = StoreFixture.partition
    private static let day = UTCDay.milliseconds

    @Test("hides an event in the millisecond in which it expires")
    func expiresToTheMillisecond() throws {
        let fixture = try StoreFixture()
        try fixture.open()
        for number in 0..<3 {
            try fixture.send([number])
            fixture.clock.advance(by: 1)
        }
        let week = StoreFixture.week
        let first = StoreFixture.start
        func alive(at now: Milliseconds) throws -> [Int] {
            try fixture.events(notBefore: week.floor(now: now)).map(\.number)
        }
        #expect(try alive(at: first + 7 * Self.day) == [0, 1, 2])
        #expect(try alive(at: first + 7 * Self.day + 1) == [1, 2])
        #expect(try alive(at: first + 7 * Self.day + 2) == [2])
        #expect(try alive(at: first + 7 * Self.day + 3) == [])
    }

    @Test("drops a day once its last millisecond has expired, and offsets go on for ever")
    func dropsDays() throws {
        let fixture = try StoreFixture()
        try fixture.open()
        for day in 0..<10 {
            try fixture.send(count: 10, from: day * 10)
            fixture.clock.advance(by: Self.day)
        }
        let firstDay = UTCDay(at: StoreFixture.start)
        let end = firstDay.end + 7 * Self.day
        #expect(try fixture.store.expire(now: end - 1).isEmpty)
        #expect(
            try fixture.store.expire(now: end)
                == [DroppedDay(retention: StoreFixture.week, day: firstDay)])
        #expect(try fixture.store.expire(now: end).isEmpty)
        #expect(try fixture.events().map(\.number) == Array(10..<100))
        #expect(try fixture.store.expire(now: end + 30 * Self.day).count == 9)
        #expect(try fixture.events().isEmpty)
        #expect(fixture.store.statistics.dayFamilies == 0)
        let read = try fixture.store.read(
            Self.partition, from: Offset(rawValue: 3), limit: 5, notBefore: 0
        ) { _ in true }
        #expect(read.next == Offset(rawValue: 100) && read.reachedTail)
        try fixture.reopen()
        #expect(fixture.store.tail(Self.partition) == Offset(rawValue: 100))
        try fixture.send([100])
        try fixture.reopen()
        #expect(try fixture.events().map(\.offset) == [100])
    }

    @Test("gives the space of a dropped day back at once")
    func givesSpaceBack() throws {
        let fixture = try StoreFixture { $0.memtableBytes = 256 << 10 }
        let store = try fixture.open()
        func fileBytes() -> UInt64 {
            Directories.names(fixture.databasePath).filter { $0.hasSuffix(".sst") }
                .reduce(0) { sum, name in
                    let path = fixture.databasePath + "/" + name
                    let facts = try? FileManager.default.attributesOfItem(atPath: path)
                    return sum + ((facts?[.size] as? UInt64) ?? 0)
                }
        }
        var generator = SeededGenerator(seed: 3)
        for day in 0..<3 {
            for _ in 0..<20 {
                let links = (0..<50).map { _ in KeyLink(random: &generator) }
                let sink = WaitingSink()
                let chunk = EventChunk(sink: sink)
                for link in links {
                    chunk.append(
                        day, to: Self.partition, link: link, at: fixture.clock.read(), padding: 900)
                }
                try store.submit(chunk)
                sink.wait()
            }
            for family in store.shared.table.allFamilies { try family.family.flush() }
            fixture.clock.advance(by: Self.day)
        }
        let before = fileBytes()
        let dropped = try store.expire(now: StoreFixture.start + 9 * Self.day)
        #expect(dropped.count == 2)
        let after = fileBytes()
        #expect(before > 60_000)
        #expect(after < before / 2, "\(before) bytes before, \(after) after two of three days went")
        #expect(try fixture.events().count == 1_000)
    }

    @Test("does not pull a day away from under a read that has begun")
    func readSurvivesTheDrop() throws {
        let fixture = try StoreFixture()
        let store = try fixture.open()
        try fixture.send(count: 100)
        var count = 0
        _ = try store.read(Self.partition, from: Offset(rawValue: 0), limit: 1_000, notBefore: 0) {
            _ in
            count += 1
            if count == 10 {
                let dropped = try store.expire(now: StoreFixture.start + 400 * Self.day)
                #expect(dropped.count == 1)
            }
            return true
        }
        #expect(count == 100)
        #expect(try fixture.events().isEmpty)
    }

    @Test("keeps its classes apart")
    func classesAreApart() throws {
        let fixture = try StoreFixture()
        let store = try fixture.open()
        let short = try #require(RetentionClass(days: 1))
        let long = try #require(RetentionClass(days: 400))
        let partitions = [1, 2].map { PartitionID(stream: StreamID(rawValue: $0)) }
        try store.openPartition(partitions[0], retention: short)
        try store.openPartition(partitions[1], retention: long)
        try fixture.send(count: 5, to: partitions[0], retention: short)
        try fixture.send(count: 6, to: partitions[1], retention: long)
        #expect(store.statistics.dayFamilies == 2)
        let dropped = try store.expire(now: StoreFixture.start + 3 * Self.day)
        #expect(dropped.map(\.retention) == [short])
        #expect(try fixture.events(partitions[0]).isEmpty)
        #expect(try fixture.events(partitions[1]).count == 6)
        try fixture.reopen()
        #expect(try fixture.events(partitions[1]).count == 6)
    }

    @Test("prunes the segments of what is gone")
    func prunesSegments() throws {
        let fixture = try StoreFixture()
        let store = try fixture.open()
        for day in 0..<3 {
            try fixture.send([day])
            fixture.clock.advance(by: Self.day)
        }
        func segments() throws -> Int {
            try store.withEngine { engine throws(StoreError) in
                let iterator = try engine.segments.iterator()
                var count = 0
                iterator.seekToFirst()
                while iterator.isValid {
                    count += 1
                    iterator.next()
                }
                try iterator.check()
                return count
            }
        }
        #expect(try segments() == 7, "one of the partition; three days with a minute each")
        _ = try store.expire(now: StoreFixture.start + 9 * Self.day)
        #expect(try segments() == 3)
    }

    @Test("of a partition is what it was opened with")
    func partitionsAreOpenedOnce() throws {
        let fixture = try StoreFixture()
        let store = try fixture.open()
        let long = try #require(RetentionClass(days: 30))
        try store.openPartition(Self.partition, retention: long)
        try store.openPartition(Self.partition, retention: long)
        #expect(throws: StoreError.conflict) {
            try store.openPartition(Self.partition, retention: StoreFixture.week)
        }
        try fixture.send(count: 2)
        #expect(try store.expire(now: StoreFixture.start + 20 * Self.day).isEmpty)
        try fixture.reopen()
        #expect(throws: StoreError.conflict) {
            try fixture.store.openPartition(Self.partition, retention: StoreFixture.week)
        }
        #expect(try fixture.events().count == 2)
    }

    @Test("of a dropped partition is nothing, and its number is never used again")
    func droppedPartition() throws {
        let fixture = try StoreFixture()
        let store = try fixture.open()
        let other = PartitionID(stream: StreamID(rawValue: 8))
        try fixture.send(count: 4)
        try fixture.send(count: 3, to: other)
        try store.dropPartition(Self.partition)
        try store.dropPartition(Self.partition)
        #expect(try fixture.events().isEmpty)
        #expect(try fixture.send([9]) == .durable, "dropped with the stream")
        #expect(try fixture.events().isEmpty)
        #expect(throws: StoreError.conflict) {
            try store.openPartition(Self.partition, retention: StoreFixture.week)
        }
        try fixture.reopen()
        #expect(throws: StoreError.conflict) {
            try fixture.store.openPartition(Self.partition, retention: StoreFixture.week)
        }
        #expect(try fixture.events(other).count == 3)
        #expect(fixture.store.statistics.partitions == 1)
    }

    @Test("goes on in the same minute and day after a restart")
    func segmentsGoOn() throws {
        let fixture = try StoreFixture()
        try fixture.open()
        try fixture.send(count: 5)
        try fixture.reopen()
        try fixture.send(count: 5, from: 5)
        try fixture.reopen()
        #expect(
            try fixture.store.firstOffset(Self.partition, at: StoreFixture.start)
                == Offset(rawValue: 0))
        #expect(try fixture.events().count == 10)
    }
}
