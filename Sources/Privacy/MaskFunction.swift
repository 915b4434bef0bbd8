/// What takes the place of a masked value: lower-case hexadecimal digits, equal for equal values.
package enum MaskFunction {
    /// 64 digits: HMAC-SHA-256 under a secret seed.
    case hmacSHA256(ValueHash)
    /// 32 digits: weak, see ``MurmurHash3``.
    case murmur3(seed: UInt32)

    var digitCount: Int {
        switch self {
        case .hmacSHA256: ValueHash.byteCount * 2
        case .murmur3: MurmurHash3.byteCount * 2
        }
    }

    /// Writes `digitCount` digits of the hash of a value: a string's UTF-8, or the canonical text
    /// of a number or a boolean.
    func write(_ value: UnsafeRawBufferPointer, into output: UnsafeMutableRawPointer) {
        let count = digitCount / 2
        // Half way in, so that each byte is read before the digits reach it.
        let bytes = output + count
        switch self {
        case .hmacSHA256(let hash): hash.write(value, into: bytes)
        case .murmur3(let seed): MurmurHash3.write(value, seed: seed, into: bytes)
        }
        for index in 0..<count {
            let byte = bytes.load(fromByteOffset: index, as: UInt8.self)
            output.storeBytes(of: Self.digit(byte >> 4), toByteOffset: 2 * index, as: UInt8.self)
            output.storeBytes(
                of: Self.digit(byte & 15), toByteOffset: 2 * index + 1, as: UInt8.self)
        }
    }

    private static func digit(_ value: UInt8) -> UInt8 {
        value < 10 ? UInt8(ascii: "0") + value : UInt8(ascii: "a") + value - 10
    }
}
