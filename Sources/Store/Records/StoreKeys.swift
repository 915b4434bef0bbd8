/// The layout of all keys. Integers are big-endian: byte order is event order.
///
/// ```
/// events     stream(4) partition(2) offset(8)                     -> EventRecord
/// segments   01 stream(4) partition(2) day(4)                     -> first offset(8) of the day
///            02 stream(4) partition(2) minute(4)                  -> first offset(8) of the minute
///            03 stream(4) partition(2)                            -> PartitionRecord
///            04 stream(4) partition(2) first missing offset(8)    -> first offset(8) after the gap
/// keys       key link(16)                                         -> wrapped data key (Vault's)
/// index      stream(4) HMAC(32)                                   -> Vault's
/// subjects   stream(4) HMAC(32) key link(16)                      -> Vault's
/// audit      Audit's keys                                         -> Audit's values
/// catalog    kind 00 name                                         -> DocumentRecord
/// cursors    Query's keys                                         -> Query's values
/// default    "format"                                             -> format version(4)
///            "initialised"                                        -> 01, once there is a watermark
///            "revision"                                           -> last document revision(8)
/// ```
enum StoreKeys {
    /// Of everything above, and of the families' names. Another number is refused at open.
    static let formatVersion: UInt32 = 1

    static let partitionCount = 6
    static let eventCount = 14

    static let format = Array("format".utf8)
    static let initialised = Array("initialised".utf8)
    static let revision = Array("revision".utf8)

    enum Segment: UInt8 {
        case day = 1
        case minute = 2
        case partition = 3
        case gap = 4
    }

    static func event(_ partition: PartitionID, _ offset: UInt64) -> [UInt8] {
        var key: [UInt8] = []
        key.reserveCapacity(eventCount)
        append(partition, to: &key)
        append(offset, to: &key)
        return key
    }

    /// Writes the key of an event: 14 bytes at `target`.
    @inline(__always)
    static func writeEvent(
        _ partition: PartitionID, _ offset: UInt64, to target: UnsafeMutableRawPointer
    ) {
        target.storeBytes(of: partition.stream.rawValue.bigEndian, as: UInt32.self)
        target.storeBytes(of: partition.partition.bigEndian, toByteOffset: 4, as: UInt16.self)
        target.storeBytes(of: offset.bigEndian, toByteOffset: partitionCount, as: UInt64.self)
    }

    /// The offset in the key of an event of this partition; nil for any other key.
    @inline(__always)
    static func offset(
        in key: UnsafeRawBufferPointer, of partition: PartitionID
    ) -> UInt64? {
        guard key.count == eventCount,
            key.loadUnaligned(as: UInt32.self) == partition.stream.rawValue.bigEndian,
            key.loadUnaligned(fromByteOffset: 4, as: UInt16.self) == partition.partition.bigEndian
        else { return nil }
        return UInt64(
            bigEndian: key.loadUnaligned(fromByteOffset: partitionCount, as: UInt64.self))
    }

    static func segment(
        _ kind: Segment, _ partition: PartitionID, _ number: UInt32? = nil
    ) -> [UInt8] {
        var key = [kind.rawValue]
        append(partition, to: &key)
        if let number { append(number, to: &key) }
        return key
    }

    static func gap(_ partition: PartitionID, _ start: UInt64) -> [UInt8] {
        var key = segment(.gap, partition)
        append(start, to: &key)
        return key
    }

    /// The partition in bytes 1...6 of a key of `segments`.
    static func partition(inSegment key: UnsafeRawBufferPointer) -> PartitionID? {
        guard key.count >= 1 + partitionCount else { return nil }
        return PartitionID(
            stream: StreamID(
                rawValue: UInt32(bigEndian: key.loadUnaligned(fromByteOffset: 1, as: UInt32.self))),
            partition: UInt16(bigEndian: key.loadUnaligned(fromByteOffset: 5, as: UInt16.self)))
    }

    static func document(_ key: DocumentKey) -> [UInt8] {
        Array(key.kind.utf8) + [0] + Array(key.name.utf8)
    }

    static func document(from key: UnsafeRawBufferPointer) -> DocumentKey? {
        guard let zero = key.firstIndex(of: 0), zero > 0,
            let kind = String(validating: key[..<zero], as: UTF8.self),
            let name = String(validating: key[(zero + 1)...], as: UTF8.self)
        else { return nil }
        return DocumentKey(kind: kind, name: name)
    }

    static func append<Value: FixedWidthInteger>(_ value: Value, to bytes: inout [UInt8]) {
        withUnsafeBytes(of: value.bigEndian) { bytes.append(contentsOf: $0) }
    }

    static func append(_ partition: PartitionID, to bytes: inout [UInt8]) {
        append(partition.stream.rawValue, to: &bytes)
        append(partition.partition, to: &bytes)
    }

    static func bytes<Value: FixedWidthInteger>(_ value: Value) -> [UInt8] {
        withUnsafeBytes(of: value.bigEndian) { Array($0) }
    }

    /// A big-endian number that is exactly these bytes; nil if their count differs.
    static func number<Value: FixedWidthInteger>(
        _ bytes: UnsafeRawBufferPointer, as type: Value.Type = Value.self
    ) -> Value? {
        guard bytes.count == MemoryLayout<Value>.size else { return nil }
        return Value(bigEndian: bytes.loadUnaligned(as: Value.self))
    }

    /// The smallest key that no key with this prefix reaches; empty if there is none.
    static func end(ofPrefix prefix: [UInt8]) -> [UInt8] {
        var end = prefix
        while let last = end.popLast() {
            if last < 255 { return end + [last + 1] }
        }
        return []
    }
}
