import Glibc

/// From fingerprints of keyed hashes to places: open addressing, fixed size, no allocation, eight
/// bytes an entry.
///
/// Of a fingerprint its low 40 bits count. Two keys that agree in them take each other's place
/// (with a million keys in 64 tables that happens to one pair in seventy starts, and costs that
/// pair its place in memory, nothing else): the owner compares the whole key at the place that it
/// gets.
struct FingerprintTable: ~Copyable {
    /// Fingerprint in the upper 40 bits, place in the lower 24; 0: empty.
    private struct Entry {
        var bits: UInt64

        var fingerprint: UInt64 { bits >> 24 }
        var place: Int { Int(truncatingIfNeeded: bits & 0xFF_FFFF) }
        var isEmpty: Bool { bits >> 24 == 0 }
    }

    /// Places are below this.
    static let placesMax = 1 << 24

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
        let bits = fingerprint & 0xFF_FFFF_FFFF
        return bits == 0 ? 1 : bits
    }

    @inline(__always)
    private func home(_ fingerprint: UInt64) -> Int {
        Int(truncatingIfNeeded: fingerprint) & mask
    }

    @inline(__always)
    func place(of fingerprint: UInt64) -> Int? {
        let wanted = Self.normal(fingerprint)
        var index = home(wanted)
        while !entries[index].isEmpty {
            if entries[index].fingerprint == wanted { return entries[index].place }
            index = (index + 1) & mask
        }
        return nil
    }

    /// Puts it there, or in the place of the one with the same fingerprint. A full table ignores
    /// it.
    mutating func set(_ fingerprint: UInt64, to place: Int) {
        let wanted = Self.normal(fingerprint)
        var index = home(wanted)
        while !entries[index].isEmpty && entries[index].fingerprint != wanted {
            index = (index + 1) & mask
        }
        if entries[index].isEmpty {
            guard count < countMax else { return }
            count += 1
        }
        precondition(place >= 0 && place < Self.placesMax, "a place that no entry can name")
        entries[index] = Entry(bits: wanted << 24 | UInt64(place))
    }

    /// Takes it out if it still leads to `place`.
    mutating func remove(_ fingerprint: UInt64, from place: Int) {
        let wanted = Self.normal(fingerprint)
        var index = home(wanted)
        while entries[index].fingerprint != wanted {
            if entries[index].isEmpty { return }
            index = (index + 1) & mask
        }
        guard entries[index].place == place else { return }
        // Close the gap, so that chains through it stay whole (Knuth 6.4, algorithm R).
        var gap = index
        var next = index
        while true {
            next = (next + 1) & mask
            if entries[next].isEmpty { break }
            let distanceToHome = (next - home(entries[next].fingerprint)) & mask
            if distanceToHome >= (next - gap) & mask {
                entries[gap] = entries[next]
                gap = next
            }
        }
        entries[gap] = Entry(bits: 0)
        count -= 1
    }
}
