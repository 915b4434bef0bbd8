import Synchronization

/// Events, keys, audit entries and management data on disk: append, read from an offset, watch the
/// tail, compare-and-set. It holds what others have sealed and has no means to open it.
///
/// Whatever is acknowledged (a `.durable` outcome, a completion, a return of `commit`) is synced
/// and survives the loss of power. One process at a time has a data directory open.
///
/// Order of life: `open`, `setCommitStage`, `start`, then everything else, `close`.
package final class Store: Sendable {
    /// Threads for the calls that block, which must stay away from event loops and tasks.
    package let readers: BlockingPool
    /// What the `CommitStage` had put in the watermark file when it was last written before this
    /// start; empty if nothing.
    package let recoveredAuditWatermark: [UInt8]

    let shared: CommitShared
    let gate: EngineGate
    let housekeeper: Housekeeper
    private let life: Mutex<Life>
    private let hasStarted = Atomic(false)

    /// `committer` is with the opener until `start`, then with the commit thread.
    private struct Life: ~Copyable {
        var committer: UncheckedHandOver?
        var thread: StoreThread?
        var isClosed = false
    }

    /// `@unchecked Sendable`: carries the committer from the opening thread to the commit thread;
    /// `start` takes it out and nobody keeps another reference.
    private struct UncheckedHandOver: @unchecked Sendable {
        let committer: Committer
    }

    init(
        engine: Engine, recovered: RecoveredState, shared: CommitShared, databasePath: String,
        auditWatermark: [UInt8]
    ) throws(StoreError) {
        self.shared = shared
        recoveredAuditWatermark = auditWatermark
        readers = try BlockingPool(
            threads: shared.configuration.readerThreads,
            waitingMax: shared.configuration.readerQueueMax)
        gate = EngineGate(engine)
        housekeeper = Housekeeper(shared: shared, databasePath: databasePath)
        let committer = Committer(
            engine: engine, recovered: recovered, shared: shared, batch: try CommitBatch())
        life = Mutex(Life(committer: UncheckedHandOver(committer: committer)))
    }

    deinit { close() }

    /// Before `start`. Without a stage, requests with audit drafts fail.
    package func setCommitStage(_ stage: any CommitStage) {
        life.withLock {
            precondition($0.committer != nil, "the commit stage is set before the start")
            $0.committer?.committer.stage = stage
        }
    }

    /// Starts the commit thread and the housekeeping.
    /// - Throws: `.io` if the system gives no thread; `.closed`.
    package func start() throws(StoreError) {
        try life.withLock { life throws(StoreError) in
            guard !life.isClosed else { throw .closed }
            guard let handOver = life.committer.take() else { return }
            life.thread = try StoreThread(name: "strm-commit") { handOver.committer.run() }
            hasStarted.store(true, ordering: .releasing)
            try housekeeper.start()
        }
    }

    /// Gives events to the commit thread. Does not block; takes a lock for a moment. The sink of
    /// the chunk says what became of them, exactly once, unless this throws: then the chunk is
    /// still the caller's.
    /// - Throws: `.overloaded` and `.diskFull`: try later; `.poisoned`, `.closed`.
    package func submit(_ chunk: EventChunk) throws(StoreError) {
        try shared.queue.submit(chunk)
    }

    /// The same for mutations, in one order with the chunks: what is submitted first is in the same
    /// batch or an earlier one. All of a request is done or nothing. `completion` is called on the
    /// commit thread, exactly once unless this throws; it must return at once.
    /// - Throws: as for chunks; events are refused earlier, so that audit entries still pass.
    package func submit(
        _ mutations: [Mutation],
        completion: (@Sendable (Result<CommitReceipt, StoreError>) -> Void)? = nil
    ) throws(StoreError) {
        try shared.queue.submit(.init(mutations: mutations, completion: completion))
    }

    /// The same, returning when synced.
    /// - Throws: also `.conflict`: a document had another revision; nothing was done.
    package func commit(_ mutations: [Mutation]) async throws(StoreError) -> CommitReceipt {
        let result = await withCheckedContinuation { continuation in
            do throws(StoreError) {
                try submit(mutations) { continuation.resume(returning: $0) }
            } catch {
                continuation.resume(returning: .failure(error))
            }
        }
        return try result.get()
    }

    /// Does all that waits, syncs it, writes the watermark, closes the database and lets go of the
    /// directory. Waits for the reads that have begun. Calling it again does nothing; not to be
    /// called on the commit thread, nor by a job of `readers`, nor inside a visit.
    package func close() {
        life.withLock { life in
            guard !life.isClosed else { return }
            life.isClosed = true
            shared.queue.close()
            life.thread?.join()
            life.thread = nil
            // A store that was never started still tells those who wait.
            life.committer.take()?.committer.run()
            gate.refuse()
            shared.table.end()
            readers.shutdown()
            housekeeper.stop()
            do throws(StoreError) {
                try shared.keeper.writeIfDirty(now: shared.clock())
            } catch {
                // The older watermark stays: a start from it notices less, and refuses nothing.
                shared.counters.didFailWatermark()
            }
            shared.table.releaseFamilies()
            gate.close()
        }
    }

    /// Runs `body` between two commits and waits for it. Blocks: not on an event loop.
    func onCommitThread<Result: Sendable>(
        _ body: @escaping @Sendable (Committer) throws(StoreError) -> Result
    ) throws(StoreError) -> Result {
        precondition(
            hasStarted.load(ordering: .acquiring), "the store must be started before this call")
        let answer = Answer<Result>()
        try shared.queue.submit(
            CommitQueue.Control(
                body: { committer in
                    do throws(StoreError) {
                        answer.give(.success(try body(committer)))
                    } catch {
                        answer.give(.failure(error))
                    }
                },
                fail: { answer.give(.failure($0)) }))
        return try answer.take().get()
    }
}
