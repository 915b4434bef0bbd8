/// The text between the quotes of a canonical JSON string, to and from raw UTF-8.
///
/// Canonical escapes are those of RFC 8785: `\"`, `\\`, `\b`, `\f`, `\n`, `\r`, `\t`, `\u00xx`
/// (lower case) for the other control characters; nothing else is escaped.
package enum JSONText {
    /// Bytes that ``escape(_:into:)`` writes for `raw`. Cost: one pass.
    @inline(__always)
    package static func escapedCount(_ raw: UnsafeRawBufferPointer) -> Int {
        var count = raw.count
        guard let base = raw.baseAddress else { return 0 }
        var index = 0
        while index < raw.count {
            if index + 8 <= raw.count,
                !hasSpecialByte(base.loadUnaligned(fromByteOffset: index, as: UInt64.self))
            {
                index += 8
                continue
            }
            count += extraCount(base.load(fromByteOffset: index, as: UInt8.self))
            index += 1
        }
        return count
    }

    /// Writes the canonical escaped form of UTF-8 `raw` and returns its length in bytes. `output`
    /// must have room for ``escapedCount(_:)`` bytes; six times `raw.count` always suffices.
    @inline(__always)
    @discardableResult
    package static func escape(
        _ raw: UnsafeRawBufferPointer, into output: UnsafeMutableRawBufferPointer
    ) -> Int {
        guard let source = raw.baseAddress, let target = output.baseAddress else { return 0 }
        var read = 0
        var written = 0
        while read < raw.count {
            if read + 8 <= raw.count {
                let word = source.loadUnaligned(fromByteOffset: read, as: UInt64.self)
                if !hasSpecialByte(word) {
                    target.storeBytes(of: word, toByteOffset: written, as: UInt64.self)
                    read += 8
                    written += 8
                    continue
                }
            }
            let byte = source.load(fromByteOffset: read, as: UInt8.self)
            read += 1
            written += putEscaped(byte, target + written)
        }
        return written
    }

    /// Writes the raw UTF-8 of canonical escaped text and returns its length in bytes, at most
    /// `escaped.count`.
    ///
    /// Other JSON escapes (`\/`, `\u` of any character, surrogate pairs) are understood too. Text
    /// that is not valid JSON never traps: a bad escape is copied as it stands.
    @discardableResult
    package static func unescape(
        _ escaped: UnsafeRawBufferPointer, into output: UnsafeMutableRawBufferPointer
    ) -> Int {
        var read = 0
        var written = 0
        while read < escaped.count {
            let byte = escaped[read]
            guard byte == UInt8(ascii: "\\"), read + 1 < escaped.count else {
                output[written] = byte
                read += 1
                written += 1
                continue
            }
            let kind = escaped[read + 1]
            if kind == UInt8(ascii: "u"), let (scalar, used) = scalar(escaped, read) {
                for unit in UTF8.encode(scalar).unsafelyUnwrapped {
                    output[written] = unit
                    written += 1
                }
                read += used
            } else if let plain = unescapedByte(kind) {
                output[written] = plain
                read += 2
                written += 1
            } else {
                output[written] = byte
                read += 1
                written += 1
            }
        }
        return written
    }

    /// Whether one of eight bytes is a quote, a backslash or a control character: the usual
    /// zero-byte trick on a word. It may also say yes for a byte behind a special one; callers then
    /// look byte by byte.
    @inline(__always)
    static func hasSpecialByte(_ word: UInt64) -> Bool {
        let ones: UInt64 = 0x0101_0101_0101_0101
        let highs: UInt64 = 0x8080_8080_8080_8080
        let quote = word ^ 0x2222_2222_2222_2222
        let backslash = word ^ 0x5c5c_5c5c_5c5c_5c5c
        let isQuote = (quote &- ones) & ~quote
        let isBackslash = (backslash &- ones) & ~backslash
        let isControl = (word &- (ones &* 0x20)) & ~word
        return (isQuote | isBackslash | isControl) & highs != 0
    }

    @inline(__always)
    private static func extraCount(_ byte: UInt8) -> Int {
        switch byte {
        case 0x22, 0x5c, 0x08, 0x09, 0x0a, 0x0c, 0x0d: return 1
        case 0..<0x20: return 5
        default: return 0
        }
    }

    @inline(__always)
    private static func putEscaped(_ byte: UInt8, _ target: UnsafeMutableRawPointer) -> Int {
        guard byte < 0x20 || byte == 0x22 || byte == 0x5c else {
            target.storeBytes(of: byte, as: UInt8.self)
            return 1
        }
        return putEscape(byte, target)
    }

    @inline(never)
    private static func putEscape(_ byte: UInt8, _ target: UnsafeMutableRawPointer) -> Int {
        func put(_ value: UInt8, _ at: Int) {
            target.storeBytes(of: value, toByteOffset: at, as: UInt8.self)
        }
        put(0x5c, 0)
        switch byte {
        case 0x22, 0x5c: put(byte, 1)
        case 0x08: put(UInt8(ascii: "b"), 1)
        case 0x09: put(UInt8(ascii: "t"), 1)
        case 0x0a: put(UInt8(ascii: "n"), 1)
        case 0x0c: put(UInt8(ascii: "f"), 1)
        case 0x0d: put(UInt8(ascii: "r"), 1)
        default:
            put(UInt8(ascii: "u"), 1)
            put(UInt8(ascii: "0"), 2)
            put(UInt8(ascii: "0"), 3)
            put(UInt8(ascii: "0") + (byte >> 4), 4)
            let low = byte & 15
            put(low < 10 ? UInt8(ascii: "0") + low : UInt8(ascii: "a") + low - 10, 5)
            return 6
        }
        return 2
    }

    private static func unescapedByte(_ kind: UInt8) -> UInt8? {
        switch kind {
        case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): return kind
        case UInt8(ascii: "b"): return 0x08
        case UInt8(ascii: "t"): return 0x09
        case UInt8(ascii: "n"): return 0x0a
        case UInt8(ascii: "f"): return 0x0c
        case UInt8(ascii: "r"): return 0x0d
        default: return nil
        }
    }

    /// The scalar of the `\uXXXX` (or surrogate pair) at `index` and how many bytes it takes.
    private static func scalar(
        _ text: UnsafeRawBufferPointer, _ index: Int
    ) -> (Unicode.Scalar, Int)? {
        guard let high = hexUnit(text, index) else { return nil }
        if let scalar = Unicode.Scalar(high) { return (scalar, 6) }
        guard (0xd800..<0xdc00).contains(high), let low = hexUnit(text, index + 6),
            (0xdc00..<0xe000).contains(low)
        else { return nil }
        let value = 0x10000 + ((high - 0xd800) << 10) + (low - 0xdc00)
        return Unicode.Scalar(value).map { ($0, 12) }
    }

    private static func hexUnit(_ text: UnsafeRawBufferPointer, _ index: Int) -> UInt32? {
        guard index + 6 <= text.count, text[index] == UInt8(ascii: "\\"),
            text[index + 1] == UInt8(ascii: "u")
        else { return nil }
        var value: UInt32 = 0
        for offset in 2..<6 {
            guard let digit = Character(Unicode.Scalar(text[index + offset])).hexDigitValue else {
                return nil
            }
            value = value << 4 | UInt32(digit)
        }
        return value
    }
}
