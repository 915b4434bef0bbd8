/// MurmurHash3, the variant of 128 bits for 64-bit machines (Austin Appleby, public domain:
/// https://github.com/aappleby/smhasher, `MurmurHash3_x64_128`).
///
/// It is no cryptography: whoever has the seed, or tries its 2³² values, finds what was hashed by
/// guessing. It is here because other systems mask with it.
package enum MurmurHash3 {
    package static let byteCount = 16

    /// The two halves; ``write(_:seed:into:)`` gives the usual order of their bytes.
    package static func hash(
        _ message: UnsafeRawBufferPointer, seed: UInt32
    ) -> (first: UInt64, second: UInt64) {
        var first = UInt64(seed)
        var second = UInt64(seed)
        let blocks = message.count / 16
        for index in 0..<blocks {
            first ^= mixedFirst(word(message, index * 16))
            first = (rotated(first, 27) &+ second) &* 5 &+ 0x52dc_e729
            second ^= mixedSecond(word(message, index * 16 + 8))
            second = (rotated(second, 31) &+ first) &* 5 &+ 0x3849_5ab5
        }
        let (low, high) = tail(message, from: blocks * 16)
        second ^= mixedSecond(high)
        first ^= mixedFirst(low)

        first ^= UInt64(message.count)
        second ^= UInt64(message.count)
        first &+= second
        second &+= first
        first = final(first)
        second = final(second)
        first &+= second
        second &+= first
        return (first, second)
    }

    /// Writes the 16 bytes as the reference implementation does on a little-endian machine, and
    /// Python's `mmh3.hash_bytes`: the first half, then the second, each with its lowest byte first.
    static func write(
        _ message: UnsafeRawBufferPointer, seed: UInt32, into output: UnsafeMutableRawPointer
    ) {
        let (first, second) = hash(message, seed: seed)
        output.storeBytes(of: first.littleEndian, as: UInt64.self)
        output.storeBytes(of: second.littleEndian, toByteOffset: 8, as: UInt64.self)
    }

    /// A word of zeroes mixes to zero, so a tail of at most 8 bytes leaves the second half alone.
    private static func mixedFirst(_ word: UInt64) -> UInt64 {
        rotated(word &* 0x87c3_7b91_1142_53d5, 31) &* 0x4cf5_ad43_2745_937f
    }

    private static func mixedSecond(_ word: UInt64) -> UInt64 {
        rotated(word &* 0x4cf5_ad43_2745_937f, 33) &* 0x87c3_7b91_1142_53d5
    }

    private static func final(_ word: UInt64) -> UInt64 {
        var word = word
        word ^= word >> 33
        word &*= 0xff51_afd7_ed55_8ccd
        word ^= word >> 33
        word &*= 0xc4ce_b9fe_1a85_ec53
        return word ^ (word >> 33)
    }

    private static func rotated(_ word: UInt64, _ count: UInt64) -> UInt64 {
        word << count | word >> (64 - count)
    }

    private static func word(_ message: UnsafeRawBufferPointer, _ place: Int) -> UInt64 {
        UInt64(littleEndian: message.loadUnaligned(fromByteOffset: place, as: UInt64.self))
    }

    /// The bytes behind the last block, fewer than 16, as two little-endian words.
    private static func tail(
        _ message: UnsafeRawBufferPointer, from start: Int
    ) -> (low: UInt64, high: UInt64) {
        var (low, high): (UInt64, UInt64) = (0, 0)
        for (place, byte) in message[start...].enumerated() {
            if place < 8 {
                low |= UInt64(byte) << (8 * UInt64(place))
            } else {
                high |= UInt64(byte) << (8 * UInt64(place - 8))
            }
        }
        return (low, high)
    }
}
