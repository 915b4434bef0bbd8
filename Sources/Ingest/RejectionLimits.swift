/// The bounds of keeping refused events, each with its unit: a sender that floods bad events must
/// fill neither the disk nor the memory.
package struct RejectionLimits: Sendable {
    /// Bytes of a body that is kept.
    package var bodyBytesMax = 256 << 10
    /// Bodies of one stream that are kept in a second.
    package var perSecondMax = 10
    /// Bytes of bodies of one stream that are kept in an hour.
    package var bytesPerHourMax = 64 << 20
    /// Bodies of all streams that may wait to be sealed, and their bytes.
    package var waitingMax = 1_024
    package var waitingBytesMax = 16 << 20

    package init() {}
}
