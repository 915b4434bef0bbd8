import Contracts
import Privacy
import Store
import Vault

/// Seals one decoded event straight into the arena of a chunk. Confined to one thread.
///
/// Steady state allocates nothing: the sealer, the text of the key link and the billing id live in
/// buffers that are made once.
///
/// `@exclusivity(unchecked)`: confined to one thread, and no property is read or written while a
/// mutating call on it runs; the run-time checks cost an event several hundredths of its time.
final class EventRecorder {
    private let sealer = EventSealer()
    @exclusivity(unchecked) private var nonces = NonceGenerator()
    private let keyLinkText: UnsafeMutableRawBufferPointer
    private let billingID: UnsafeMutableRawBufferPointer
    @exclusivity(unchecked) private var sealedSpans: UnsafeMutableBufferPointer<SealedSpan>

    init(billingID text: [UInt8]) {
        keyLinkText = .allocate(byteCount: KeyLink.textCount, alignment: 8)
        billingID = .allocate(byteCount: text.count, alignment: 8)
        billingID.copyBytes(from: text)
        sealedSpans = .allocate(capacity: 16)
    }

    deinit {
        keyLinkText.deallocate()
        billingID.deallocate()
        sealedSpans.deallocate()
    }

    /// What the store and the sealer take of one event; more is refused before it is begun.
    /// Only lists of very many personal values come near it.
    func refusal(
        json: UnsafeRawBufferPointer, spans: UnsafeBufferPointer<EventSpan>
    ) -> Refusal? {
        // The common case costs one comparison: sealing adds less than 64 bytes and a third to each
        // value.
        if spans.count <= 1_024, json.count <= EventChunk.jsonBytesMax / 4 { return nil }
        guard
            spans.count <= EventChunk.spansMax,
            sealer.capacityNeeded(
                json: json, spans: spans, billingId: UnsafeRawBufferPointer(billingID))
                <= EventChunk.jsonBytesMax
        else {
            return Refusal(
                kind: .tooLarge, rule: .itemCount,
                expected: "at most \(EventChunk.spansMax) personal values in an event")
        }
        return nil
    }

    /// Cost: about a microsecond for an event of 430 bytes with two PII fields.
    func record(
        json: UnsafeRawBufferPointer, spans: UnsafeBufferPointer<EventSpan>, contract: UInt32,
        consent: ConsentLevels, key: borrowing DataKey, target: StreamTarget, now: Milliseconds,
        token: CommitToken, into chunk: EventChunk
    ) {
        let link = key.keyLink
        link.write(to: keyLinkText)
        let billingID = UnsafeRawBufferPointer(billingID)
        let room = chunk.begin(
            partition: target.partition, retention: target.retention, keyLink: link,
            contract: contract, consent: consent, timestamp: now,
            spanCount: spans.count { $0.kind == .pii },
            jsonCapacity: sealer.capacityNeeded(json: json, spans: spans, billingId: billingID))
        let keyID = key.keyID
        let nonce = nonces.nextNonce()
        let sealed = key.withBytes { bytes in
            sealer.seal(
                json: json, spans: spans, key: bytes, keyID: keyID, nonce: nonce, timestamp: now,
                keyLink: UnsafeRawBufferPointer(keyLinkText), billingId: billingID, into: room)
        }
        chunk.end(
            jsonCount: sealed.jsonCount, spans: converted(sealed.spans),
            timestampDigitsAt: sealed.timestampDigitsAt, token: token)
    }

    /// Privacy knows nothing of the store, so its spans are another type with the same members.
    private func converted(
        _ spans: UnsafeBufferPointer<SealedSpanValue>
    ) -> UnsafeBufferPointer<SealedSpan> {
        if spans.count > sealedSpans.count {
            sealedSpans.deallocate()
            sealedSpans = .allocate(capacity: spans.count * 2)
        }
        for (index, span) in spans.enumerated() {
            sealedSpans.initializeElement(
                at: index,
                to: SealedSpan(
                    start: span.start, length: span.length, fieldIndex: span.fieldIndex,
                    level: span.level, flags: span.flags))
        }
        return UnsafeBufferPointer(rebasing: sealedSpans[..<spans.count])
    }
}
