import CPlatform

/// The stored form of an event: the value under (stream, partition, offset) in a day's family.
///
/// Version 1; integers are little-endian, the key link is in network order:
/// ```
/// offset  bytes
///      0      1  version = 1
///      1      1  reserved, 0
///      2      2  number of spans, n
///      4      4  CRC-32C of the 14 bytes of the key, then bytes 0...3, then bytes 8...end
///      8      8  timestamp, ms since 1970
///     16     16  key link
///     32      8  consent levels, bit L = level L
///     40      4  contract number
///     44      4  bytes of JSON, m
///     48   12 n  spans (see SealedSpan), ascending
/// 48 + 12 n   m  JSON
/// ```
/// Nothing follows the JSON. The checksum covers the key, so that a record under a wrong key is
/// found too. The key link stands at a fixed place, so that a scan filters without decoding.
enum EventRecord {
    static let version: UInt8 = 1
    static let headerCount = 48
    static let spanCountOffset = 2
    static let checksumOffset = 4
    static let timestampOffset = 8
    static let keyLinkOffset = 16
    static let consentOffset = 32
    static let contractOffset = 40
    static let jsonCountOffset = 44

    /// Digits of a timestamp in the JSON: ms since 1970 from 2001-09-09 to 2286-11-20.
    static let timestampDigits = 13
    static let timestampMax: Milliseconds = 9_999_999_999_999

    @inline(__always)
    static func checksum(key: UnsafeRawBufferPointer, record: UnsafeRawBufferPointer) -> UInt32 {
        guard let base = record.baseAddress else { return 0 }
        var crc = strm_crc32c(0, key.baseAddress, key.count)
        crc = strm_crc32c(crc, base, checksumOffset)
        return strm_crc32c(crc, base + timestampOffset, record.count - timestampOffset)
    }

    /// Writes the checksum in its place.
    @inline(__always)
    static func seal(key: UnsafeRawBufferPointer, record: UnsafeMutableRawBufferPointer) {
        let crc = checksum(key: key, record: UnsafeRawBufferPointer(record))
        record.storeBytes(of: crc.littleEndian, toByteOffset: checksumOffset, as: UInt32.self)
    }

    /// Sets the time of a record: in its header, and its 13 digits in the JSON.
    /// `digitsAt` counts from the start of the record.
    static func setTimestamp(
        _ timestamp: Milliseconds, digitsAt: Int, in record: UnsafeMutableRawBufferPointer
    ) {
        record.storeBytes(
            of: timestamp.littleEndian, toByteOffset: timestampOffset, as: Int64.self)
        var rest = UInt64(clamping: timestamp)
        for place in stride(from: digitsAt + timestampDigits - 1, through: digitsAt, by: -1) {
            record[place] = UInt8(ascii: "0") + UInt8(truncatingIfNeeded: rest % 10)
            rest /= 10
        }
    }

    @inline(__always)
    static func timestamp(of record: UnsafeRawBufferPointer) -> Milliseconds {
        Int64(littleEndian: record.loadUnaligned(fromByteOffset: timestampOffset, as: Int64.self))
    }

    @inline(__always)
    static func keyLink(of record: UnsafeRawBufferPointer) -> KeyLink {
        KeyLink(
            high: UInt64(
                bigEndian: record.loadUnaligned(fromByteOffset: keyLinkOffset, as: UInt64.self)),
            low: UInt64(
                bigEndian: record.loadUnaligned(fromByteOffset: keyLinkOffset + 8, as: UInt64.self))
        )
    }

    /// Looks at version, counts and checksum; nil if all is well, else what is wrong.
    static func fault(
        key: UnsafeRawBufferPointer, record: UnsafeRawBufferPointer
    ) -> String? {
        guard record.count >= headerCount else { return "a record is too short" }
        guard record[0] == version else { return "a record has the unknown version \(record[0])" }
        let spans = Int(
            UInt16(
                littleEndian: record.loadUnaligned(
                    fromByteOffset: spanCountOffset, as: UInt16.self)))
        let json = Int(
            UInt32(
                littleEndian: record.loadUnaligned(
                    fromByteOffset: jsonCountOffset, as: UInt32.self)))
        guard record.count == headerCount + spans * SealedSpan.byteCount + json else {
            return "a record's length does not fit its counts"
        }
        let stored = UInt32(
            littleEndian: record.loadUnaligned(fromByteOffset: checksumOffset, as: UInt32.self))
        guard stored == checksum(key: key, record: record) else {
            return "a record's checksum is wrong"
        }
        return nil
    }
}
