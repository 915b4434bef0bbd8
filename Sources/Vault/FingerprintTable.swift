import Glibc

/// From 64-bit fingerprints of keyed hashes to places: open addressing, fixed size, no allocation.
///
/// Two keys with one fingerprint take each other's place (they are uniform, so this is as good as
/// never): the owner compares the whole key at the place that it gets.
struct FingerprintTable: ~Copyable {
    private struct Entry {
        /// 0: empty.
        var fingerprint: UInt64
        var place: UInt32
    }

    private let entries: UnsafeMutablePointer<Entry>
    private let mask: Int
    private var count = 0
    private let countMax: Int

    /// Takes up to `capacity` entries; some more, before it refuses.
    init(capacity: Int) {
        var size = 4
        while size < capacity * 2 { size *= 2 }
        // calloc: pages that are not used yet cost nothing.
        guard let memory = calloc(size, MemoryLayout<Entry>.stride) else {
            preconditionFailure("no memory for the key cache")
        }
        entries = memory.bindMemory(to: Entry.self, capacity: size)
        mask = size - 1
        // Something stays empty, or a search would not end.
        countMax = size * 3 / 4
    }

    deinit {
        free(entries)
    }

    @inline(__always)
    private static func normal(_ fingerprint: UInt64) -> UInt64 {
        fingerprint == 0 ? 1 : fingerprint
    }

    @inline(__always)
    private func home(_ fingerprint: UInt64) -> Int {
        Int(truncatingIfNeeded: fingerprint) & mask
    }

    @inline(__always)
    func place(of fingerprint: UInt64) -> Int? {
        let wanted = Self.normal(fingerprint)
        var index = home(wanted)
        while entries[index].fingerprint != 0 {
            if entries[index].fingerprint == wanted { return Int(entries[index].place) }
            index = (index + 1) & mask
        }
        return nil
    }

    /// Puts it there, or in the place of the one with the same fingerprint. A full table ignores
    /// it.
    mutating func set(_ fingerprint: UInt64, to place: Int) {
        let wanted = Self.normal(fingerprint)
        var index = home(wanted)
        while entries[index].fingerprint != 0 && entries[index].fingerprint != wanted {
            index = (index + 1) & mask
        }
        if entries[index].fingerprint == 0 {
            guard count < countMax else { return }
            count += 1
        }
        entries[index] = Entry(fingerprint: wanted, place: UInt32(place))
    }

    /// Takes it out if it still leads to `place`.
    mutating func remove(_ fingerprint: UInt64, from place: Int) {
        let wanted = Self.normal(fingerprint)
        var index = home(wanted)
        while entries[index].fingerprint != wanted {
            if entries[index].fingerprint == 0 { return }
            index = (index + 1) & mask
        }
        guard Int(entries[index].place) == place else { return }
        // Close the gap, so that chains through it stay whole (Knuth 6.4, algorithm R).
        var gap = index
        var next = index
        while true {
            next = (next + 1) & mask
            let fingerprint = entries[next].fingerprint
            if fingerprint == 0 { break }
            let distanceToHome = (next - home(fingerprint)) & mask
            if distanceToHome >= (next - gap) & mask {
                entries[gap] = entries[next]
                gap = next
            }
        }
        entries[gap] = Entry(fingerprint: 0, place: 0)
        count -= 1
    }
}
