import Audit
import Contracts
import FoundationEssentials
import Ingest
import Query
import Store
import Synchronization
import Vault

/// Everything below HTTP that the stages need, on a directory of its own: a store that syncs, a
/// vault, the audit log, one contract, one stream, one lane, one reader.
///
/// The clock stands still, so that no data key grows old and no day ends within a measurement.
/// Confined to the task that measures.
final class BenchmarkSite {
    /// Events that lie in the stream before anything is measured: one full page.
    static let storedEvents = Query.Request.limitMax

    let now = SystemClock.milliseconds()
    let store: Store
    let vault: Vault
    let registry = ContractRegistry()
    let ingest: Ingest
    let query: Query
    let stream: StreamDefinition
    let target: StreamTarget
    let lane: IngestLane
    let sink = BenchmarkSink()

    /// Blocks: makes a keyring and a database.
    init(directory: String) throws {
        let now = now
        let keyring = "\(directory)/keyring"
        store = try Store.open(
            StoreConfiguration(directory: directory, watermarkPath: "\(keyring)/watermark")
        ) { now }
        let master = MasterKeySource.file("\(keyring)/master.key")
        try Vault.initialise(keyringDirectory: keyring, masterKey: master, now: now)
        vault = try Vault.unlock(
            keyringDirectory: keyring, masterKey: master,
            clock: VaultClock(wall: { now }, monotonic: { now }))
        let audit = try AuditKeys.openLog(vault: vault, store: store, acceptsOlderState: false)
        store.setCommitStage(audit)
        vault.attach(store: store)
        registry.replaceAll([(try BenchmarkEvents.contract(), .active)])
        ingest = Ingest(
            store: store, vault: vault, registry: registry,
            limits: IngestLimits(event: EventLimits()), billingId: "benchmark")
        query = Query(
            store: store, vault: vault, audit: audit, registry: registry,
            cursorKey: vault.secret(.cursorKey), clock: { now })
        stream = StreamDefinition(
            name: "benchmark", id: StreamID(rawValue: 1), createdAt: now, createdBy: "benchmark")
        let partition = PartitionID(stream: stream.id)
        target = StreamTarget(
            name: stream.name, partition: partition, retention: stream.retention)
        lane = IngestLane(ingest, sink: sink)
        try store.start()
        try store.openPartition(partition, retention: stream.retention)
        try query.start()
        ingest.start()
    }

    /// Makes the data keys of all sequences and fills the stream.
    func warmUp(_ events: BenchmarkEvents) async throws {
        for _ in 0..<Self.storedEvents / events.count {
            try receive(events)
            try flush()
            try await settle()
        }
    }

    /// Gives the lane every event once.
    func receive(_ events: BenchmarkEvents) throws {
        for index in 0..<events.count { try receive(events.json[index]) }
    }

    @inline(__always)
    func receive(_ body: UnsafeRawBufferPointer) throws {
        let outcome = lane.receive(
            body, format: .json, schemaRef: nil, stream: target,
            token: CommitToken(first: 1, second: 0), now: now)
        guard outcome == .queued else {
            throw StageBenchmarkError.unexpected("an event was not taken: \(outcome)")
        }
        sink.expected += 1
    }

    func flush() throws {
        guard case .flushed = lane.flush() else {
            throw StageBenchmarkError.unexpected("events were turned away")
        }
    }

    /// What an event loop does at the end of a tick: hands over, and takes back what is done.
    func endTick() throws {
        try flush()
        for chunk in try sink.takeChunks() { lane.recycle(chunk) }
    }

    /// Returns once everything that the lane took is durable; its chunks are used again.
    func settle() async throws {
        for chunk in try await sink.settle() { lane.recycle(chunk) }
    }

    func close() {
        ingest.stop()
        store.close()
    }
}

/// Gets the chunks back, and wakes the one task that waits for them.
///
/// `@unchecked Sendable`: `expected` is of the measuring task alone; the rest is in a Mutex.
final class BenchmarkSink: CommitSink, @unchecked Sendable {
    private struct State {
        var arrived = 0
        var commitThreadNanoseconds: UInt64 = 0
        var chunks: [EventChunk] = []
        var failure: StoreError?
        var waiting: (arrivals: Int, continuation: CheckedContinuation<Void, Never>)?
    }

    /// Events submitted so far.
    var expected = 0
    private let state = Mutex(State())

    func didCommit(_ chunks: [EventChunk], outcome: CommitOutcome) {
        let nanoseconds = StageMeter.threadNanoseconds()
        let waiter = state.withLock { state -> CheckedContinuation<Void, Never>? in
            state.commitThreadNanoseconds = nanoseconds
            state.chunks += chunks
            for chunk in chunks { state.arrived += chunk.count }
            if case .failed(let error) = outcome { state.failure = error }
            guard let waiting = state.waiting, state.arrived >= waiting.arrivals else { return nil }
            state.waiting = nil
            return waiting.continuation
        }
        waiter?.resume()
    }

    /// Processor time that the commit thread had used when it last called.
    var commitThreadNanoseconds: UInt64 { state.withLock { $0.commitThreadNanoseconds } }

    /// Waits until all expected events came back. Gives the chunks that came since the last call.
    /// - Throws: what a commit failed with.
    func settle() async throws -> [EventChunk] {
        await withCheckedContinuation { continuation in
            let isThere = state.withLock { state in
                if state.arrived >= expected { return true }
                state.waiting = (expected, continuation)
                return false
            }
            if isThere { continuation.resume() }
        }
        return try takeChunks()
    }

    /// The chunks that came since the last call.
    /// - Throws: what a commit failed with.
    func takeChunks() throws -> [EventChunk] {
        try state.withLock { state in
            if let failure = state.failure { throw failure }
            let chunks = state.chunks
            state.chunks.removeAll(keepingCapacity: true)
            return chunks
        }
    }
}
