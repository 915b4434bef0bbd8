import Dispatch
import Glibc
import Privacy
import Store
import Synchronization
import Vault

/// One thread that seals the events whose key is not in memory: it may block on the store to find
/// the key, or makes a new one.
///
/// Bounded in events and bytes; who does not fit is told at once to come back. It ends every event
/// that it took: through the store, or with an error through the lane's sink.
final class SlowLane: Sendable {
    private struct Queue {
        var batches: [SlowBatch] = []
        var isRunning = false
    }

    /// Events are handed to the store in groups of this size, so that the first of a long batch
    /// need not wait for the keys of all others.
    private static let chunkEventsMax = 128

    let counters = LaneCounters()
    private let vault: Vault
    private let store: Store
    private let billingID: [UInt8]
    private let limits: IngestLimits
    private let queue = Mutex(Queue())
    private let work = DispatchSemaphore(value: 0)
    private let stopped = DispatchSemaphore(value: 0)
    private let waitingEvents = Atomic<Int>(0)
    private let waitingBytes = Atomic<Int>(0)
    private let isOpen = Atomic<Bool>(false)

    init(vault: Vault, store: Store, billingID: [UInt8], limits: IngestLimits) {
        self.vault = vault
        self.store = store
        self.billingID = billingID
        self.limits = limits
    }

    var depth: (events: Int, bytes: Int) {
        (waitingEvents.load(ordering: .relaxed), waitingBytes.load(ordering: .relaxed))
    }

    /// Starts the thread. A second call does nothing.
    func start() {
        let mustStart = queue.withLock { queue in
            defer { queue.isRunning = true }
            return !queue.isRunning
        }
        guard mustStart else { return }
        isOpen.store(true, ordering: .releasing)
        Thread.detach { self.run() }
    }

    /// Takes nothing new, ends what waits, and returns when the thread has ended. Idempotent.
    func stop() {
        isOpen.store(false, ordering: .releasing)
        let wasRunning = queue.withLock { queue in
            defer { queue.isRunning = false }
            return queue.isRunning
        }
        guard wasRunning else { return }
        work.signal()
        stopped.wait()
    }

    enum Reservation { case granted, full, closed }

    /// Takes room for one event before it is copied. Every granted reservation must be followed by
    /// a hand-over of a batch that holds the event.
    func reserve(bytes: Int) -> Reservation {
        guard isOpen.load(ordering: .acquiring) else { return .closed }
        let events = waitingEvents.add(1, ordering: .relaxed).newValue
        let total = waitingBytes.add(bytes, ordering: .relaxed).newValue
        // One event always fits in an empty queue, however large it is.
        if events > limits.slowEventsMax || (total > limits.slowBytesMax && events > 1) {
            waitingEvents.subtract(1, ordering: .relaxed)
            waitingBytes.subtract(bytes, ordering: .relaxed)
            return .full
        }
        return .granted
    }

    func handOver(_ batch: SlowBatch) {
        let isAccepted = queue.withLock { queue in
            guard queue.isRunning else { return false }
            queue.batches.append(batch)
            return true
        }
        if isAccepted {
            work.signal()
        } else {
            // Stopped between the reservation and the hand-over: the senders still get an answer.
            fail(batch, entries: batch.entries[...], with: .closed)
        }
    }

    private func run() {
        let recorder = EventRecorder(billingID: billingID)
        while true {
            work.wait()
            let (batches, isRunning) = queue.withLock { queue in
                defer { queue.batches.removeAll() }
                return (queue.batches, queue.isRunning)
            }
            for batch in batches { process(batch, recorder) }
            if !isRunning && batches.isEmpty { break }
            if !isRunning { work.signal() }
        }
        stopped.signal()
    }

    private func process(_ batch: SlowBatch, _ recorder: EventRecorder) {
        var rest = batch.entries[...]
        while !rest.isEmpty {
            let chunk = EventChunk(sink: batch.sink)
            var bodyBytes = 0
            var count = 0
            for entry in rest.prefix(Self.chunkEventsMax)
            where count == 0 || chunk.byteCount < limits.chunkBytesMax {
                count += 1
                do throws(VaultError) {
                    try seal(entry, of: batch, recorder, into: chunk)
                    bodyBytes += entry.bodyBytes
                } catch {
                    add(1, to: counters.keylessEvents)
                    answer(entry, of: batch, with: Self.storeError(for: error))
                }
            }
            submit(chunk, of: batch, bodyBytes: bodyBytes)
            for entry in rest.prefix(count) { release(entry, of: batch) }
            rest = rest.dropFirst(count)
        }
    }

    private func seal(
        _ entry: SlowBatch.Entry, of batch: SlowBatch, _ recorder: EventRecorder,
        into chunk: EventChunk
    ) throws(VaultError) {
        let target = entry.target
        try vault.withKey(
            stream: target.partition.stream, retention: target.retention,
            keyValue: batch.bytes(entry.key), subject: entry.subject.map { batch.bytes($0) },
            now: entry.now
        ) { key in
            batch.withSpans(entry.spans) { spans in
                recorder.record(
                    json: batch.bytes(entry.json), spans: spans, contract: entry.contract,
                    consent: entry.consent, key: key, target: target, now: entry.now,
                    token: entry.token, into: chunk)
            }
        }
    }

    private func submit(_ chunk: EventChunk, of batch: SlowBatch, bodyBytes: Int) {
        let count = chunk.count
        guard count > 0 else { return }
        do {
            try store.submit(chunk)
            add(count, to: counters.acceptedEvents)
            add(bodyBytes, to: counters.acceptedBytes)
        } catch {
            add(count, to: counters.overloadedEvents)
            batch.sink.didCommit([chunk], outcome: .failed(error))
        }
    }

    private func fail(
        _ batch: SlowBatch, entries: ArraySlice<SlowBatch.Entry>, with error: StoreError
    ) {
        for entry in entries {
            answer(entry, of: batch, with: error)
            release(entry, of: batch)
        }
    }

    /// Ends an event that has no record, through the sink like all others: in a chunk that carries
    /// its token and never goes to the store.
    private func answer(_ entry: SlowBatch.Entry, of batch: SlowBatch, with error: StoreError) {
        let chunk = EventChunk(sink: batch.sink)
        // The least that makes a record: room for the digits of a timestamp.
        let room = chunk.begin(
            partition: entry.target.partition, retention: entry.target.retention,
            keyLink: KeyLink(high: 0, low: 0), contract: entry.contract, consent: entry.consent,
            timestamp: entry.now, spanCount: 0, jsonCapacity: 13)
        room.initializeMemory(as: UInt8.self, repeating: UInt8(ascii: "0"))
        chunk.end(
            jsonCount: 13, spans: UnsafeBufferPointer(start: nil, count: 0),
            timestampDigitsAt: 0, token: entry.token)
        batch.sink.didCommit([chunk], outcome: .failed(error))
    }

    private func release(_ entry: SlowBatch.Entry, of batch: SlowBatch) {
        batch.order.release(entry.slot)
        waitingEvents.subtract(1, ordering: .relaxed)
        waitingBytes.subtract(entry.reservedBytes, ordering: .relaxed)
    }

    /// A key that was gone while an event was being sealed is made anew on the next try, so it is
    /// told as overload, which senders repeat; a closed vault refuses as a closed store does.
    static func storeError(for error: VaultError) -> StoreError {
        switch error {
        case .store(let error): error
        case .keyGone: .overloaded(retryAfterSeconds: 1)
        case .subjectFenced: .subjectFenced
        case .sealedVault, .keyring, .masterKey, .masterKeyAbsent, .ledger: .closed
        }
    }
}
