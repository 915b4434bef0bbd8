import Glibc

/// Comparing and hashing byte strings in place.
enum ByteText {
    @inline(__always)
    static func isEqual(
        _ start: UnsafeRawPointer, _ count: Int, _ other: UnsafeRawBufferPointer
    ) -> Bool {
        guard count == other.count else { return false }
        guard let base = other.baseAddress else { return count == 0 }
        return memcmp(start, base, count) == 0
    }

    /// A 64-bit hash: eight bytes at a time, multiplied and folded as in wyhash. With a secret seed
    /// a sender cannot choose names that collide.
    @inline(__always)
    static func hash(_ text: UnsafeRawBufferPointer, seed: UInt64) -> UInt64 {
        var state = seed ^ (UInt64(truncatingIfNeeded: text.count) &* 0x9e37_79b9_7f4a_7c15)
        guard let base = text.baseAddress else { return fold(state, 0xe703_7ed1_a0b4_28db) }
        var index = 0
        while index + 8 <= text.count {
            let word = base.loadUnaligned(fromByteOffset: index, as: UInt64.self)
            state = fold(state ^ word, 0xa076_1d64_78bd_642f ^ seed)
            index += 8
        }
        var rest: UInt64 = 0
        while index < text.count {
            rest = rest << 8 | UInt64(base.load(fromByteOffset: index, as: UInt8.self))
            index += 1
        }
        return fold(state ^ rest, 0xe703_7ed1_a0b4_28db ^ seed)
    }

    @inline(__always)
    private static func fold(_ a: UInt64, _ b: UInt64) -> UInt64 {
        let product = a.multipliedFullWidth(by: b)
        return product.high ^ product.low
    }
}
