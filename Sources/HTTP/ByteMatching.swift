#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

extension UnsafeRawBufferPointer {
    /// Whether these bytes are exactly the given ASCII literal. No String is made.
    @inline(__always)
    package func matches(_ literal: StaticString) -> Bool {
        guard count == literal.utf8CodeUnitCount, let baseAddress else { return count == 0 }
        return memcmp(baseAddress, literal.utf8Start, count) == 0
    }

    /// The same, where ASCII upper and lower case are one. `literal` must be lower case.
    package func matchesIgnoringCase(_ literal: StaticString) -> Bool {
        guard count == literal.utf8CodeUnitCount else { return false }
        for index in 0..<count where self[index].asciiLowercased != literal.utf8Start[index] {
            return false
        }
        return true
    }

    /// Whether both hold the same bytes, wherever they lie.
    @inline(__always)
    func holdsSame(as other: UnsafeRawBufferPointer) -> Bool {
        guard count == other.count, let first = baseAddress, let second = other.baseAddress else {
            return count == other.count
        }
        return memcmp(first, second, count) == 0
    }

    /// Unsigned decimal number of at most 18 digits; nil for anything else.
    package var decimalNumber: Int? {
        guard count > 0, count <= 18 else { return nil }
        var number = 0
        for byte in self {
            guard byte >= 0x30, byte <= 0x39 else { return nil }
            number = number &* 10 &+ Int(byte &- 0x30)
        }
        return number
    }
}

extension UInt8 {
    var asciiLowercased: UInt8 { self >= 0x41 && self <= 0x5A ? self | 0x20 : self }
}
