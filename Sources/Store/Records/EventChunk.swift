package import Contracts

/// Some events of one event loop on their way to the commit thread: records in one growable piece
/// of memory, beside a flat table of where they stand. Made to be recycled: `reset` keeps it.
///
/// Order of calls: for each event `begin`, then write the JSON into the room it gives, then `end`
/// (or `cancel`). Then `Store.submit`, and hands off until the sink gets the chunk back.
///
/// `@unchecked Sendable`: one owner at a time. Its maker until `submit` takes it, then the commit
/// thread, then the sink; each hand-over goes through a lock, which orders the memory.
///
/// `@exclusivity(unchecked)`: one owner at a time, and no property is read or written while a
/// mutating call on it runs; the run-time checks cost an event several hundredths of its time.
package final class EventChunk: @unchecked Sendable {
    /// One event of the table. Plain memory, no references.
    struct Entry {
        var partition: PartitionID
        var retention: RetentionClass
        /// Bytes of JSON before the timestamp's digits, plus what stands before the JSON.
        var digitsAt: UInt32
        var recordStart: Int
        var recordCount: Int
        var timestamp: Milliseconds
        var token: CommitToken
    }

    /// The JSON of one event, in bytes. Far over any body that the server takes.
    package static let jsonBytesMax = 16 << 20
    /// Spans of one event.
    package static let spansMax = Int(UInt16.max)
    /// A recycled chunk keeps at most this much memory, in bytes.
    static let retainedBytesMax = 4 << 20

    package let sink: any CommitSink
    /// Events in it.
    @exclusivity(unchecked) package private(set) var count = 0
    /// Bytes of their records.
    @exclusivity(unchecked) package private(set) var byteCount = 0

    @exclusivity(unchecked) private var arena: UnsafeMutableRawPointer
    @exclusivity(unchecked) private var arenaCapacity: Int
    @exclusivity(unchecked) private(set) var entries: UnsafeMutablePointer<Entry>
    @exclusivity(unchecked) private var entriesCapacity: Int
    /// The event between `begin` and `end`.
    @exclusivity(unchecked) private var open: Entry?
    @exclusivity(unchecked) private var openSpanCount = 0
    @exclusivity(unchecked) private var openJSONCapacity = 0

    package init(sink: any CommitSink) {
        self.sink = sink
        arenaCapacity = 16 << 10
        arena = .allocate(byteCount: arenaCapacity, alignment: 16)
        entriesCapacity = 32
        entries = .allocate(capacity: entriesCapacity)
    }

    deinit {
        arena.deallocate()
        entries.deallocate()
    }

    package var isEmpty: Bool { count == 0 }

    /// Room for `jsonCapacity` bytes of JSON of a new event, valid until `end` or `cancel`.
    /// Costs no allocation once the chunk has grown.
    /// - Parameters:
    ///   - timestamp: ms since 1970; what is smaller than the predecessor's is raised at commit.
    ///   - spanCount: exactly as many as `end` will get.
    package func begin(
        partition: PartitionID, retention: RetentionClass, keyLink: KeyLink, contract: UInt32,
        consent: ConsentLevels, timestamp: Milliseconds, spanCount: Int, jsonCapacity: Int
    ) -> UnsafeMutableRawBufferPointer {
        precondition(open == nil, "begin of an event before the end of the last")
        precondition(spanCount >= 0 && spanCount <= Self.spansMax, "too many spans")
        precondition(jsonCapacity >= 0 && jsonCapacity <= Self.jsonBytesMax, "too much JSON")
        let prefix = EventRecord.headerCount + spanCount * SealedSpan.byteCount
        reserveArena(byteCount + prefix + jsonCapacity)
        reserveEntry()
        let record = arena + byteCount
        let time = min(max(0, timestamp), EventRecord.timestampMax)
        record.storeBytes(of: EventRecord.version, as: UInt8.self)
        record.storeBytes(of: 0, toByteOffset: 1, as: UInt8.self)
        record.storeBytes(
            of: UInt16(spanCount).littleEndian, toByteOffset: EventRecord.spanCountOffset,
            as: UInt16.self)
        record.storeBytes(of: 0, toByteOffset: EventRecord.checksumOffset, as: UInt32.self)
        record.storeBytes(
            of: time.littleEndian, toByteOffset: EventRecord.timestampOffset, as: Int64.self)
        record.storeBytes(
            of: keyLink.high.bigEndian, toByteOffset: EventRecord.keyLinkOffset, as: UInt64.self)
        record.storeBytes(
            of: keyLink.low.bigEndian, toByteOffset: EventRecord.keyLinkOffset + 8, as: UInt64.self)
        record.storeBytes(
            of: consent.bits.littleEndian, toByteOffset: EventRecord.consentOffset, as: UInt64.self)
        record.storeBytes(
            of: contract.littleEndian, toByteOffset: EventRecord.contractOffset, as: UInt32.self)
        open = Entry(
            partition: partition, retention: retention, digitsAt: 0, recordStart: byteCount,
            recordCount: prefix, timestamp: time, token: CommitToken(first: 0, second: 0))
        openSpanCount = spanCount
        openJSONCapacity = jsonCapacity
        return UnsafeMutableRawBufferPointer(start: record + prefix, count: jsonCapacity)
    }

    /// Adds the event whose JSON was written.
    /// - Parameters:
    ///   - spans: as many as `begin` was told, ascending, inside the JSON.
    ///   - timestampDigitsAt: index in the JSON of the 13 digits of the timestamp.
    package func end(
        jsonCount: Int, spans: UnsafeBufferPointer<SealedSpan>, timestampDigitsAt: Int,
        token: CommitToken
    ) {
        guard var entry = open else { preconditionFailure("end of an event that was not begun") }
        precondition(spans.count == openSpanCount, "not the number of spans that begin was told")
        precondition(jsonCount >= 0 && jsonCount <= openJSONCapacity, "more JSON than room")
        precondition(
            timestampDigitsAt >= 0
                && timestampDigitsAt + EventRecord.timestampDigits <= jsonCount,
            "the timestamp's digits are outside the JSON")
        let record = arena + entry.recordStart
        var place = EventRecord.headerCount
        for span in spans {
            record.storeBytes(of: span.start.littleEndian, toByteOffset: place, as: UInt32.self)
            record.storeBytes(
                of: span.length.littleEndian, toByteOffset: place + 4, as: UInt32.self)
            record.storeBytes(
                of: span.fieldIndex.littleEndian, toByteOffset: place + 8, as: UInt16.self)
            record.storeBytes(of: span.level, toByteOffset: place + 10, as: UInt8.self)
            record.storeBytes(of: span.flags, toByteOffset: place + 11, as: UInt8.self)
            place += SealedSpan.byteCount
        }
        record.storeBytes(
            of: UInt32(jsonCount).littleEndian, toByteOffset: EventRecord.jsonCountOffset,
            as: UInt32.self)
        entry.digitsAt = UInt32(entry.recordCount + timestampDigitsAt)
        entry.recordCount += jsonCount
        entry.token = token
        (entries + count).initialize(to: entry)
        count += 1
        byteCount += entry.recordCount
        open = nil
    }

    /// Forgets the event that was begun.
    package func cancel() {
        open = nil
    }

    /// `index` in 0..<count, in the order of `end`.
    package func token(at index: Int) -> CommitToken {
        precondition(index >= 0 && index < count, "a chunk's index is out of range")
        return entries[index].token
    }

    /// Empties the chunk and keeps its memory, but for what an unusually large event took.
    package func reset() {
        count = 0
        byteCount = 0
        open = nil
        if arenaCapacity > Self.retainedBytesMax {
            arena.deallocate()
            arenaCapacity = 16 << 10
            arena = .allocate(byteCount: arenaCapacity, alignment: 16)
        }
    }

    /// The record of an entry, to be patched by the commit thread.
    @inline(__always)
    func record(of entry: borrowing Entry) -> UnsafeMutableRawBufferPointer {
        UnsafeMutableRawBufferPointer(
            start: arena + entry.recordStart, count: entry.recordCount)
    }

    private func reserveArena(_ needed: Int) {
        guard needed > arenaCapacity else { return }
        var capacity = arenaCapacity
        while capacity < needed { capacity *= 2 }
        let larger = UnsafeMutableRawPointer.allocate(byteCount: capacity, alignment: 16)
        larger.copyMemory(from: arena, byteCount: byteCount)
        arena.deallocate()
        arena = larger
        arenaCapacity = capacity
    }

    private func reserveEntry() {
        guard count == entriesCapacity else { return }
        let larger = UnsafeMutablePointer<Entry>.allocate(capacity: entriesCapacity * 2)
        larger.moveInitialize(from: entries, count: count)
        entries.deallocate()
        entries = larger
        entriesCapacity *= 2
    }
}
