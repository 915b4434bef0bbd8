import Store
import Synchronization

/// The data keys in memory: bounded, in parts with a lock each, found by sequence to seal and by
/// key link to open.
///
/// A key lies in the part that the hash of its sequence chooses; sealing takes that one lock. A
/// table by key link, in parts of its own, leads openers to the place. Locks are taken in the order
/// part, then link table; an opener lets go of the link table before it takes the part, and
/// compares the link there.
final class KeyCache: Sendable {
    private static let partsMax = 64
    private static let partCapacityMin = 64

    private final class Part: Sendable {
        let shard: Mutex<CacheShard>

        init(_ shard: consuming CacheShard) {
            self.shard = Mutex(shard)
        }
    }

    /// Unchecked: reached through its Mutex only.
    private struct LinkTable: ~Copyable, @unchecked Sendable {
        var table: FingerprintTable
    }

    private final class Links: Sendable {
        let table: Mutex<LinkTable>

        init(capacity: Int) {
            table = Mutex(LinkTable(table: FingerprintTable(capacity: capacity)))
        }
    }

    let capacity: Int
    let arena: LockedMemory
    private let parts: [Part]
    private let links: [Links]
    private let partCapacity: Int
    private let partMask: Int

    init(capacity wanted: Int) throws(VaultError) {
        var count = 1
        while count < Self.partsMax && wanted / (count * 2) >= Self.partCapacityMin { count *= 2 }
        let partCapacity = max(1, wanted / count)
        let capacity = partCapacity * count
        let arena = try LockedMemory(byteCount: capacity * DataKey.byteCount)
        self.capacity = capacity
        self.partCapacity = partCapacity
        self.arena = arena
        partMask = count - 1
        parts = (0..<count).map { index in
            Part(
                CacheShard(
                    capacity: partCapacity, arena: arena, firstPlace: index * partCapacity))
        }
        // Links spread evenly, but not exactly: some room more. A table that is full all the same
        // costs its openers a look-up in the store.
        links = (0..<count).map { _ in Links(capacity: partCapacity + partCapacity / 4 + 16) }
    }

    @inline(__always)
    private func partIndex(_ sequence: SequenceID) -> Int {
        Int(truncatingIfNeeded: sequence.hash.first) & partMask
    }

    @inline(__always)
    private func linkTable(_ link: KeyLink) -> Links {
        links[Int(truncatingIfNeeded: link.high >> 32) & partMask]
    }

    /// Copies the key that seals for the sequence now.
    @inline(__always)
    func copySealing(
        _ sequence: SequenceID, retention: RetentionClass, subject: UInt64, now: Milliseconds,
        newestDay: UTCDay, isCounted: Bool, into bytes: UnsafeMutableRawPointer
    ) -> KeyLink? {
        parts[partIndex(sequence)].shard.withLock {
            $0.copySealing(
                sequence, retention: retention, subject: subject, now: now, newestDay: newestDay,
                isCounted: isCounted, into: bytes)
        }
    }

    /// Copies the key of a link; false if it is not here.
    func copyOpening(
        _ link: KeyLink, now: Milliseconds, into bytes: UnsafeMutableRawPointer
    ) -> Bool {
        guard let place = place(of: link) else {
            parts[Int(truncatingIfNeeded: link.low) & partMask].shard.withLock { $0.countMiss() }
            return false
        }
        return parts[place / partCapacity].shard.withLock {
            $0.copyOpening(link, at: place % partCapacity, now: now, into: bytes)
        }
    }

    /// - Parameter seals: it is the newest key of its sequence.
    func insert(
        _ facts: CachedKeyFacts, bytes: UnsafeRawPointer, subject: UInt64 = 0, seals: Bool
    ) {
        let index = partIndex(facts.sequence)
        let first = index * partCapacity
        parts[index].shard.withLock { shard in
            // Asked under the lock: a link is always of one part, so it cannot come in twice.
            let known = place(of: facts.link).flatMap { place in
                (first..<first + partCapacity).contains(place) ? place - first : nil
            }
            let (place, evicted) = shard.insert(
                facts, bytes: bytes, subject: subject, seals: seals, knownPlace: known)
            if let evicted { forget(evicted, at: first + place) }
            linkTable(facts.link).table.withLock {
                $0.table.set(facts.link.low, to: first + place)
            }
        }
    }

    func noteSubject(_ subject: UInt64, _ link: KeyLink, sequence: SequenceID) {
        parts[partIndex(sequence)].shard.withLock {
            $0.noteSubject(subject, link, sequence: sequence)
        }
    }

    func remove(_ link: KeyLink) {
        guard let part = place(of: link).map({ $0 / partCapacity }) else { return }
        parts[part].shard.withLock { shard in
            // Again, under the lock: it may have moved inside its part.
            guard let place = place(of: link), place / partCapacity == part else { return }
            if shard.remove(link, at: place % partCapacity) { forget(link, at: place) }
        }
    }

    /// Takes out all keys of these epochs. Looks at every place: once a day.
    func removeAll(of epochs: Set<EpochClass>) {
        for (index, part) in parts.enumerated() {
            part.shard.withLock { shard in
                for (link, place) in shard.removeAll(of: epochs) {
                    forget(link, at: index * partCapacity + place)
                }
            }
        }
    }

    private func place(of link: KeyLink) -> Int? {
        linkTable(link).table.withLock { $0.table.place(of: link.low) }
    }

    private func forget(_ link: KeyLink, at place: Int) {
        linkTable(link).table.withLock { $0.table.remove(link.low, from: place) }
    }

    func fill(_ statistics: inout VaultStatistics) {
        statistics.cachedKeysMax = capacity
        statistics.keyMemoryBytes = arena.byteCount
        statistics.lockedKeyMemoryBytes = arena.lockedByteCount
        for part in parts {
            part.shard.withLock { shard in
                statistics.cachedKeys += shard.takenCount
                statistics.cacheHits += shard.hits
                statistics.cacheMisses += shard.misses
                statistics.evictions += shard.evictions
            }
        }
    }
}
