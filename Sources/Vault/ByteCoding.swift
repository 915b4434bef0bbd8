/// Writes big-endian integers and bytes one after the other into a room that must suffice.
struct ByteWriter {
    private let room: UnsafeMutableRawBufferPointer
    private(set) var count = 0

    init(_ room: UnsafeMutableRawBufferPointer) {
        self.room = room
    }

    mutating func write<Value: FixedWidthInteger>(_ value: Value) {
        room.storeBytes(of: value.bigEndian, toByteOffset: count, as: Value.self)
        count += MemoryLayout<Value>.size
    }

    mutating func write(_ bytes: UnsafeRawBufferPointer) {
        UnsafeMutableRawBufferPointer(rebasing: room[count..<count + bytes.count])
            .copyMemory(from: bytes)
        count += bytes.count
    }

    mutating func write(_ bytes: [UInt8]) {
        bytes.withUnsafeBytes { write($0) }
    }

    mutating func skip(_ byteCount: Int) {
        count += byteCount
    }
}

/// Reads what ``ByteWriter`` wrote. The caller looks at `remaining` first: reading past the end is
/// a fault of ours.
struct ByteReader {
    /// Outlives the reader.
    private let bytes: UnsafeRawBufferPointer
    private var place: Int

    init(_ bytes: UnsafeRawBufferPointer, from place: Int = 0) {
        self.bytes = bytes
        self.place = place
    }

    var remaining: Int { bytes.count - place }

    mutating func read<Value: FixedWidthInteger>() -> Value {
        let size = MemoryLayout<Value>.size
        precondition(remaining >= size, "reading past the end")
        defer { place += size }
        return Value(bigEndian: bytes.loadUnaligned(fromByteOffset: place, as: Value.self))
    }

    /// The next bytes where they are.
    mutating func read(_ count: Int) -> UnsafeRawBufferPointer {
        precondition(remaining >= count, "reading past the end")
        defer { place += count }
        return UnsafeRawBufferPointer(rebasing: bytes[place..<place + count])
    }
}
