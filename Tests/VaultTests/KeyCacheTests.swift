import Store
import Synchronization
import Testing

@testable import Vault

/// Keys here are 64 bytes that spell the number of their link, so that a wrong one shows.
@Suite("Keys in memory")
struct KeyCacheTests {
    private static let term = KeyTerm(
        created: 0, expires: BucketKeys.keyLife, day: UTCDay(number: 0))
    private static let epoch = EpochClass(epoch: 1, retention: .standard)

    private static func link(_ number: Int) -> KeyLink {
        KeyLink(high: UInt64(number) << 32 | 1, low: UInt64(number) << 8 | UInt64(number & 0x3F))
    }

    private static func tag(_ first: UInt64, _ second: UInt64 = 0) -> SequenceTag {
        SequenceTag(first: first, second: second)
    }

    private static func insert(
        _ number: Int, for tag: SequenceTag, link: KeyLink? = nil, into cache: KeyCache,
        epoch: EpochClass = Self.epoch
    ) {
        let bytes = [UInt64](repeating: UInt64(number), count: 8)
        let facts = CachedKeyFacts(
            sequence: SequenceID(stream: StreamID(rawValue: 1), hash: Hash256()),
            link: link ?? Self.link(number), epoch: epoch, term: term)
        bytes.withUnsafeBytes {
            if let start = $0.baseAddress { cache.insert(facts, bytes: start, sequence: tag) }
        }
    }

    /// The number of the key that seals for the sequence; nil if none is here.
    private static func sealing(_ tag: SequenceTag, in cache: KeyCache) -> Int? {
        var bytes = [UInt64](repeating: 0, count: 8)
        let link = bytes.withUnsafeMutableBytes { room in
            room.baseAddress.flatMap {
                cache.copySealing(
                    tag, retention: .standard, subject: 0, now: 1, newestDay: UTCDay(number: 0),
                    isCounted: true, into: $0)
            }
        }
        guard let link else { return nil }
        #expect(bytes.allSatisfy { $0 == bytes[0] }, "a key in one piece")
        return Int(bytes[0]) == Int(link.high >> 32) ? Int(bytes[0]) : -1
    }

    private static func opens(_ link: KeyLink, in cache: KeyCache) -> Bool {
        var bytes = [UInt8](repeating: 0, count: DataKey.byteCount)
        return bytes.withUnsafeMutableBytes { room in
            room.baseAddress.map { cache.copyOpening(link, now: 1, into: $0) } ?? false
        }
    }

    @Test("of two sequences whose fingerprints agree each gets its own key or none")
    func collidingSequences() throws {
        let cache = try KeyCache(capacity: 256)
        // The same 40 bits, in the same table.
        let one = Self.tag(7)
        let two = Self.tag(7 | 1 << 50)
        Self.insert(1, for: one, into: cache)
        Self.insert(2, for: two, into: cache)
        #expect(Self.sealing(one, in: cache) == nil)
        #expect(Self.sealing(two, in: cache) == 2)
        Self.insert(1, for: one, into: cache)
        #expect(Self.sealing(one, in: cache) == 1)
        #expect(Self.sealing(two, in: cache) == nil)
        #expect(Self.opens(Self.link(1), in: cache) && Self.opens(Self.link(2), in: cache))
    }

    @Test("of two links whose fingerprints agree the one that was taken out is lent no more")
    func collidingLinks() throws {
        let cache = try KeyCache(capacity: 256)
        let first = KeyLink(high: 1 << 32 | 1, low: 5 << 8 | 3)
        let second = KeyLink(high: 2 << 32 | 1, low: 1 << 60 | 5 << 8 | 3)
        Self.insert(1, for: Self.tag(10), link: first, into: cache)
        Self.insert(2, for: Self.tag(20), link: second, into: cache)
        cache.remove(first)
        #expect(Self.sealing(Self.tag(10), in: cache) == nil)
        #expect(!Self.opens(first, in: cache))
        #expect(Self.sealing(Self.tag(20), in: cache) == 2)
    }

    @Test("a key that was taken out neither seals nor opens; an epoch's keys go together")
    func removing() throws {
        let cache = try KeyCache(capacity: 256)
        let later = EpochClass(epoch: 2, retention: .standard)
        for number in 1...20 {
            Self.insert(
                number, for: Self.tag(UInt64(number)), into: cache,
                epoch: number > 10 ? later : Self.epoch)
        }
        cache.remove(Self.link(3))
        #expect(Self.sealing(Self.tag(3), in: cache) == nil)
        #expect(!Self.opens(Self.link(3), in: cache))
        cache.removeAll(of: [Self.epoch])
        for number in 1...20 {
            #expect((Self.sealing(Self.tag(UInt64(number)), in: cache) == number) == (number > 10))
            #expect(Self.opens(Self.link(number), in: cache) == (number > 10))
        }
    }

    @Test("a key put in to open does not seal until its sequence names it; the newest one seals")
    func newest() throws {
        let cache = try KeyCache(capacity: 256)
        Self.insert(1, for: .none, into: cache)
        #expect(Self.opens(Self.link(1), in: cache))
        #expect(Self.sealing(Self.tag(9), in: cache) == nil)
        #expect(Self.sealing(.none, in: cache) == nil)
        Self.insert(1, for: Self.tag(9), into: cache)
        #expect(Self.sealing(Self.tag(9), in: cache) == 1)
        Self.insert(2, for: Self.tag(9), into: cache)
        cache.remove(Self.link(1))
        #expect(Self.sealing(Self.tag(9), in: cache) == 2, "the older one takes nothing with it")
    }

    private final class Counter: Sendable {
        let count = Atomic(0)
    }

    @Test("threads that put in, take out and look up never get a key of another sequence")
    func stress() async throws {
        let cache = try KeyCache(capacity: 256)
        let wrong = Counter()
        await withTaskGroup(of: Void.self) { group in
            for _ in 0..<4 {
                group.addTask {
                    for _ in 0..<20_000 {
                        let number = Int.random(in: 1...400)
                        let tag = Self.tag(UInt64(number), UInt64(number))
                        switch Int.random(in: 0..<8) {
                        case 0: cache.remove(Self.link(number))
                        case 1 where number == 1: cache.removeAll(of: [Self.epoch])
                        case 1, 2: Self.insert(number, for: tag, into: cache)
                        case 3: Self.insert(number, for: .none, into: cache)
                        default:
                            if let found = Self.sealing(tag, in: cache), found != number {
                                wrong.count.add(1, ordering: .relaxed)
                            }
                        }
                    }
                }
            }
        }
        #expect(wrong.count.load(ordering: .relaxed) == 0)
    }
}
