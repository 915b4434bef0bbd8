import Store
import Synchronization

/// The data keys in memory: bounded, in parts with a lock each, found by sequence to seal and by
/// key link to open.
///
/// A key lies in the part that its link chooses, so openers take one lock. Tables by sequence, with
/// locks of their own, lead sealers to the place: they let go of the table before they take the
/// part, and compare the whole tag there. Whoever changes both takes the part first.
final class KeyCache: Sendable {
    private static let partsMax = 64
    private static let partCapacityMin = 64
    private static let spareLockableBytes = 1 << 20

    private final class Part: Sendable {
        let shard: Mutex<CacheShard>

        init(_ shard: consuming CacheShard) {
            self.shard = Mutex(shard)
        }
    }

    /// Unchecked: reached through its Mutex only.
    private struct SequenceTable: ~Copyable, @unchecked Sendable {
        var table: FingerprintTable
        /// Look-ups that led nowhere.
        var misses: UInt64 = 0
    }

    private final class Sequences: Sendable {
        let table: Mutex<SequenceTable>

        init(capacity: Int) {
            table = Mutex(SequenceTable(table: FingerprintTable(capacity: capacity)))
        }
    }

    let capacity: Int
    let arena: LockedMemory
    private let parts: [Part]
    private let sequences: [Sequences]
    private let partCapacity: Int
    private let partMask: Int

    init(capacity wanted: Int) throws(VaultError) {
        var count = 1
        while count < Self.partsMax && wanted / (count * 2) >= Self.partCapacityMin { count *= 2 }
        let partCapacity = max(1, wanted / count)
        let capacity = partCapacity * count
        precondition(capacity <= FingerprintTable.placesMax, "more keys than a table can name")
        // The keys of an epoch, 8 KiB a class and day, come later and must be locked too.
        let arena = try LockedMemory(
            byteCount: capacity * DataKey.byteCount, leaving: Self.spareLockableBytes)
        self.capacity = capacity
        self.partCapacity = partCapacity
        self.arena = arena
        partMask = count - 1
        parts = (0..<count).map { index in
            Part(
                CacheShard(
                    capacity: partCapacity, arena: arena, firstPlace: index * partCapacity))
        }
        // Sequences spread evenly, but not exactly: some room more. A table that is full all the
        // same costs its sealers a look-up in the store.
        sequences = (0..<count).map { _ in
            Sequences(capacity: partCapacity + partCapacity / 4 + 16)
        }
    }

    @inline(__always)
    private func partIndex(_ link: KeyLink) -> Int {
        Int(truncatingIfNeeded: link.low) & partMask
    }

    @inline(__always)
    private func sequenceTable(_ sequence: SequenceTag) -> Sequences {
        sequences[Int(truncatingIfNeeded: sequence.second) & partMask]
    }

    /// Copies the key that seals for the sequence now.
    @inline(__always)
    func copySealing(
        _ sequence: SequenceTag, retention: RetentionClass, subject: UInt64, now: Milliseconds,
        newestDay: UTCDay, isCounted: Bool, into bytes: UnsafeMutableRawPointer
    ) -> KeyLink? {
        let place = sequenceTable(sequence).table.withLock { sequences in
            let place = sequences.table.place(of: sequence.first)
            if place == nil, isCounted { sequences.misses += 1 }
            return place
        }
        guard let place else { return nil }
        return parts[place / partCapacity].shard.withLock {
            $0.copySealing(
                sequence, at: place % partCapacity, retention: retention, subject: subject,
                now: now, newestDay: newestDay, isCounted: isCounted, into: bytes)
        }
    }

    /// Copies the key of a link; false if it is not here.
    func copyOpening(
        _ link: KeyLink, now: Milliseconds, into bytes: UnsafeMutableRawPointer
    ) -> Bool {
        parts[partIndex(link)].shard.withLock { $0.copyOpening(link, now: now, into: bytes) }
    }

    /// - Parameter sequence: the one whose newest key it is; `none` if it is put in to open only.
    func insert(
        _ facts: CachedKeyFacts, bytes: UnsafeRawPointer, sequence: SequenceTag = .none,
        subject: UInt64 = 0
    ) {
        let index = partIndex(facts.link)
        parts[index].shard.withLock { shard in
            let (place, evicted) = shard.insert(
                facts, bytes: bytes, sequence: sequence, subject: subject)
            if let evicted { forget(evicted, at: index * partCapacity + place) }
            guard sequence != .none else { return }
            sequenceTable(sequence).table.withLock {
                $0.table.set(sequence.first, to: index * partCapacity + place)
            }
        }
    }

    /// The epoch whose keys wrap the key of a link; nil if that is not here.
    func epoch(of link: KeyLink) -> EpochClass? {
        parts[partIndex(link)].shard.withLock { $0.epoch(of: link) }
    }

    func noteSubject(_ subject: UInt64, _ link: KeyLink) {
        parts[partIndex(link)].shard.withLock { $0.noteSubject(subject, link) }
    }

    func remove(_ link: KeyLink) {
        let index = partIndex(link)
        parts[index].shard.withLock { shard in
            guard let (place, sequence) = shard.remove(link) else { return }
            forget(sequence, at: index * partCapacity + place)
        }
    }

    /// Takes out all keys of these epochs. Looks at every place: once a day.
    func removeAll(of epochs: Set<EpochClass>) {
        for (index, part) in parts.enumerated() {
            part.shard.withLock { shard in
                for (place, sequence) in shard.removeAll(of: epochs) {
                    forget(sequence, at: index * partCapacity + place)
                }
            }
        }
    }

    private func forget(_ sequence: SequenceTag, at place: Int) {
        guard sequence != .none else { return }
        sequenceTable(sequence).table.withLock { $0.table.remove(sequence.first, from: place) }
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
        for part in sequences {
            part.table.withLock { statistics.cacheMisses += $0.misses }
        }
    }
}
