/// A-labels: labels of host names that stand for text in Unicode (`xn--…`, RFC 5890 §2.3.2.1).
///
/// Such a label has to be Punycode (RFC 3492) for a label of IDNA 2008: code points that RFC 5892
/// allows, each context rule of its appendix A kept, no mark at the start, no hyphens in the third
/// and fourth place. Not checked: the order of text from right to left (RFC 5893) and normalisation
/// form C of the whole, which decide about display, not about which host is meant.
enum InternationalLabel {
    private static let prefix: StaticString = "xn--"
    /// A label in bytes; it cannot decode to more code points.
    private static let countMax = 63

    static func hasPrefix(_ label: UnsafeRawBufferPointer) -> Bool {
        guard label.count >= prefix.utf8CodeUnitCount else { return false }
        for index in 0..<prefix.utf8CodeUnitCount {
            let byte = label[index]
            let lower = StringFormat.isLetter(byte) ? byte | 0x20 : byte
            guard lower == prefix.utf8Start[index] else { return false }
        }
        return true
    }

    /// Whether a label with the prefix is an A-label.
    static func isValid(_ label: UnsafeRawBufferPointer) -> Bool {
        guard label.count <= countMax else { return false }
        let code = UnsafeRawBufferPointer(rebasing: label[prefix.utf8CodeUnitCount...])
        return withUnsafeTemporaryAllocation(of: UInt32.self, capacity: countMax) { room in
            guard let count = decode(code, into: room) else { return false }
            return isAllowed(UnsafeBufferPointer(rebasing: room[..<count]))
        }
    }

    // MARK: Punycode

    /// RFC 3492 §6.2. The number of code points; nil: the text is not Punycode.
    private static func decode(
        _ code: UnsafeRawBufferPointer, into output: UnsafeMutableBufferPointer<UInt32>
    ) -> Int? {
        var count = 0
        var index = 0
        if let hyphen = code.lastIndex(of: UInt8(ascii: "-")) {
            for byte in code[..<hyphen] {
                output[count] = UInt32(StringFormat.isLetter(byte) ? byte | 0x20 : byte)
                count += 1
            }
            index = hyphen + 1
        }
        var point = 128
        var bias = 72
        var delta = 0
        // Each round takes at least one byte and adds one code point.
        while index < code.count {
            let before = delta
            guard let step = variable(code, &index, bias: bias) else { return nil }
            delta += step
            count += 1
            bias = adapt(delta - before, count, isFirst: before == 0)
            point += delta / count
            delta %= count
            guard point <= 0x10ffff, !(0xd800...0xdfff).contains(point) else { return nil }
            for at in stride(from: count - 1, to: delta, by: -1) { output[at] = output[at - 1] }
            output[delta] = UInt32(point)
            delta += 1
        }
        return count
    }

    /// A number of variable length; nil: cut off, too large, or not made of digits.
    private static func variable(
        _ code: UnsafeRawBufferPointer, _ index: inout Int, bias: Int
    ) -> Int? {
        var number = 0
        var weight = 1
        var place = 36
        while index < code.count {
            guard let digit = digit(code[index]) else { return nil }
            index += 1
            number += digit * weight
            guard number <= 1 << 27 else { return nil }
            let threshold = min(max(place - bias, 1), 26)
            if digit < threshold { return number }
            weight *= 36 - threshold
            guard weight <= 1 << 27 else { return nil }
            place += 36
        }
        return nil
    }

    private static func digit(_ byte: UInt8) -> Int? {
        if StringFormat.isLetter(byte) { return Int((byte | 0x20) - UInt8(ascii: "a")) }
        if StringFormat.isDigit(byte) { return Int(byte - UInt8(ascii: "0")) + 26 }
        return nil
    }

    private static func adapt(_ delta: Int, _ count: Int, isFirst: Bool) -> Int {
        var delta = isFirst ? delta / 700 : delta / 2
        delta += delta / count
        var place = 0
        while delta > 455 {
            delta /= 35
            place += 36
        }
        return place + 36 * delta / (delta + 38)
    }
}
