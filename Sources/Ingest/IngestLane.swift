package import Contracts
package import Store
import Synchronization
import Vault

/// The hot path of one event loop: decode, validate, seal, record. Confined to that loop.
///
/// An event with its key in memory goes from the body to the store's chunk in one call; an event
/// without waits in the slow lane. Either way its token comes back exactly once: in the outcome of
/// `receive` or `flush`, or through the sink. Nothing is allocated per event in steady state.
///
/// Events of one lane and one sequence (stream and key-field value) keep their order. An event that
/// waits for its key may be overtaken by events of other sequences only. Those turned away by a
/// full queue leave the order; their sender decides when to repeat them.
///
/// `@exclusivity(unchecked)`: confined to one thread, and no property is read or written while a
/// mutating call on it runs; the run-time checks cost an event several hundredths of its time.
package final class IngestLane {
    package enum Outcome: Sendable, Equatable {
        /// The sink will say what became of it.
        case queued
        case refused(Refusal)
        case overloaded(retryAfterSeconds: Int)
        /// No event can be taken: ingest is stopping, or never started.
        case unavailable
    }

    package enum FlushOutcome: Sendable {
        case flushed
        /// These events are not stored and the sink will not hear of them: answer each token.
        case refused(tokens: [CommitToken], error: StoreError)
    }

    /// Chunks kept for reuse, and the size above which one is not kept.
    private static let spareChunksMax = 4
    private static let spareChunkBytesMax = 4 << 20

    private let ingest: Ingest
    private let vault: Vault
    private let store: Store
    private let sink: any CommitSink
    private let decoder: EventDecoder
    private let recorder: EventRecorder
    private let counters: LaneCounters
    private let order = SequenceOrder()
    @exclusivity(unchecked) private var chunk: EventChunk
    @exclusivity(unchecked) private var chunkBodyBytes = 0
    private var spareChunks: [EventChunk] = []
    @exclusivity(unchecked) private var slowBatch: SlowBatch?
    /// Tokens of chunks that a full queue refused before the end of the tick.
    private var turnedAway: [CommitToken] = []
    private var turnedAwayError: StoreError?

    package init(_ ingest: Ingest, sink: any CommitSink) {
        self.ingest = ingest
        self.sink = sink
        vault = ingest.vault
        store = ingest.store
        decoder = EventDecoder(registry: ingest.registry, limits: ingest.limits.event)
        recorder = EventRecorder(billingID: ingest.billingID)
        counters = ingest.addCounters()
        chunk = EventChunk(sink: sink)
    }

    var batchLinesMax: Int { ingest.limits.batchLinesMax }

    /// True if a flush would do nothing.
    package var isEmpty: Bool {
        chunk.count == 0 && slowBatch == nil && turnedAway.isEmpty
    }

    /// Takes one event. `now` is the event's timestamp; the body may die when this returns.
    /// Cost: 2 µs for an event of 430 bytes whose key is in memory.
    package func receive(
        _ body: UnsafeRawBufferPointer, format: EventDecoder.Format,
        schemaRef: UnsafeRawBufferPointer?, stream: StreamTarget, token: CommitToken,
        now: Milliseconds
    ) -> Outcome {
        do throws(Refusal) {
            try decoder.decode(body, format: format, schemaRef: schemaRef)
        } catch {
            return refuse(error, body, format, schemaRef, stream, now)
        }
        if let refusal = recorder.refusal(json: decoder.json, spans: decoder.spans) {
            return refuse(refusal, body, format, schemaRef, stream, now)
        }
        let mustFollow = !order.isQuiet && order.isHeld(slot(in: stream))
        if !mustFollow, record(stream, token, now) {
            chunkBodyBytes += body.count
            if chunk.byteCount >= ingest.limits.chunkBytesMax
                || chunk.count >= ingest.limits.chunkEventsMax
            {
                submitChunk()
            }
            return .queued
        }
        return divert(bodyBytes: body.count, stream, token, now)
    }

    /// Why `receive` would refuse the event; nil: it would not. Nothing is queued, counted or kept.
    package func check(
        _ body: UnsafeRawBufferPointer, format: EventDecoder.Format,
        schemaRef: UnsafeRawBufferPointer?
    ) -> Refusal? {
        do throws(Refusal) {
            try decoder.decode(body, format: format, schemaRef: schemaRef)
        } catch {
            return error
        }
        return recorder.refusal(json: decoder.json, spans: decoder.spans)
    }

    /// Hands what the tick gathered to the store. The loop calls it once for each tick in which
    /// something was received. After `.flushed` the sink answers for every queued event.
    package func flush() -> FlushOutcome {
        submitChunk()
        // After the chunk, so that an event whose key left the cache cannot pass its predecessors.
        if let batch = slowBatch {
            slowBatch = nil
            ingest.slowLane.handOver(batch)
        }
        guard let error = turnedAwayError else { return .flushed }
        defer {
            turnedAway.removeAll()
            turnedAwayError = nil
        }
        return .refused(tokens: turnedAway, error: error)
    }

    /// Takes a chunk back that the sink is done with, on the lane's loop.
    package func recycle(_ chunk: EventChunk) {
        guard spareChunks.count < Self.spareChunksMax,
            chunk.byteCount <= Self.spareChunkBytesMax
        else { return }
        chunk.reset()
        spareChunks.append(chunk)
    }

    private func refuse(
        _ refusal: Refusal, _ body: UnsafeRawBufferPointer, _ format: EventDecoder.Format,
        _ schemaRef: UnsafeRawBufferPointer?, _ stream: StreamTarget, _ now: Milliseconds
    ) -> Outcome {
        let contract = decoder.namedContract
        counters.count(refusal)
        ingest.rejections.count(
            refusal, contract: contract, stream: stream.name, client: stream.client, now: now)
        if stream.keepsRejections {
            ingest.keeper.offer(
                body, format: format, schemaRef: schemaRef, refusal: refusal, contract: contract,
                target: stream, now: now)
        }
        return .refused(refusal)
    }

    private func slot(in stream: StreamTarget) -> Int {
        order.slot(stream: stream.partition.stream, keyValue: decoder.keyValue)
    }

    /// False if the key is not in memory.
    private func record(
        _ stream: StreamTarget, _ token: CommitToken, _ now: Milliseconds
    ) -> Bool {
        vault.withCachedKey(
            stream: stream.partition.stream, retention: stream.retention,
            keyValue: decoder.keyValue, subject: decoder.subjectValue, now: now
        ) { key in
            recorder.record(
                json: decoder.json, spans: decoder.spans, contract: decoder.contract.number,
                consent: decoder.consentLevels, key: key, target: stream, now: now, token: token,
                into: chunk)
            return true
        } ?? false
    }

    private func divert(
        bodyBytes: Int, _ stream: StreamTarget, _ token: CommitToken, _ now: Milliseconds
    ) -> Outcome {
        let bytes =
            decoder.json.count + decoder.keyValue.count + (decoder.subjectValue?.count ?? 0)
            + decoder.spans.count * MemoryLayout<EventSpan>.stride
            + MemoryLayout<SlowBatch.Entry>.stride
        switch ingest.slowLane.reserve(bytes: bytes) {
        case .granted: break
        case .full:
            add(1, to: counters.overloadedEvents)
            return .overloaded(retryAfterSeconds: 1)
        case .closed: return .unavailable
        }
        let slot = slot(in: stream)
        order.hold(slot)
        let batch = slowBatch ?? SlowBatch(sink: sink, order: order)
        slowBatch = batch
        batch.append(
            from: decoder, target: stream, token: token, now: now, bodyBytes: bodyBytes,
            reserving: bytes, slot: slot)
        add(1, to: counters.divertedEvents)
        return .queued
    }

    private func submitChunk() {
        let count = chunk.count
        guard count > 0 else { return }
        do {
            try store.submit(chunk)
            add(count, to: counters.acceptedEvents)
            add(chunkBodyBytes, to: counters.acceptedBytes)
            chunk = spareChunks.popLast() ?? EventChunk(sink: sink)
        } catch {
            add(count, to: counters.overloadedEvents)
            turnedAway.append(contentsOf: (0..<count).map { chunk.token(at: $0) })
            turnedAwayError = error
            chunk.reset()
        }
        chunkBodyBytes = 0
    }
}
