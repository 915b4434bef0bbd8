import Contracts

/// Says that a kept refused event was replayed: it stands in the same commit as the event that the
/// replay stored, so that neither is there without the other.
///
/// It is stored as an ordinary event record of the stream's partition 65534: of no contract (0),
/// without a consent level, a key or a span. Its JSON:
///
///     {"replayedAt":1790000000000,"offset":17}
package struct ReplayMark: Sendable, Equatable {
    /// The kept event's offset in the stream's partition 65535.
    package var rejection: Offset

    private static let start = Array("{\"replayedAt\":".utf8)
    private static let middle = Array(",\"offset\":".utf8)

    package init(rejection: Offset) { self.rejection = rejection }

    /// Adds the mark to a chunk.
    package func append(
        to chunk: EventChunk, stream: StreamID, retention: RetentionClass, now: Milliseconds,
        token: CommitToken
    ) {
        let json =
            Self.start + KeptRejection.digits(now) + Self.middle
            + Array("\(rejection.rawValue)}".utf8)
        let room = chunk.begin(
            partition: PartitionID(stream: stream, partition: .max - 1), retention: retention,
            keyLink: KeyLink(high: 0, low: 0), contract: 0, consent: ConsentLevels(bits: 0),
            timestamp: now, spanCount: 0, jsonCapacity: json.count)
        room.copyBytes(from: json)
        chunk.end(
            jsonCount: json.count, spans: UnsafeBufferPointer(start: nil, count: 0),
            timestampDigitsAt: Self.start.count, token: token)
    }

    /// Reads a record; nil: it is no mark.
    package init?(_ record: borrowing EventRecordView) {
        let from = Self.start.count + EventRecord.timestampDigits + Self.middle.count
        let json = record.json
        guard record.spanCount == 0, from < json.count - 1,
            let number = UInt64(
                String(decoding: json[from..<json.count - 1], as: UTF8.self))
        else { return nil }
        rejection = Offset(rawValue: number)
    }
}
