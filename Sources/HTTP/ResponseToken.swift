/// Names one request that waits for its answer: 16 trivial bytes that may cross threads and be
/// kept for as long as wanted. It holds no reference, so a connection that is gone costs nothing,
/// and an answer to it is dropped.
///
///     first   16 bits zero | 16 bits event loop | 32 bits connection slot
///     second  32 bits generation of the slot    | 32 bits stream id (HTTP/2) or count (HTTP/1.1)
package struct ResponseToken: Sendable, Hashable {
    package var first: UInt64
    package var second: UInt64

    package init(first: UInt64, second: UInt64) {
        self.first = first
        self.second = second
    }

    init(loop: Int, slot: Int, generation: UInt32, stream: UInt32) {
        first = UInt64(loop) << 32 | UInt64(UInt32(truncatingIfNeeded: slot))
        second = UInt64(generation) << 32 | UInt64(stream)
    }

    /// Index of the event loop in `HTTPServer.loops`.
    package var loopIndex: Int { Int(first >> 32) }

    var slot: Int { Int(first & 0xFFFF_FFFF) }
    var generation: UInt32 { UInt32(second >> 32) }
    var stream: UInt32 { UInt32(second & 0xFFFF_FFFF) }
}
