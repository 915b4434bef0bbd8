package import Contracts
import Privacy
package import Store

/// Reading fixed ranges of offsets, for exports: what is asked for twice is the same twice, unless
/// events have expired or keys were destroyed in between.
extension Query {
    /// What a range of one partition holds, found by its records' headers alone.
    package struct RangeMeasure: Sendable, Equatable {
        /// The first offset behind the range.
        package var end: Offset
        /// Events that a read would hand out.
        package var events = 0
        /// Events passed over because their consent does not suffice.
        package var dropped = 0
        /// Bytes of the events as they are stored.
        package var bytes = 0
        /// Times of the first and the last event that is handed out; nil: there is none.
        package var firstAt: Milliseconds?
        package var lastAt: Milliseconds?
        /// The time of the first event that is there, handed out or not; nil: there is none.
        package var oldestAt: Milliseconds?
    }

    /// Some events of a range, in order, ready to be written.
    package struct RangePage: Sendable {
        /// One event a line, each ended by LF. Of a derived stream: personal data in clear, on
        /// record as released.
        package var body: [UInt8]
        package var count: Int
        /// Where the next page goes on; the end of the range if there is nothing more.
        package var next: Offset
        package var dropped: Int
        /// Fields that stayed sealed because their key is gone.
        package var sealedFields: Int
        /// `handle/name/version`.
        package var contracts: Set<String>
        package var openedFields: Set<String>
        package var openedLevels: ConsentLevels
        package var keyLinks: Set<KeyLink>
    }

    /// Of a page of a range: memory that one export takes for reading.
    private static let rangePageBytesMax = 8 << 20

    /// Measures what stands at `first` and behind it, up to the tail, or up to the event with which
    /// the bytes reach `bytesMax`; at least one event if there is one. Looks at the headers of up
    /// to a million events on a reader thread; behind those it stops, and says so by `end`.
    package func measure(
        _ reader: Reader, partition: Int, first: Offset, end: Offset, bytesMax: Int
    ) async throws(QueryError) -> RangeMeasure {
        let pass = try rangePass(reader, partition, first, end, bytesMax: bytesMax)
        let required = reader.target.derived?.levels
        let store = store
        return try await onReaderThread { () throws(StoreError) -> RangeMeasure in
            var measure = RangeMeasure(end: first)
            let read = try pass.scan(store) { event in
                if measure.oldestAt == nil { measure.oldestAt = event.timestamp }
                if let required,
                    !ConsentFilter.passes(event: event.consent, required: required)
                {
                    measure.dropped += 1
                    return .dropped
                }
                let count = event.json.count
                if measure.events > 0, measure.bytes + count > pass.bytesMax { return .full }
                measure.events += 1
                measure.bytes += count
                if measure.firstAt == nil { measure.firstAt = event.timestamp }
                measure.lastAt = event.timestamp
                return .taken
            }
            measure.end = read.reachedTail ? end : min(end, max(read.next, first))
            return measure
        }
    }

    /// The next events of a range, at most 8 MiB or one event. Of a derived stream: each call is a
    /// release with an audit entry of its own, durable before it returns.
    /// - Throws: `.auditUnavailable` and nothing is handed out; `.cancelled`; `.store`.
    package func readRange(
        _ reader: Reader, partition: Int, first: Offset, end: Offset
    ) async throws(QueryError) -> RangePage {
        var pass = try rangePass(
            reader, partition, first, end, bytesMax: Self.rangePageBytesMax)
        pass.collectsDetails = true
        let (body, read) = try await PageScan(query: self, reader: reader, request: Request())
            .read(pass)
        add(read.dropped, to: counters.droppedEvents)
        let isDone = read.reachedTail || read.next >= end
        return RangePage(
            body: body.bytes, count: body.count,
            next: isDone ? end : max(read.next, first), dropped: read.dropped,
            sealedFields: body.sealedFields,
            contracts: Set(
                body.details.contracts.compactMap {
                    registry.contract(number: $0)?.ref.description
                }),
            openedFields: body.details.openedFields, openedLevels: body.details.openedLevels,
            keyLinks: body.details.keyLinks)
    }

    private func rangePass(
        _ reader: Reader, _ partition: Int, _ first: Offset, _ end: Offset, bytesMax: Int
    ) throws(QueryError) -> Pass {
        let partitions = reader.source.partitionIDs
        guard partitions.indices.contains(partition), first <= end else {
            throw .badRequest("a range of a partition of the stream")
        }
        return Pass(
            partition: partitions[partition], start: first, limit: .max,
            scannedMax: PageScan.scannedMax,
            notBefore: reader.source.retention.floor(now: clock()), until: nil, keyLink: nil,
            bytesMax: bytesMax, end: end)
    }
}
