/// What is left of an Avro binary text. Reads give nil instead of passing the end.
struct BinaryCursor {
    private(set) var next: UnsafeRawPointer?
    private(set) var end: UnsafeRawPointer?

    init() {}

    init(_ bytes: UnsafeRawBufferPointer) {
        next = bytes.baseAddress
        end = bytes.baseAddress.map { $0 + bytes.count }
    }

    @inline(__always)
    var remaining: Int {
        guard let next, let end else { return 0 }
        return end - next
    }

    @inline(__always)
    mutating func byte() -> UInt8? {
        guard let at = next, remaining > 0 else { return nil }
        next = at + 1
        return at.load(as: UInt8.self)
    }

    /// Zigzag varint of at most 10 bytes; nil at the end, or if it does not fit 64 bits.
    @inline(__always)
    mutating func long() -> Int64? {
        var value: UInt64 = 0
        var shift: UInt64 = 0
        while let byte = byte() {
            // The tenth byte has room for one bit.
            if shift == 63 && byte > 1 { return nil }
            value |= UInt64(byte & 0x7f) << shift
            if byte < 0x80 {
                return Int64(bitPattern: value >> 1) ^ -Int64(bitPattern: value & 1)
            }
            shift += 7
            if shift > 63 { return nil }
        }
        return nil
    }

    @inline(__always)
    mutating func bytes(_ count: Int) -> UnsafeRawBufferPointer? {
        guard let at = next, count >= 0, count <= remaining else { return nil }
        next = at + count
        return UnsafeRawBufferPointer(start: at, count: count)
    }

    /// Bytes behind their length.
    @inline(__always)
    mutating func prefixed() -> UnsafeRawBufferPointer? {
        guard let count = long(), count >= 0, count <= Int64(remaining) else { return nil }
        return bytes(Int(count))
    }

    /// Float in little-endian order.
    mutating func float() -> Float? {
        guard let raw = bytes(4) else { return nil }
        return Float(bitPattern: UInt32(littleEndian: raw.loadUnaligned(as: UInt32.self)))
    }

    /// Double in little-endian order.
    mutating func double() -> Double? {
        guard let raw = bytes(8) else { return nil }
        return Double(bitPattern: UInt64(littleEndian: raw.loadUnaligned(as: UInt64.self)))
    }
}
