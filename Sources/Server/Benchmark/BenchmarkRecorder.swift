import Contracts
import Ingest
import Privacy
import Store

/// Puts events into a chunk, in the steps of Ingest's recorder, which is not open to this module.
///
/// What differs: the key link and the nonce of an event are those of its index, and the key comes
/// as bytes and not from the vault.
final class BenchmarkRecorder {
    let chunk: EventChunk
    private let events: DecodedEvents
    private let now: Milliseconds
    private let target: StreamTarget
    private let sealer = EventSealer()
    private let links: [KeyLink]
    private let linkTexts: BufferTable
    private let billingID = BufferTable([Array("benchmark".utf8)])
    private let linkText = UnsafeMutableRawBufferPointer.allocate(
        byteCount: KeyLink.textCount, alignment: 8)
    private let spans = UnsafeMutableBufferPointer<SealedSpan>.allocate(capacity: 16)
    private var sealed: [Sealed] = []
    private var sealedJSON = BufferTable([])

    /// What `copy` copies.
    private struct Sealed {
        var spans: [SealedSpan]
        var timestampDigitsAt: Int
    }

    init(
        _ events: DecodedEvents, now: Milliseconds, sink: any CommitSink, target: StreamTarget
    ) {
        self.events = events
        self.now = now
        self.target = target
        chunk = EventChunk(sink: sink)
        links = (0..<events.count).map { _ in KeyLink.random() }
        linkTexts = BufferTable(links.map { Array($0.description.utf8) })
        sealOnce()
    }

    deinit {
        linkText.deallocate()
        spans.deallocate()
    }

    /// Adds an event that was sealed before.
    func copy(_ index: Int) {
        let json = sealedJSON[index]
        let room = begin(index, spanCount: sealed[index].spans.count, jsonCapacity: json.count)
        room.copyMemory(from: json)
        sealed[index].spans.withUnsafeBufferPointer {
            chunk.end(
                jsonCount: json.count, spans: $0,
                timestampDigitsAt: sealed[index].timestampDigitsAt,
                token: CommitToken(first: 1, second: 0))
        }
    }

    /// Seals an event where it lies in the chunk.
    func seal(_ index: Int) {
        links[index].write(to: linkText)
        let spans = events.spans(index)
        let room = begin(
            index, spanCount: spans.count { $0.kind == .pii },
            jsonCapacity: sealer.capacityNeeded(
                json: events.json[index], spans: spans, billingId: billingID[0]))
        let sealed = seal(index, link: UnsafeRawBufferPointer(linkText), into: room)
        chunk.end(
            jsonCount: sealed.jsonCount, spans: converted(sealed.spans),
            timestampDigitsAt: sealed.timestampDigitsAt,
            token: CommitToken(first: 1, second: 0))
    }

    /// Seals an event into `output`, which must have room for it.
    func seal(_ index: Int, into output: UnsafeMutableRawBufferPointer) -> SealedEvent {
        seal(index, link: linkTexts[index], into: output)
    }

    private func seal(
        _ index: Int, link: UnsafeRawBufferPointer, into output: UnsafeMutableRawBufferPointer
    ) -> SealedEvent {
        sealer.seal(
            json: events.json[index], spans: events.spans(index), key: events.keys[index],
            keyID: UInt32(truncatingIfNeeded: links[index].high >> 32), nonce: Int32(index),
            timestamp: now, keyLink: link, billingId: billingID[0], into: output)
    }

    private func begin(
        _ index: Int, spanCount: Int, jsonCapacity: Int
    ) -> UnsafeMutableRawBufferPointer {
        chunk.begin(
            partition: target.partition, retention: target.retention, keyLink: links[index],
            contract: events.contract, consent: events.consent, timestamp: now,
            spanCount: spanCount, jsonCapacity: jsonCapacity)
    }

    private func converted(
        _ sealed: UnsafeBufferPointer<SealedSpanValue>
    ) -> UnsafeBufferPointer<SealedSpan> {
        precondition(sealed.count <= spans.count, "the event has two personal fields")
        for (index, span) in sealed.enumerated() {
            spans.initializeElement(at: index, to: SealedSpan(span))
        }
        return UnsafeBufferPointer(rebasing: spans[..<sealed.count])
    }

    private func sealOnce() {
        let room = UnsafeMutableRawBufferPointer.allocate(byteCount: 4_096, alignment: 16)
        defer { room.deallocate() }
        var json: [[UInt8]] = []
        for index in 0..<events.count {
            let event = seal(index, into: room)
            json.append(Array(room[..<event.jsonCount]))
            sealed.append(
                Sealed(
                    spans: event.spans.map { SealedSpan($0) },
                    timestampDigitsAt: event.timestampDigitsAt))
        }
        sealedJSON = BufferTable(json)
    }
}

extension SealedSpan {
    fileprivate init(_ span: SealedSpanValue) {
        self.init(
            start: span.start, length: span.length, fieldIndex: span.fieldIndex,
            level: span.level, flags: span.flags)
    }
}
