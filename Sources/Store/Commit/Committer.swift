import Glibc

/// Makes one batch out of what waits, writes and syncs it once, and then tells everybody.
///
/// The order is the promise: write and sync, then tails and catalog, watchers, sinks, completions.
/// If the process dies before the sync ends, nothing was acknowledged; after it, everything that is
/// acknowledged later is on disk. A write or sync that fails poisons the store: nobody knows what
/// the disk holds, so nothing is written until it is opened again. It is never tried again.
///
/// Confined to the commit thread from `run` on, to the thread that opens the store before.
final class Committer {
    let engine: Engine
    let table: PartitionTable
    let catalog: Catalog
    let configuration: StoreConfiguration
    let clock: @Sendable () -> Milliseconds
    let keeper: WatermarkKeeper
    let counters: CommitCounters
    let queue: CommitQueue
    var stage: (any CommitStage)?

    /// Events of a batch that only a busy machine brings together, and that make up for the fixed
    /// cost of a commit.
    private static let largeBatchEvents = 48

    var heads: [PartitionHead]
    var headIndexes: [PartitionID: Int]
    var dayFamilies: [PartitionTable.DayKey: DayFamily]
    var isPoisoned = false

    // Of the batch in hand; emptied by `beginBatch`, their memory is kept.
    let batch: CommitBatch
    var touched: [Int] = []
    var newFamilies: [DayFamily] = []
    var changes: CatalogChanges
    var drafts: [AuditDraft] = []
    var keysMade = 0
    var staged = StagedWrites()
    var hasStaged = false
    var results: [RequestResult] = []
    var eventCount = 0
    var eventBytes = 0
    var mutationCount = 0
    /// 14 bytes: the key of the event in hand.
    let eventKey: UnsafeMutableRawPointer

    struct RequestResult {
        let completion: (@Sendable (Result<CommitReceipt, StoreError>) -> Void)?
        let revisions: Result<[DocumentKey: UInt64], StoreError>
    }

    init(
        engine: Engine, recovered: RecoveredState, shared: CommitShared, batch: CommitBatch
    ) {
        self.engine = engine
        self.batch = batch
        table = shared.table
        catalog = shared.catalog
        configuration = shared.configuration
        clock = shared.clock
        keeper = shared.keeper
        counters = shared.counters
        queue = shared.queue
        heads = recovered.heads
        headIndexes = [:]
        dayFamilies = [:]
        for (index, head) in recovered.heads.enumerated() { headIndexes[head.partition] = index }
        for family in recovered.families {
            dayFamilies[.init(retention: family.retention, day: family.day)] = family
        }
        changes = CatalogChanges(catalog: shared.catalog, revision: recovered.revision)
        eventKey = .allocate(byteCount: StoreKeys.eventCount, alignment: 8)
    }

    deinit { eventKey.deallocate() }

    /// Until the queue is closed and empty.
    func run() {
        var items: [CommitQueue.Item] = []
        while true {
            giveWay()
            guard queue.take(into: &items) else { break }
            if case .control(let control)? = items.first {
                if isPoisoned { control.fail(.poisoned) } else { control.body(self) }
            } else {
                commit(items)
            }
        }
    }

    /// Behind a large batch: lets a thread that waits for this processor, most likely an event
    /// loop, hand over what it has first, so that the next batch is large too. A commit costs as
    /// much processor time as some fifty events, whatever is in it. No timer: on a machine with a
    /// processor to spare this returns at once, and small batches do not come here.
    private func giveWay() {
        if eventCount >= Self.largeBatchEvents { sched_yield() }
    }

    private func commit(_ items: [CommitQueue.Item]) {
        guard !isPoisoned else { return fail(items, .poisoned) }
        let started = MonotonicClock.nanoseconds()
        beginBatch()
        do throws(StoreError) {
            for item in items { try stageItem(item) }
            try stageShared()
            try write()
        } catch {
            return poison(items, error)
        }
        // Counted first, so that whoever hears of the commit finds it in the statistics.
        counters.didCommit(
            events: eventCount, bytes: eventBytes, mutations: mutationCount, keysMade: keysMade)
        acknowledge(items)
        counters.didAcknowledge(nanoseconds: MonotonicClock.nanoseconds() - started)
    }

    private func beginBatch() {
        batch.clear()
        touched.removeAll(keepingCapacity: true)
        newFamilies.removeAll(keepingCapacity: true)
        changes.removeAll()
        drafts.removeAll(keepingCapacity: true)
        staged.removeAll()
        results.removeAll(keepingCapacity: true)
        keysMade = 0
        hasStaged = false
        eventCount = 0
        eventBytes = 0
        mutationCount = 0
    }

    private func stageItem(_ item: CommitQueue.Item) throws(StoreError) {
        switch item {
        case .chunk(let chunk): try stageChunk(chunk)
        case .request(let request): stageRequest(request)
        case .control: preconditionFailure("a control inside a batch")
        }
    }

    /// What all requests of the batch have in common: the audit entries and the documents.
    private func stageShared() throws(StoreError) {
        if let stage, !drafts.isEmpty || keysMade > 0 {
            stage.stage(drafts, keysMade: keysMade, at: clock(), into: &staged)
            for (key, value) in staged.audit { batch.put(engine.audit, key: key, value: value) }
            for key in staged.forgotten { batch.delete(engine.audit, key: key) }
            hasStaged = true
        }
        guard !changes.isEmpty else { return }
        for (key, document) in changes.pending {
            let name = StoreKeys.document(key)
            if let document {
                batch.put(
                    engine.catalog, key: name,
                    value: DocumentRecord.bytes(
                        key: name, revision: document.revision, body: document.body))
            } else {
                batch.delete(engine.catalog, key: name)
            }
        }
        batch.put(
            engine.meta, key: StoreKeys.revision, value: StoreKeys.bytes(changes.revision))
    }

    /// One write, one sync. The point of no return: from here on the batch may be on disk.
    private func write() throws(StoreError) {
        guard !batch.isEmpty else { return }
        let facts = counters.nextFacts(
            events: eventCount, mutations: mutationCount, isSynced: configuration.isSyncEnabled)
        try configuration.observer?.willWrite(facts)
        let started = MonotonicClock.nanoseconds()
        try batch.write(to: engine.database, isSynced: configuration.isSyncEnabled)
        counters.didWrite(nanoseconds: MonotonicClock.nanoseconds() - started)
        if let observer = configuration.observer {
            let syncs = engine.database.options.walSyncs()
            try observer.didWrite(facts, syncs: syncs)
            observer.willAcknowledge(facts, syncs: syncs)
        }
        if hasStaged { stage?.didCommit() }
        keeper.didSync(
            sequence: engine.database.sequence, audit: hasStaged ? stage?.watermark() : nil)
    }

    /// Of a control: writes its batch as a commit of its own.
    func writeControl(_ fill: (CommitBatch) -> Void) throws(StoreError) {
        beginBatch()
        fill(batch)
        do throws(StoreError) {
            try write()
        } catch {
            poison([], error)
            throw error == .diskFull ? .diskFull : .poisoned
        }
    }

    private func acknowledge(_ items: [CommitQueue.Item]) {
        catalog.apply(changes.pending)
        if !touched.isEmpty || !newFamilies.isEmpty {
            var advanced: [PartitionTable.Change] = []
            advanced.reserveCapacity(touched.count)
            for index in touched {
                advanced.append(
                    PartitionTable.Change(
                        partition: heads[index].partition, retention: heads[index].retention,
                        tail: heads[index].next, newDays: heads[index].newDays))
                heads[index].isTouched = false
                heads[index].newDays.removeAll()
            }
            table.advance(advanced, families: newFamilies)
        }
        Self.callSinks(items, .durable)
        for result in results {
            result.completion?(
                result.revisions.map {
                    CommitReceipt(auditSizeAfter: staged.auditSizeAfter, documentRevisions: $0)
                })
        }
    }

    func poison(_ items: [CommitQueue.Item], _ error: StoreError) {
        isPoisoned = true
        let waiting = queue.poison()
        counters.didPoison(error.description)
        fail(items, error == .diskFull ? .diskFull : .poisoned)
        fail(waiting, .poisoned)
    }

    private func fail(_ items: [CommitQueue.Item], _ error: StoreError) {
        Self.callSinks(items, .failed(error))
        for item in items {
            switch item {
            case .chunk: continue
            case .request(let request): request.completion?(.failure(error))
            case .control(let control): control.fail(error)
            }
        }
    }

    /// Each sink once, with all its chunks in their order.
    private static func callSinks(_ items: [CommitQueue.Item], _ outcome: CommitOutcome) {
        var groups: [(sink: any CommitSink, chunks: [EventChunk])] = []
        for item in items {
            guard case .chunk(let chunk) = item else { continue }
            if let index = groups.firstIndex(where: { $0.sink === chunk.sink }) {
                groups[index].chunks.append(chunk)
            } else {
                groups.append((chunk.sink, [chunk]))
            }
        }
        for group in groups { group.sink.didCommit(group.chunks, outcome: outcome) }
    }
}
