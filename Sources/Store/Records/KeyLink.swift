/// The random UUID (version 4) that names a data key, in `strmMeta.keyLink` and in each record.
package struct KeyLink: Hashable, Sendable, Comparable, CustomStringConvertible {
    /// The first eight bytes, big-endian.
    package var high: UInt64
    /// The last eight bytes, big-endian.
    package var low: UInt64

    /// Characters of the text form, hyphens included.
    package static let textCount = 36

    package init(high: UInt64, low: UInt64) {
        self.high = high
        self.low = low
    }

    /// A new random link: 122 random bits, so that two never meet.
    package init<Generator: RandomNumberGenerator>(random generator: inout Generator) {
        let high = generator.next()
        let low = generator.next()
        self.high = (high & ~0xF000) | 0x4000
        self.low = (low & ~(0xC0 << 56)) | (0x80 << 56)
    }

    package static func random() -> KeyLink {
        var generator = SystemRandomNumberGenerator()
        return KeyLink(random: &generator)
    }

    /// Any UUID in the 8-4-4-4-12 form, hexadecimal in either case; nil for all else.
    package init?(_ text: some StringProtocol) {
        var utf8 = text.utf8.makeIterator()
        self.init(next: { utf8.next() })
    }

    /// The same from bytes.
    package init?(uuidText bytes: UnsafeRawBufferPointer) {
        var index = 0
        self.init(next: {
            guard index < bytes.count else { return nil }
            defer { index += 1 }
            return bytes[index]
        })
    }

    private init?(next: () -> UInt8?) {
        var high: UInt64 = 0
        var low: UInt64 = 0
        for position in 0..<Self.textCount {
            guard let byte = next() else { return nil }
            if position == 8 || position == 13 || position == 18 || position == 23 {
                guard byte == UInt8(ascii: "-") else { return nil }
                continue
            }
            let digit: UInt8
            switch byte {
            case UInt8(ascii: "0")...UInt8(ascii: "9"): digit = byte - UInt8(ascii: "0")
            case UInt8(ascii: "a")...UInt8(ascii: "f"): digit = byte - UInt8(ascii: "a") + 10
            case UInt8(ascii: "A")...UInt8(ascii: "F"): digit = byte - UInt8(ascii: "A") + 10
            default: return nil
            }
            high = high << 4 | low >> 60
            low = low << 4 | UInt64(digit)
        }
        guard next() == nil else { return nil }
        self.high = high
        self.low = low
    }

    /// Writes the 36 lower-case characters at the start of `target`, which must have room for them.
    package func write(to target: UnsafeMutableRawBufferPointer) {
        precondition(target.count >= Self.textCount, "a key link needs room for 36 characters")
        guard let text = target.baseAddress else { return }
        let first = Self.hexadecimal(UInt32(truncatingIfNeeded: high >> 32))
        let second = Self.hexadecimal(UInt32(truncatingIfNeeded: high))
        let third = Self.hexadecimal(UInt32(truncatingIfNeeded: low >> 32))
        let fourth = Self.hexadecimal(UInt32(truncatingIfNeeded: low))
        let hyphen = UInt8(ascii: "-")
        text.storeBytes(of: first, as: UInt64.self)
        text.storeBytes(of: hyphen, toByteOffset: 8, as: UInt8.self)
        text.storeBytes(of: UInt32(truncatingIfNeeded: second), toByteOffset: 9, as: UInt32.self)
        text.storeBytes(of: hyphen, toByteOffset: 13, as: UInt8.self)
        text.storeBytes(
            of: UInt32(truncatingIfNeeded: second >> 32), toByteOffset: 14, as: UInt32.self)
        text.storeBytes(of: hyphen, toByteOffset: 18, as: UInt8.self)
        text.storeBytes(of: UInt32(truncatingIfNeeded: third), toByteOffset: 19, as: UInt32.self)
        text.storeBytes(of: hyphen, toByteOffset: 23, as: UInt8.self)
        text.storeBytes(
            of: UInt32(truncatingIfNeeded: third >> 32), toByteOffset: 24, as: UInt32.self)
        text.storeBytes(of: fourth, toByteOffset: 28, as: UInt64.self)
    }

    /// Eight lower-case digits, as they stand in the memory of a little-endian machine.
    @inline(__always)
    private static func hexadecimal(_ number: UInt32) -> UInt64 {
        // One nibble in each byte, the first digit lowest.
        var spread = UInt64(number.byteSwapped)
        spread = (spread | spread << 16) & 0x0000_FFFF_0000_FFFF
        spread = (spread | spread << 8) & 0x00FF_00FF_00FF_00FF
        spread = (spread >> 4 & 0x000F_000F_000F_000F) | (spread & 0x000F_000F_000F_000F) << 8
        // A byte over nine carries into its fifth bit, which then adds what lies between 9 and a.
        let letters = (spread &+ 0x0606_0606_0606_0606) >> 4 & 0x0101_0101_0101_0101
        let digits = spread &+ 0x3030_3030_3030_3030 &+ letters &* 39
        return digits.littleEndian
    }

    /// The 16 bytes of the UUID in network order, as keys and wrapped keys hold them.
    package var bytes: [UInt8] {
        var result: [UInt8] = []
        result.reserveCapacity(16)
        for shift in stride(from: 56, through: 0, by: -8) {
            result.append(UInt8(truncatingIfNeeded: high >> UInt64(shift)))
        }
        for shift in stride(from: 56, through: 0, by: -8) {
            result.append(UInt8(truncatingIfNeeded: low >> UInt64(shift)))
        }
        return result
    }

    /// The link in 16 bytes of network order; nil for any other count.
    package init?(bytes: some Collection<UInt8>) {
        guard bytes.count == 16 else { return nil }
        var high: UInt64 = 0
        var low: UInt64 = 0
        for byte in bytes {
            high = high << 8 | low >> 56
            low = low << 8 | UInt64(byte)
        }
        self.high = high
        self.low = low
    }

    package static func < (left: Self, right: Self) -> Bool {
        (left.high, left.low) < (right.high, right.low)
    }

    package var description: String {
        String(unsafeUninitializedCapacity: Self.textCount) { buffer in
            write(to: UnsafeMutableRawBufferPointer(buffer))
            return Self.textCount
        }
    }
}
