/// Standard base64 with padding (RFC 4648 §4) between raw buffers.
///
/// Works on ciphertext only: table look-ups at secret places would leak through the cache.
struct Base64: @unchecked Sendable {
    // Unchecked: the tables are filled before `shared` is published, never written again and
    // never freed.

    static let shared = Base64()

    /// 4,096 entries: the two characters of 12 bits, in memory order.
    private let pairs: UnsafePointer<UInt16>
    /// 256 entries: the 6 bits of a character, 0xFF if it is none.
    private let values: UnsafePointer<UInt8>

    private init() {
        let alphabet = Array(
            "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".utf8)
        let pairs = UnsafeMutablePointer<UInt16>.allocate(capacity: 4_096)
        for index in 0..<4_096 {
            let first = UInt16(alphabet[index >> 6])
            let second = UInt16(alphabet[index & 63])
            pairs[index] = UInt16(littleEndian: first | second << 8)
        }
        let values = UnsafeMutablePointer<UInt8>.allocate(capacity: 256)
        values.initialize(repeating: 0xFF, count: 256)
        for (value, character) in alphabet.enumerated() {
            values[Int(character)] = UInt8(value)
        }
        self.pairs = UnsafePointer(pairs)
        self.values = UnsafePointer(values)
    }

    @inline(__always)
    static func encodedCount(_ count: Int) -> Int {
        (count + 2) / 3 * 4
    }

    /// The most bytes that this many characters can stand for.
    @inline(__always)
    static func decodedCountMax(_ count: Int) -> Int {
        count / 4 * 3
    }

    /// Writes `encodedCount(count)` characters and gives their number.
    func encode(
        _ input: UnsafeRawPointer, count: Int, into output: UnsafeMutableRawPointer
    ) -> Int {
        var source = input
        var target = output
        var left = count
        while left >= 3 {
            let first = Int(source.load(as: UInt8.self))
            let second = Int(source.load(fromByteOffset: 1, as: UInt8.self))
            let third = Int(source.load(fromByteOffset: 2, as: UInt8.self))
            let bits = first << 16 | second << 8 | third
            target.storeBytes(of: pairs[bits >> 12], as: UInt16.self)
            target.storeBytes(of: pairs[bits & 0xFFF], toByteOffset: 2, as: UInt16.self)
            source += 3
            target += 4
            left -= 3
        }
        if left > 0 {
            let second = left == 2 ? Int(source.load(fromByteOffset: 1, as: UInt8.self)) : 0
            let bits = Int(source.load(as: UInt8.self)) << 16 | second << 8
            target.storeBytes(of: pairs[bits >> 12], as: UInt16.self)
            target.storeBytes(of: pairs[bits & 0xFFF], toByteOffset: 2, as: UInt16.self)
            let padding = UInt8(ascii: "=")
            target.storeBytes(of: padding, toByteOffset: 3, as: UInt8.self)
            if left == 1 { target.storeBytes(of: padding, toByteOffset: 2, as: UInt8.self) }
            target += 4
        }
        return target - output
    }

    /// Writes what the characters stand for and gives its length, nil if they are not the one
    /// canonical encoding: a foreign character, wrong padding, or unused bits that are not 0.
    ///
    /// `output` has room for `decodedCountMax(count)` bytes.
    func decode(
        _ input: UnsafeRawPointer, count: Int, into output: UnsafeMutableRawPointer
    ) -> Int? {
        guard count % 4 == 0 else { return nil }
        guard count > 0 else { return 0 }
        let padding = UInt8(ascii: "=")
        var paddingCount = 0
        if input.load(fromByteOffset: count - 1, as: UInt8.self) == padding {
            paddingCount = input.load(fromByteOffset: count - 2, as: UInt8.self) == padding ? 2 : 1
        }
        var source = input
        var target = output
        // Bit 7 is set in 0xFF only, so one check at the end covers all characters.
        var seen: UInt8 = 0
        for _ in 0..<(count / 4 - (paddingCount > 0 ? 1 : 0)) {
            let first = values[Int(source.load(as: UInt8.self))]
            let second = values[Int(source.load(fromByteOffset: 1, as: UInt8.self))]
            let third = values[Int(source.load(fromByteOffset: 2, as: UInt8.self))]
            let fourth = values[Int(source.load(fromByteOffset: 3, as: UInt8.self))]
            seen |= first | second | third | fourth
            let bits =
                UInt32(first) << 18 | UInt32(second) << 12 | UInt32(third) << 6 | UInt32(fourth)
            target.storeBytes(of: UInt8(truncatingIfNeeded: bits >> 16), as: UInt8.self)
            target.storeBytes(
                of: UInt8(truncatingIfNeeded: bits >> 8), toByteOffset: 1, as: UInt8.self)
            target.storeBytes(of: UInt8(truncatingIfNeeded: bits), toByteOffset: 2, as: UInt8.self)
            source += 4
            target += 3
        }
        guard seen & 0x80 == 0 else { return nil }
        if paddingCount > 0 {
            guard let tail = decodeTail(source, paddingCount: paddingCount, into: target) else {
                return nil
            }
            target += tail
        }
        return target - output
    }

    private func decodeTail(
        _ source: UnsafeRawPointer, paddingCount: Int, into target: UnsafeMutableRawPointer
    ) -> Int? {
        let first = values[Int(source.load(as: UInt8.self))]
        let second = values[Int(source.load(fromByteOffset: 1, as: UInt8.self))]
        let third: UInt8 =
            paddingCount == 2 ? 0 : values[Int(source.load(fromByteOffset: 2, as: UInt8.self))]
        guard (first | second | third) & 0x80 == 0 else { return nil }
        let bits = UInt32(first) << 18 | UInt32(second) << 12 | UInt32(third) << 6
        let unusedBits: UInt32 = paddingCount == 2 ? 0xFFFF : 0xFF
        guard bits & unusedBits == 0 else { return nil }
        target.storeBytes(of: UInt8(truncatingIfNeeded: bits >> 16), as: UInt8.self)
        if paddingCount == 2 { return 1 }
        target.storeBytes(of: UInt8(truncatingIfNeeded: bits >> 8), toByteOffset: 1, as: UInt8.self)
        return 2
    }
}
