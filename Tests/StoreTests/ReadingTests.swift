import Contracts
import Synchronization
import Testing

@testable import Store

@Suite("A read")
struct ReadingTests {
    private static let partition = StoreFixture.partition

    @Test("gives back each field of a record as it was written")
    func fieldsComeBack() throws {
        let fixture = try StoreFixture()
        let store = try fixture.open()
        let link = KeyLink.random()
        try fixture.send([42], link: link, padding: 8)
        let end = try store.read(
            Self.partition, from: Offset(rawValue: 0), limit: 10, notBefore: 0
        ) { view in
            #expect(view.keyLink == link)
            #expect(view.contract == 3)
            #expect(view.consent == ConsentLevels(bits: 0b101))
            #expect(view.spanCount == 1)
            let span = view.span(at: 0)
            #expect(span.fieldIndex == 4 && span.level == 2 && span.flags == 0)
            let value = view.json[Int(span.start)..<Int(span.start + span.length)]
            #expect(value.elementsEqual("xxxxxxxx".utf8))
            return true
        }
        #expect(end.next == Offset(rawValue: 1) && end.reachedTail && end.visited == 1)
    }

    @Test("stops at its limits and goes on from there")
    func limits() throws {
        let fixture = try StoreFixture()
        let store = try fixture.open()
        try fixture.send(count: 100)
        var numbers: [Int] = []
        var next = Offset(rawValue: 0)
        var rounds = 0
        while true {
            let end = try store.read(Self.partition, from: next, limit: 7, notBefore: 0) {
                numbers.append(SeenEvent($0).number)
                return true
            }
            rounds += 1
            next = end.next
            if end.reachedTail { break }
        }
        #expect(numbers == Array(0..<100))
        #expect(rounds == 15)
        let bytes = try store.read(
            Self.partition, from: Offset(rawValue: 10), limit: 100, byteLimit: 1, notBefore: 0
        ) { _ in true }
        #expect(bytes.next == Offset(rawValue: 11) && bytes.visited == 1)
        let stopped = try store.read(
            Self.partition, from: Offset(rawValue: 10), limit: 100, notBefore: 0
        ) { $0.offset < Offset(rawValue: 12) }
        #expect(stopped.next == Offset(rawValue: 13) && !stopped.reachedTail)
        let beyond = try store.read(
            Self.partition, from: Offset(rawValue: 500), limit: 1, notBefore: 0
        ) { _ in true }
        #expect(beyond.next == Offset(rawValue: 500) && beyond.reachedTail)
    }

    @Test("passes on what the visit throws")
    func visitThrows() throws {
        struct Refused: Error {}
        let fixture = try StoreFixture()
        let store = try fixture.open()
        try fixture.send(count: 3)
        #expect(throws: Refused.self) {
            try store.read(Self.partition, from: Offset(rawValue: 0), limit: 9, notBefore: 0) {
                _ in throw Refused()
            }
        }
        store.close()
        #expect(throws: StoreError.closed) { try fixture.events() }
    }

    @Test("by key link gives that link's events only, and comes back at the scan limit")
    func keyLinkFilter() throws {
        let fixture = try StoreFixture()
        let store = try fixture.open()
        let links = [KeyLink.random(), KeyLink.random()]
        for number in 0..<60 { try fixture.send([number], link: links[number % 3 == 0 ? 0 : 1]) }
        var numbers: [Int] = []
        var next = Offset(rawValue: 0)
        var scanned = 0
        while true {
            let end = try store.read(
                Self.partition, from: next, limit: 100, notBefore: 0, keyLink: links[0],
                scanLimit: 10
            ) {
                numbers.append(SeenEvent($0).number)
                return true
            }
            scanned += end.scanned
            next = end.next
            if end.reachedTail { break }
        }
        #expect(numbers == Array(stride(from: 0, to: 60, by: 3)))
        #expect(scanned == 60)
    }

    @Test("by time agrees with a count by hand at every millisecond that matters")
    func byTime() throws {
        let fixture = try StoreFixture { $0.memtableBytes = 64 << 10 }
        let store = try fixture.open()
        var generator = SeededGenerator(seed: 11)
        var times: [Milliseconds] = []
        for number in 0..<400 {
            // Often the same millisecond, sometimes minutes, now and then a day.
            let steps: [Milliseconds] = [0, 0, 1, 17, 5_000, 59_999, 60_000, 7_000_000, 90_000_000]
            fixture.clock.advance(by: steps.randomElement(using: &generator) ?? 0)
            times.append(fixture.clock.read())
            try fixture.send([number])
        }
        #expect(store.statistics.dayFamilies > 10)
        let probes = Set(times.flatMap { [$0 - 1, $0, $0 + 1, $0 + 60_000] }).union([0, .max / 4])
        for time in probes {
            let expected = times.firstIndex { $0 >= time } ?? times.count
            #expect(
                try store.firstOffset(Self.partition, at: time)
                    == Offset(rawValue: UInt64(expected)))
            var first: Int?
            let end = try store.read(
                Self.partition, from: Offset(rawValue: 0), limit: 1, notBefore: time
            ) {
                first = SeenEvent($0).number
                return true
            }
            #expect(first == (expected < times.count ? expected : nil))
            if first == nil { #expect(end.reachedTail) }
        }
        for (from, until) in [(times[50], times[120]), (times[3], times[3]), (0, times[399])] {
            var numbers: [Int] = []
            let end = try store.read(
                Self.partition, from: Offset(rawValue: 0), limit: 1_000, notBefore: from,
                until: until
            ) {
                numbers.append(SeenEvent($0).number)
                return true
            }
            #expect(numbers == times.indices.filter { times[$0] >= from && times[$0] < until })
            #expect(end.reachedUntil)
        }
    }

    @Test("goes on while others write, and sees nothing beyond the tail")
    func readsBesideWrites() async throws {
        let fixture = try StoreFixture { $0.memtableBytes = 64 << 10 }
        let store = try fixture.open()
        let reader = Task {
            var next = Offset(rawValue: 0)
            var count = 0
            while count < 3_000 {
                let from = next
                let end = try await store.readers.run {
                    let tail = store.tail(Self.partition)
                    let end = try store.read(Self.partition, from: from, limit: 500, notBefore: 0) {
                        $0.offset.rawValue == UInt64(SeenEvent($0).number)
                    }
                    #expect(end.next >= min(tail, Offset(rawValue: from.rawValue + 500)))
                    return end
                }
                count += end.visited
                next = end.next
                await Task.yield()
            }
            return count
        }
        for round in 0..<150 { try fixture.send(count: 20, from: round * 20, padding: 300) }
        #expect(try await reader.value == 3_000)
    }

    @Test("of a partition that nobody knows is empty")
    func unknownPartition() throws {
        let fixture = try StoreFixture()
        let store = try fixture.open()
        let unknown = PartitionID(stream: StreamID(rawValue: 99))
        #expect(store.tail(unknown) == Offset(rawValue: 0))
        #expect(try fixture.events(unknown).isEmpty)
        #expect(try store.firstOffset(unknown, at: 5) == Offset(rawValue: 0))
    }
}

@Suite("The pool for blocking calls")
struct BlockingPoolTests {
    @Test("refuses what is over its bound, and does what it took before it ends")
    func isBounded() throws {
        let pool = try BlockingPool(threads: 1, waitingMax: 2)
        let gate = Answer<Bool>()
        let started = Answer<Bool>()
        let done = Mutex(0)
        try pool.submit {
            started.give(.success(true))
            _ = gate.take()
        }
        _ = started.take()
        for _ in 0..<2 { try pool.submit { done.withLock { $0 += 1 } } }
        #expect(throws: StoreError.overloaded(retryAfterSeconds: 1)) { try pool.submit {} }
        gate.give(.success(true))
        pool.shutdown()
        #expect(done.withLock { $0 } == 2)
        #expect(throws: StoreError.closed) { try pool.submit {} }
        pool.shutdown()
    }

    @Test("gives back results and errors")
    func givesBack() async throws {
        let pool = try BlockingPool(threads: 2, waitingMax: 100)
        defer { pool.shutdown() }
        #expect(try await pool.run { 7 } == 7)
        await #expect(throws: StoreError.conflict) {
            try await pool.run { throw StoreError.conflict }
        }
    }
}

/// Random numbers that come again: SplitMix64, public domain by Sebastiano Vigna.
struct SeededGenerator: RandomNumberGenerator {
    private var state: UInt64

    init(seed: UInt64) { state = seed }

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return mixed ^ (mixed >> 31)
    }
}
