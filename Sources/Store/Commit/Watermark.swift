import CPlatform

/// What is known to be durable, kept outside the database: a start that finds less refuses, because
/// a deleted or truncated WAL looks like a clean end to the engine.
///
/// One slot of the file, big-endian; there are two, 1 MiB apart, and the valid one with the higher
/// generation counts, so that a torn write leaves the other:
/// ```
///  0   8  "STRMWMK1"
///  8   8  generation
/// 16   8  time of writing, ms since 1970
/// 24   8  sequence number of the database
/// 32   4  bytes of the audit log's part, a
/// 36   4  number of partitions, p
/// 40   a  the audit log's part (see CommitStage.watermark)
///  …  14  p times: stream(4) partition(2) next offset(8)
///  …   4  CRC-32C of all before
///  …      zeros up to a multiple of 4 KiB
/// ```
package struct Watermark: Sendable, Equatable {
    /// Bytes that a `CommitStage` may keep here.
    package static let auditBytesMax = 512
    /// Partitions that fit in a slot, with room to spare.
    static let partitionsMax = 65_536
    static let slotStride = 1 << 20
    private static let blockBytes = 4096
    private static let magic = Array("STRMWMK1".utf8)
    private static let headerCount = 40
    private static let headCount = 14

    var generation: UInt64 = 0
    var time: Milliseconds = 0
    var sequence: UInt64 = 0
    var audit: [UInt8] = []
    var heads: [PartitionID: UInt64] = [:]

    /// Whole blocks.
    var bytes: [UInt8] {
        var bytes = Self.magic
        StoreKeys.append(generation, to: &bytes)
        StoreKeys.append(time, to: &bytes)
        StoreKeys.append(sequence, to: &bytes)
        StoreKeys.append(UInt32(audit.count), to: &bytes)
        StoreKeys.append(UInt32(heads.count), to: &bytes)
        bytes += audit
        for (partition, next) in heads {
            StoreKeys.append(partition, to: &bytes)
            StoreKeys.append(next, to: &bytes)
        }
        let crc = bytes.withUnsafeBytes { strm_crc32c(0, $0.baseAddress, $0.count) }
        StoreKeys.append(crc, to: &bytes)
        let rest = bytes.count % Self.blockBytes
        if rest > 0 { bytes += [UInt8](repeating: 0, count: Self.blockBytes - rest) }
        return bytes
    }

    init() {}

    /// nil: not a valid slot.
    init?(_ bytes: UnsafeRawBufferPointer) {
        guard bytes.count >= Self.headerCount, bytes.prefix(8).elementsEqual(Self.magic) else {
            return nil
        }
        func number<Value: FixedWidthInteger>(_ at: Int, _: Value.Type) -> Value {
            Value(bigEndian: bytes.loadUnaligned(fromByteOffset: at, as: Value.self))
        }
        let auditCount = Int(number(32, UInt32.self))
        let headCount = Int(number(36, UInt32.self))
        guard auditCount <= Self.auditBytesMax, headCount <= Self.partitionsMax else { return nil }
        let end = Self.headerCount + auditCount + headCount * Self.headCount
        guard end + 4 <= bytes.count,
            strm_crc32c(0, bytes.baseAddress, end) == number(end, UInt32.self)
        else { return nil }
        generation = number(8, UInt64.self)
        time = number(16, Int64.self)
        sequence = number(24, UInt64.self)
        audit = [UInt8](bytes[Self.headerCount..<Self.headerCount + auditCount])
        for index in 0..<headCount {
            let at = Self.headerCount + auditCount + index * Self.headCount
            let partition = PartitionID(
                stream: StreamID(rawValue: number(at, UInt32.self)),
                partition: number(at + 4, UInt16.self))
            heads[partition] = number(at + 6, UInt64.self)
        }
    }
}
