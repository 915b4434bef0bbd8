import CSimdJSON

/// A number of a tape, compared exactly: no integer is rounded to a double on the way.
struct JSONNumber: BitwiseCopyable {
    private let tag: UInt8
    private let bits: UInt64

    /// The tape has a number at the index.
    @inline(__always)
    init(_ tape: JSONTape, _ index: Int) {
        tag = tape.tag(index)
        bits = tape.words[index + 1]
    }

    /// Nil unless the value is a number.
    init?(_ value: JSONValue) {
        switch value {
        case .integer(let number):
            tag = JSONTape.Tag.integer
            bits = UInt64(bitPattern: number)
        case .unsigned(let number):
            tag = JSONTape.Tag.unsigned
            bits = number
        case .double(let number):
            tag = JSONTape.Tag.double
            bits = number.bitPattern
        default: return nil
        }
    }

    private var double: Double { Double(bitPattern: bits) }

    /// Whether the number has no fraction: 1.0 is an integer.
    var isInteger: Bool {
        tag != JSONTape.Tag.double || double == double.rounded(.towardZero)
    }

    /// The value of a number that is no double.
    private var whole: Int128 {
        tag == JSONTape.Tag.integer ? Int128(Int64(bitPattern: bits)) : Int128(bits)
    }

    /// Negative, zero or positive, as this number is below, equal to or above the other.
    @inline(__always)
    func compared(to other: JSONNumber) -> Int {
        if tag == JSONTape.Tag.integer, other.tag == JSONTape.Tag.integer {
            let (one, two) = (Int64(bitPattern: bits), Int64(bitPattern: other.bits))
            return one < two ? -1 : one > two ? 1 : 0
        }
        return comparedSlowly(to: other)
    }

    @inline(never)
    private func comparedSlowly(to other: JSONNumber) -> Int {
        switch (tag == JSONTape.Tag.double, other.tag == JSONTape.Tag.double) {
        case (false, false):
            let (one, two) = (whole, other.whole)
            return one < two ? -1 : one > two ? 1 : 0
        case (true, true):
            return double < other.double ? -1 : double > other.double ? 1 : 0
        case (false, true): return Self.compare(whole, other.double)
        case (true, false): return -Self.compare(other.whole, double)
        }
    }

    private static func compare(_ whole: Int128, _ double: Double) -> Int {
        // Beyond any 64-bit integer.
        guard double.magnitude < 0x1p65 else { return double < 0 ? 1 : -1 }
        let truncated = Int128(double.rounded(.towardZero))
        if whole != truncated { return whole < truncated ? -1 : 1 }
        let fraction = double - double.rounded(.towardZero)
        return fraction > 0 ? -1 : fraction < 0 ? 1 : 0
    }

    /// The same for equal numbers, whatever their form.
    var hash: UInt64 {
        guard tag == JSONTape.Tag.double else { return bits }
        if double >= 0, double < 0x1p64, isInteger { return UInt64(double) }
        if double < 0, double >= -0x1p63, isInteger {
            return UInt64(bitPattern: Int64(double))
        }
        return bits
    }

    /// The number's text, for messages about a schema. Allocates.
    var text: String {
        if tag == JSONTape.Tag.double {
            return String(decoding: NumberText.bytes(double), as: UTF8.self)
        }
        return String(whole)
    }
}

extension JSONNumber {
    /// A number's magnitude as an integer times a power of ten: for doubles their shortest decimal
    /// form, which is what the sender or author wrote unless they wrote more than 17 digits.
    struct Decimal: BitwiseCopyable {
        var mantissa: UInt64
        var exponent: Int
    }

    var decimal: Decimal {
        if tag == JSONTape.Tag.integer {
            return Decimal(mantissa: Int64(bitPattern: bits).magnitude, exponent: 0)
        }
        if tag == JSONTape.Tag.unsigned { return Decimal(mantissa: bits, exponent: 0) }
        return withUnsafeTemporaryAllocation(of: CChar.self, capacity: 32) { room in
            guard let text = room.baseAddress else { return Decimal(mantissa: 0, exponent: 0) }
            let count = strm_double_digits(double, text)
            return Self.decimal(UnsafeBufferPointer(start: text, count: count))
        }
    }

    /// Reads `-d.ddde±xx`.
    private static func decimal(_ text: UnsafeBufferPointer<CChar>) -> Decimal {
        var result = Decimal(mantissa: 0, exponent: 0)
        var fractionCount = 0
        var isFraction = false
        var index = 0
        while index < text.count {
            let byte = UInt8(bitPattern: text[index])
            index += 1
            switch byte {
            case UInt8(ascii: "0")...UInt8(ascii: "9"):
                result.mantissa = result.mantissa * 10 + UInt64(byte - UInt8(ascii: "0"))
                if isFraction { fractionCount += 1 }
            case UInt8(ascii: "."): isFraction = true
            case UInt8(ascii: "e"):
                let isNegative = UInt8(bitPattern: text[index]) == UInt8(ascii: "-")
                var exponent = 0
                for at in (index + 1)..<text.count {
                    exponent = exponent * 10 + Int(UInt8(bitPattern: text[at]) - UInt8(ascii: "0"))
                }
                result.exponent = isNegative ? -exponent : exponent
                index = text.count
            default: break
            }
        }
        result.exponent -= fractionCount
        return result
    }

    /// Whether the number is a whole multiple of the divisor. Exact: 0.0075 is one of 0.0001, and
    /// 1e308 is none of 0.123456789. Cost: constant.
    func isMultiple(of divisor: Decimal) -> Bool {
        let value = decimal
        guard value.mantissa != 0 else { return true }
        guard divisor.mantissa != 0 else { return false }
        var shift = value.exponent - divisor.exponent
        guard shift < 0 else {
            // mantissa · 10^shift modulo the divisor's mantissa.
            return Self.product(
                value.mantissa % divisor.mantissa, Self.powerOfTen(shift, modulo: divisor.mantissa),
                modulo: divisor.mantissa) == 0
        }
        var needed = divisor.mantissa
        while shift < 0 {
            let (product, isOverflow) = needed.multipliedReportingOverflow(by: 10)
            // Larger than any mantissa, and so no divisor of this one.
            guard !isOverflow else { return false }
            needed = product
            shift += 1
        }
        return value.mantissa % needed == 0
    }

    private static func powerOfTen(_ exponent: Int, modulo: UInt64) -> UInt64 {
        var result: UInt64 = 1 % modulo
        var base: UInt64 = 10 % modulo
        var rest = exponent
        while rest > 0 {
            if rest & 1 == 1 { result = product(result, base, modulo: modulo) }
            base = product(base, base, modulo: modulo)
            rest >>= 1
        }
        return result
    }

    /// Both factors are below `modulo`.
    private static func product(_ one: UInt64, _ two: UInt64, modulo: UInt64) -> UInt64 {
        modulo.dividingFullWidth(one.multipliedFullWidth(by: two)).remainder
    }
}
