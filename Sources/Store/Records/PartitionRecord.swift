import CPlatform

/// What is kept of a partition for ever, so that offsets never start again: neither after all its
/// days have expired, nor after its stream is gone.
///
/// Version 1, big-endian:
/// ```
/// 0         1       2       4           12               20        24
/// | version | flags | days  | next offset | last timestamp | CRC-32C |
/// ```
/// flags: bit 0: dropped. days: of the retention class. The last two numbers are those of the time
/// of writing; the events themselves tell later ones. The checksum covers bytes 0...19.
struct PartitionRecord: Equatable {
    var retention: RetentionClass
    var nextOffset: UInt64
    var lastTimestamp: Milliseconds
    var isDropped: Bool

    private static let version: UInt8 = 1
    private static let byteCount = 24

    var bytes: [UInt8] {
        var bytes = [Self.version, isDropped ? 1 : 0]
        StoreKeys.append(retention.days, to: &bytes)
        StoreKeys.append(nextOffset, to: &bytes)
        StoreKeys.append(lastTimestamp, to: &bytes)
        let crc = bytes.withUnsafeBytes { strm_crc32c(0, $0.baseAddress, $0.count) }
        StoreKeys.append(crc, to: &bytes)
        return bytes
    }

    init(
        retention: RetentionClass, nextOffset: UInt64, lastTimestamp: Milliseconds,
        isDropped: Bool = false
    ) {
        self.retention = retention
        self.nextOffset = nextOffset
        self.lastTimestamp = lastTimestamp
        self.isDropped = isDropped
    }

    init(_ bytes: UnsafeRawBufferPointer) throws(StoreError) {
        guard bytes.count == Self.byteCount, bytes[0] == Self.version,
            strm_crc32c(0, bytes.baseAddress, 20)
                == UInt32(bigEndian: bytes.loadUnaligned(fromByteOffset: 20, as: UInt32.self)),
            let retention = RetentionClass(
                days: Int(
                    UInt16(bigEndian: bytes.loadUnaligned(fromByteOffset: 2, as: UInt16.self))))
        else { throw .corrupt("the record of a partition") }
        self.retention = retention
        isDropped = bytes[1] & 1 != 0
        nextOffset = UInt64(bigEndian: bytes.loadUnaligned(fromByteOffset: 4, as: UInt64.self))
        lastTimestamp = Int64(bigEndian: bytes.loadUnaligned(fromByteOffset: 12, as: Int64.self))
    }
}
