package import Contracts

/// The bounds of ingest, each with its unit.
package struct IngestLimits: Sendable {
    /// Bounds of a single event: bytes, depth, keys.
    package var event: EventLimits
    /// Events that may wait for a key that is not in memory. Beyond it senders are told to wait.
    package var slowEventsMax = 16_384
    /// Bytes of decoded events that may wait for such a key.
    package var slowBytesMax = 64 << 20
    /// A lane hands its chunk over before the end of the tick when it holds this many bytes…
    package var chunkBytesMax = 1 << 20
    /// …or this many events, so that one busy tick does not become one huge commit.
    package var chunkEventsMax = 4_096
    /// Lines of one batch.
    package var batchLinesMax = 10_000

    package var rejections = RejectionLimits()

    package init(event: EventLimits) {
        self.event = event
    }
}
