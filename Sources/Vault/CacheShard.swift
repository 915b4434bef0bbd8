import CPlatform
import Glibc
import Store

/// What the cache knows of a key beside its bytes.
struct CachedKeyFacts {
    let sequence: SequenceID
    let link: KeyLink
    let epoch: EpochClass
    let term: KeyTerm

    /// True if the last event that it sealed has expired.
    func isOver(now: Milliseconds) -> Bool {
        BucketKeys.termEnd(day: term.day, retention: epoch.retention) <= now
    }
}

/// One part of the key cache: a fixed number of places for keys, and the table by sequence. Used
/// under a lock of its own.
///
/// Eviction is second chance (CLOCK): a hand goes round, spares a key that was used since its last
/// visit once, and takes the first that was not. A key that was only put in counts as not used, so
/// that sequences of one event do not drive out the others. Bytes are overwritten when evicted.
struct CacheShard: ~Copyable, @unchecked Sendable {
    // Unchecked: the memory below is reached through this value only, which lies inside a Mutex;
    // the arena's part is given to this shard alone, and `arena` keeps it alive.

    private struct Place {
        var facts: CachedKeyFacts
        /// Subjects on record for this key, as prefixes of keyed hashes: the two last ones.
        var subjects: (UInt64, UInt64)
        var isTaken: Bool
        var wasUsed: Bool
        /// The table by sequence leads here: the newest key of its sequence.
        var seals: Bool
    }

    let capacity: Int
    private let places: UnsafeMutablePointer<Place>
    private let keys: UnsafeMutableRawPointer
    private let arena: LockedMemory
    private var bySequence: FingerprintTable
    private var hand = 0
    private(set) var takenCount = 0
    private(set) var hits: UInt64 = 0
    private(set) var misses: UInt64 = 0
    private(set) var evictions: UInt64 = 0

    /// - Parameter firstPlace: where this shard's keys begin in the arena, in keys.
    init(capacity: Int, arena: LockedMemory, firstPlace: Int) {
        self.capacity = capacity
        self.arena = arena
        keys = arena.unscopedStart + firstPlace * DataKey.byteCount
        // Zero bytes are a place that is not taken; pages that are not used yet cost nothing.
        guard let memory = calloc(capacity, MemoryLayout<Place>.stride) else {
            preconditionFailure("no memory for the key cache")
        }
        places = memory.bindMemory(to: Place.self, capacity: capacity)
        bySequence = FingerprintTable(capacity: capacity)
    }

    deinit {
        free(places)
    }

    @inline(__always)
    private func key(at place: Int) -> UnsafeMutableRawPointer {
        keys + place * DataKey.byteCount
    }

    /// Copies the key that seals for the sequence now; nil if there is none here, or if `subject`
    /// (0: none) is not on record for it.
    @inline(__always)
    mutating func copySealing(
        _ sequence: SequenceID, retention: RetentionClass, subject: UInt64, now: Milliseconds,
        newestDay: UTCDay, isCounted: Bool, into bytes: UnsafeMutableRawPointer
    ) -> KeyLink? {
        guard let place = bySequence.place(of: sequence.hash.second) else {
            if isCounted { misses += 1 }
            return nil
        }
        let found = places + place
        guard found.pointee.seals, found.pointee.facts.sequence == sequence,
            found.pointee.facts.epoch.retention == retention,
            found.pointee.facts.term.seals(now: now, newestDay: newestDay),
            subject == 0 || found.pointee.subjects.0 == subject
                || found.pointee.subjects.1 == subject
        else {
            if isCounted { misses += 1 }
            return nil
        }
        if isCounted { hits += 1 }
        found.pointee.wasUsed = true
        bytes.copyMemory(from: key(at: place), byteCount: DataKey.byteCount)
        return found.pointee.facts.link
    }

    /// Copies the key at a place if it is still the one of `link`.
    mutating func copyOpening(
        _ link: KeyLink, at place: Int, now: Milliseconds, into bytes: UnsafeMutableRawPointer
    ) -> Bool {
        let found = places + place
        guard found.pointee.isTaken, found.pointee.facts.link == link,
            !found.pointee.facts.isOver(now: now)
        else { return false }
        hits += 1
        found.pointee.wasUsed = true
        bytes.copyMemory(from: key(at: place), byteCount: DataKey.byteCount)
        return true
    }

    mutating func countMiss() {
        misses += 1
    }

    /// Puts a key in, or finds it there already.
    /// - Returns: its place, and the link of the key that had to go for it.
    mutating func insert(
        _ facts: CachedKeyFacts, bytes: UnsafeRawPointer, subject: UInt64, seals: Bool,
        knownPlace: Int?
    ) -> (place: Int, evicted: KeyLink?) {
        if let place = knownPlace, places[place].isTaken, places[place].facts.link == facts.link {
            if seals { lead(to: place) }
            note(subject, at: place)
            return (place, nil)
        }
        let place = choosePlace()
        var evicted: KeyLink?
        if places[place].isTaken {
            evicted = places[place].facts.link
            evictions += 1
            clear(place)
        }
        places[place] = Place(
            facts: facts, subjects: (subject, 0), isTaken: true, wasUsed: false, seals: false)
        key(at: place).copyMemory(from: bytes, byteCount: DataKey.byteCount)
        takenCount += 1
        if seals { lead(to: place) }
        return (place, evicted)
    }

    /// Makes this key the one that its sequence finds.
    private mutating func lead(to place: Int) {
        let fingerprint = places[place].facts.sequence.hash.second
        if let before = bySequence.place(of: fingerprint) { places[before].seals = false }
        bySequence.set(fingerprint, to: place)
        places[place].seals = true
    }

    private func note(_ subject: UInt64, at place: Int) {
        let known = places[place].subjects
        if subject == 0 || known.0 == subject || known.1 == subject { return }
        places[place].subjects = (subject, known.0)
    }

    /// Remembers that a subject is on record for a key.
    func noteSubject(_ subject: UInt64, _ link: KeyLink, sequence: SequenceID) {
        guard let place = bySequence.place(of: sequence.hash.second),
            places[place].isTaken, places[place].facts.link == link
        else { return }
        note(subject, at: place)
    }

    private mutating func choosePlace() -> Int {
        // Two rounds at most: the first takes every second chance away.
        while true {
            let place = hand
            hand = hand + 1 == capacity ? 0 : hand + 1
            if !places[place].isTaken || !places[place].wasUsed { return place }
            places[place].wasUsed = false
        }
    }

    private mutating func clear(_ place: Int) {
        if places[place].seals {
            bySequence.remove(places[place].facts.sequence.hash.second, from: place)
        }
        cplatform_zeroise(key(at: place), DataKey.byteCount)
        places[place].isTaken = false
        places[place].wasUsed = false
        places[place].seals = false
        takenCount -= 1
    }

    /// Takes out the key of `link` if it is at that place.
    mutating func remove(_ link: KeyLink, at place: Int) -> Bool {
        guard places[place].isTaken, places[place].facts.link == link else { return false }
        clear(place)
        return true
    }

    /// Takes out all keys of these epochs. Gives their links and places.
    mutating func removeAll(of epochs: Set<EpochClass>) -> [(link: KeyLink, place: Int)] {
        var removed: [(link: KeyLink, place: Int)] = []
        for place in 0..<capacity
        where places[place].isTaken && epochs.contains(places[place].facts.epoch) {
            removed.append((places[place].facts.link, place))
            clear(place)
        }
        return removed
    }
}
