/// Finds the frames in what a peer sends, read by read, without a copy (RFC 9113, 3.4 and 4.1).
///
/// nghttp2 does the protocol; this only knows where a frame starts and ends, so that a whole
/// HEADERS frame can be looked at before nghttp2 has it. A peer that breaks the protocol makes the
/// two disagree, and then nghttp2 has ended the connection.
struct FrameBoundaries {
    static let headerCount = 9

    /// A whole HEADERS frame that ends its header block, without padding and priority.
    struct HeadersFrame {
        /// Of the frame's header, in the bytes of this read.
        var start: Int
        var payloadCount: Int
        var stream: Int32

        var payloadStart: Int { start + FrameBoundaries.headerCount }
        var end: Int { payloadStart + payloadCount }
    }

    /// Bytes of the connection preface or of a payload that pass unseen.
    private var unseenCount = 24
    /// Of a frame header that lies in two reads: its first bytes, big-endian, at most 8.
    private var partial: UInt64 = 0
    private var partialCount = 0

    private static let headersType: UInt8 = 1
    private static let endStreamFlag: UInt8 = 1
    private static let endHeadersFlag: UInt8 = 4

    /// The next such frame at or after `position`, which moves behind it; nil when there is none in
    /// the rest of this read.
    mutating func nextHeaders(
        in bytes: UnsafeRawBufferPointer, from position: inout Int
    ) -> HeadersFrame? {
        while position < bytes.count {
            if unseenCount > 0 {
                let passed = min(unseenCount, bytes.count - position)
                unseenCount -= passed
                position += passed
            } else if partialCount > 0 || bytes.count - position < Self.headerCount {
                joinHeader(bytes[position])
                position += 1
            } else {
                let start = position
                let count = Self.payloadCount(bytes, at: start)
                position += Self.headerCount
                if Self.isWholeBlock(bytes, at: start), count <= bytes.count - position {
                    position += count
                    return HeadersFrame(
                        start: start, payloadCount: count, stream: Self.stream(bytes, at: start))
                }
                unseenCount = count
            }
        }
        return nil
    }

    private mutating func joinHeader(_ byte: UInt8) {
        partialCount += 1
        if partialCount == Self.headerCount {
            // Eight bytes are here; the length is the first three of them.
            unseenCount = Int(truncatingIfNeeded: partial >> 40)
            partial = 0
            partialCount = 0
        } else {
            partial = partial << 8 | UInt64(byte)
        }
    }

    private static func payloadCount(_ bytes: UnsafeRawBufferPointer, at start: Int) -> Int {
        Int(bytes[start]) << 16 | Int(bytes[start + 1]) << 8 | Int(bytes[start + 2])
    }

    private static func stream(_ bytes: UnsafeRawBufferPointer, at start: Int) -> Int32 {
        let number = UInt32(
            bigEndian: bytes.loadUnaligned(fromByteOffset: start + 5, as: UInt32.self))
        return Int32(bitPattern: number & 0x7FFF_FFFF)
    }

    private static func isWholeBlock(_ bytes: UnsafeRawBufferPointer, at start: Int) -> Bool {
        bytes[start + 3] == headersType
            && bytes[start + 4] | endStreamFlag == endHeadersFlag | endStreamFlag
    }
}
