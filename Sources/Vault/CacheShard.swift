import CPlatform
import Glibc
import Store

/// What is known of a key beside its bytes.
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

/// One part of the key cache: a fixed number of places for keys, and the table by key link. Used
/// under a lock of its own.
///
/// Eviction is second chance (CLOCK): a hand goes round, spares a key that was used since its last
/// visit once, and takes the first that was not. A key that was only put in counts as not used, so
/// that sequences of one event do not drive out the others. Bytes are overwritten when evicted.
struct CacheShard: ~Copyable, @unchecked Sendable {
    // Unchecked: the memory below is reached through this value only, which lies inside a Mutex;
    // the arena's part is given to this shard alone, and `arena` keeps it alive.

    private struct Place {
        var link: KeyLink
        /// The sequence whose newest key it is; `none` for a key that only opens.
        var sequence: SequenceTag
        /// Subjects on record for this key, as short tags: the two last ones; 0: none.
        var subjects: (UInt64, UInt64)
        var term: KeyTerm
        var epoch: EpochClass
        var isTaken: Bool
        var wasUsed: Bool

        /// True if the last event that it sealed has expired.
        func isOver(now: Milliseconds) -> Bool {
            BucketKeys.termEnd(day: term.day, retention: epoch.retention) <= now
        }
    }

    let capacity: Int
    private let places: UnsafeMutablePointer<Place>
    private let keys: UnsafeMutableRawPointer
    private let arena: LockedMemory
    private var byLink: FingerprintTable
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
        byLink = FingerprintTable(capacity: capacity)
    }

    deinit {
        free(places)
    }

    @inline(__always)
    private func key(at place: Int) -> UnsafeMutableRawPointer {
        keys + place * DataKey.byteCount
    }

    /// Copies the key at a place if it seals for the sequence now; nil if it does not, or if
    /// `subject` (0: none) is not on record for it.
    @inline(__always)
    mutating func copySealing(
        _ sequence: SequenceTag, at place: Int, retention: RetentionClass, subject: UInt64,
        now: Milliseconds, newestDay: UTCDay, isCounted: Bool, into bytes: UnsafeMutableRawPointer
    ) -> KeyLink? {
        let found = places + place
        guard found.pointee.isTaken, found.pointee.sequence == sequence,
            found.pointee.epoch.retention == retention,
            found.pointee.term.seals(now: now, newestDay: newestDay),
            subject == 0 || found.pointee.subjects.0 == subject
                || found.pointee.subjects.1 == subject
        else {
            if isCounted { misses += 1 }
            return nil
        }
        if isCounted { hits += 1 }
        found.pointee.wasUsed = true
        bytes.copyMemory(from: key(at: place), byteCount: DataKey.byteCount)
        return found.pointee.link
    }

    /// Copies the key of a link if it is here.
    mutating func copyOpening(
        _ link: KeyLink, now: Milliseconds, into bytes: UnsafeMutableRawPointer
    ) -> Bool {
        guard let place = place(of: link), !places[place].isOver(now: now) else {
            misses += 1
            return false
        }
        hits += 1
        places[place].wasUsed = true
        bytes.copyMemory(from: key(at: place), byteCount: DataKey.byteCount)
        return true
    }

    @inline(__always)
    private func place(of link: KeyLink) -> Int? {
        guard let place = byLink.place(of: Self.fingerprint(link)), places[place].isTaken,
            places[place].link == link
        else { return nil }
        return place
    }

    /// The last byte chooses the shard and the bucket, so the others are what tells keys apart.
    private static func fingerprint(_ link: KeyLink) -> UInt64 { link.low >> 8 }

    /// Puts a key in, or finds it there already.
    /// - Parameter sequence: the one whose newest key it is; `none` if it only opens.
    /// - Returns: its place, and the sequence of the key that had to go for it.
    mutating func insert(
        _ facts: CachedKeyFacts, bytes: UnsafeRawPointer, sequence: SequenceTag, subject: UInt64
    ) -> (place: Int, evicted: SequenceTag?) {
        if let place = place(of: facts.link) {
            if sequence != .none { places[place].sequence = sequence }
            note(subject, at: place)
            return (place, nil)
        }
        // A key whose fingerprint is the same could not be found by its link any more, not even to
        // be taken out: it goes.
        let place = byLink.place(of: Self.fingerprint(facts.link)) ?? choosePlace()
        var evicted: SequenceTag?
        if places[place].isTaken {
            evicted = places[place].sequence
            evictions += 1
            clear(place)
        }
        places[place] = Place(
            link: facts.link, sequence: sequence, subjects: (subject, 0), term: facts.term,
            epoch: facts.epoch, isTaken: true, wasUsed: false)
        key(at: place).copyMemory(from: bytes, byteCount: DataKey.byteCount)
        byLink.set(Self.fingerprint(facts.link), to: place)
        takenCount += 1
        return (place, evicted)
    }

    private func note(_ subject: UInt64, at place: Int) {
        let known = places[place].subjects
        if subject == 0 || known.0 == subject || known.1 == subject { return }
        places[place].subjects = (subject, known.0)
    }

    /// Remembers that a subject is on record for a key.
    func noteSubject(_ subject: UInt64, _ link: KeyLink) {
        if let place = place(of: link) { note(subject, at: place) }
    }

    /// nil: the key of the link is not here.
    func epoch(of link: KeyLink) -> EpochClass? {
        guard let place = place(of: link) else { return nil }
        return places[place].epoch
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
        byLink.remove(Self.fingerprint(places[place].link), from: place)
        cplatform_zeroise(key(at: place), DataKey.byteCount)
        places[place].isTaken = false
        places[place].wasUsed = false
        places[place].sequence = .none
        takenCount -= 1
    }

    /// Takes out the key of `link`. Gives its place and the sequence that it sealed for.
    mutating func remove(_ link: KeyLink) -> (place: Int, sequence: SequenceTag)? {
        guard let place = place(of: link) else { return nil }
        let sequence = places[place].sequence
        clear(place)
        return (place, sequence)
    }

    /// Takes out all keys of these epochs. Gives their places and the sequences they sealed for.
    mutating func removeAll(
        of epochs: Set<EpochClass>
    ) -> [(place: Int, sequence: SequenceTag)] {
        var removed: [(place: Int, sequence: SequenceTag)] = []
        for place in 0..<capacity
        where places[place].isTaken && epochs.contains(places[place].epoch) {
            removed.append((place, places[place].sequence))
            clear(place)
        }
        return removed
    }
}
