import CSimdJSON

/// Numbers in canonical JSON: integers in plain digits, floating-point numbers nearly as ECMAScript
/// writes them (RFC 8785 §3.2.2.3): the shortest digits that read back as the same number, without
/// exponent from 1e-6 to below 1e16; `-0` becomes `0`. ECMAScript goes on without exponent to 1e21,
/// but parsers (ours too) take digits without point or exponent for 64-bit integers, and refuse
/// those that do not fit.
enum NumberText {
    /// No number takes more bytes.
    static let bytesMax = 32

    /// Writes the digits of an integer; returns how many bytes. `into` has room for ``bytesMax``.
    @inline(__always)
    static func write(_ number: Int64, into: UnsafeMutablePointer<UInt8>) -> Int {
        guard number < 0 else { return write(number.magnitude, into: into) }
        into.pointee = UInt8(ascii: "-")
        return 1 + write(number.magnitude, into: into + 1)
    }

    /// The same for an integer that may be above Int64.max.
    @inline(__always)
    static func write(_ number: UInt64, into target: UnsafeMutablePointer<UInt8>) -> Int {
        var rest = number
        var count = 1
        var bound: UInt64 = 10
        while rest >= bound {
            count += 1
            // 20 digits: the next bound would not fit.
            if count == 20 { break }
            bound &*= 10
        }
        var index = count - 1
        while index >= 0 {
            let (quotient, digit) = rest.quotientAndRemainder(dividingBy: 10)
            target[index] = UInt8(ascii: "0") &+ UInt8(truncatingIfNeeded: digit)
            rest = quotient
            index -= 1
        }
        return count
    }

    /// Writes a finite double; returns how many bytes. `into` has room for ``bytesMax``.
    static func write(_ number: Double, into: UnsafeMutablePointer<UInt8>) -> Int {
        // Whole numbers that a double holds exactly are by far the most frequent: no search for
        // digits.
        if number.magnitude < 9e15, number == number.rounded(.towardZero) {
            return write(Int64(number), into: into)
        }
        return format(into) { strm_double_digits(number, $0) }
    }

    /// Writes a finite 32-bit float in the shortest form that reads back as the same float: `0.1`,
    /// not `0.10000000149011612`.
    static func write(_ number: Float, into: UnsafeMutablePointer<UInt8>) -> Int {
        if number.magnitude < 1e7, number == number.rounded(.towardZero) {
            return write(Int64(number), into: into)
        }
        return format(into) { strm_float_digits(number, $0) }
    }

    /// The text of a finite double. Allocates: not for events.
    static func bytes(_ number: Double) -> [UInt8] {
        [UInt8](unsafeUninitializedCapacity: bytesMax) { buffer, count in
            count = buffer.baseAddress.map { write(number, into: $0) } ?? 0
        }
    }

    /// From `-d.ddde±xx` to ECMAScript's form.
    private static func format(
        _ into: UnsafeMutablePointer<UInt8>, digits: (UnsafeMutablePointer<CChar>) -> Int
    ) -> Int {
        withUnsafeTemporaryAllocation(of: CChar.self, capacity: 32) { scratch in
            guard let text = scratch.baseAddress else { return 0 }
            let count = digits(text)
            return text.withMemoryRebound(to: UInt8.self, capacity: 32) { source in
                rewrite(UnsafeBufferPointer(start: source, count: count), into)
            }
        }
    }

    private static func rewrite(
        _ text: UnsafeBufferPointer<UInt8>, _ into: UnsafeMutablePointer<UInt8>
    ) -> Int {
        var output = ByteCursor(at: into)
        var index = 0
        if text[0] == UInt8(ascii: "-") {
            output.put(text[0])
            index = 1
        }
        // The digits without the point, moved to the front of a small buffer: at most 17 of them.
        var digits: (UInt64, UInt64, UInt64) = (0, 0, 0)
        return withUnsafeMutableBytes(of: &digits) { digits in
            var digitCount = 0
            while index < text.count, text[index] != UInt8(ascii: "e") {
                if text[index] != UInt8(ascii: ".") {
                    digits[digitCount] = text[index]
                    digitCount += 1
                }
                index += 1
            }
            var exponent = 0
            let isNegative = text[index + 1] == UInt8(ascii: "-")
            for at in (index + 2)..<text.count {
                exponent = exponent * 10 + Int(text[at] - UInt8(ascii: "0"))
            }
            if isNegative { exponent = -exponent }
            put(UnsafeRawBufferPointer(digits), digitCount, exponent, &output)
            return output.target - into
        }
    }

    /// ECMAScript's Number::toString but for the bound, with n = exponent + 1 digits before the
    /// point.
    private static func put(
        _ digits: UnsafeRawBufferPointer, _ count: Int, _ exponent: Int, _ output: inout ByteCursor
    ) {
        let point = exponent + 1
        if point > 0 && point <= 16 {
            for index in 0..<max(count, point) {
                if index == point { output.put(UInt8(ascii: ".")) }
                output.put(index < count ? digits[index] : UInt8(ascii: "0"))
            }
        } else if point > -6 && point <= 0 {
            output.put(UInt8(ascii: "0"))
            output.put(UInt8(ascii: "."))
            for _ in point..<0 { output.put(UInt8(ascii: "0")) }
            for index in 0..<count { output.put(digits[index]) }
        } else {
            for index in 0..<count {
                if index == 1 { output.put(UInt8(ascii: ".")) }
                output.put(digits[index])
            }
            output.put(UInt8(ascii: "e"))
            output.put(exponent < 0 ? UInt8(ascii: "-") : UInt8(ascii: "+"))
            output.target += write(Int64(abs(exponent)), into: output.target)
        }
    }

    private struct ByteCursor {
        var target: UnsafeMutablePointer<UInt8>

        init(at target: UnsafeMutablePointer<UInt8>) { self.target = target }

        mutating func put(_ byte: UInt8) {
            target.pointee = byte
            target += 1
        }
    }
}
