import Audit
import Contracts
package import Store
import Synchronization

extension Query {
    /// Events that one dry run looks at; behind them it stops and says so.
    package static let dryRunEventsMax = 20_000_000
    /// Links, people and combinations that one dry run keeps in memory, each.
    package static let dryRunCountMax = 1_000_000
    /// Events of one slice: some 50 ms of a reader thread.
    private static let dryRunSliceEvents = 20_000

    /// Counts what a derived stream would show of what is stored since `from` (milliseconds, UTC;
    /// nil: of all that is retained) until now. The stream need not exist: its definition is the
    /// question.
    ///
    /// Personal values that identify together with others are opened in memory, hashed under a key
    /// of this run and forgotten. No value leaves, so it is no release; one audit entry is durable
    /// before this returns. One run at a time. Costs a scan of the window in slices, during which
    /// readers are served in turn.
    /// - Throws: `.store(.overloaded)` while another run is going on; `.auditUnavailable` and
    ///   nothing is told; `.cancelled`.
    package func dryRun(
        _ reader: Reader, from: Milliseconds? = nil, isStored: Bool,
        eventsMax: Int = Query.dryRunEventsMax, countMax: Int = Query.dryRunCountMax
    ) async throws(QueryError) -> DryRun {
        guard case .derived(let derived, let source) = reader.target else {
            throw .badRequest("a derived stream")
        }
        guard !dryRunIsOn.exchange(true, ordering: .acquiring) else {
            throw .store(.overloaded(retryAfterSeconds: 5))
        }
        defer { dryRunIsOn.store(false, ordering: .releasing) }
        let now = clock()
        let start = max(source.retention.floor(now: now), from ?? .min)
        let tally = DryRunTally(self, derived, source.id, from: start, to: now, countMax: countMax)
        let isComplete = try await fill(tally, source, from: start, eventsMax: eventsMax)
        let run = try await onReaderThread { () throws(QueryError) in
            try tally.end(isComplete: isComplete)
        }
        do {
            try await audit.append(entry(for: run, reader, derived, isStored: isStored))
        } catch {
            if Task.isCancelled { throw .cancelled }
            throw .auditUnavailable(retryAfterSeconds: 1)
        }
        return run
    }

    /// Looks at the events that are there now, partition by partition. False: there are more.
    private func fill(
        _ tally: DryRunTally, _ source: StreamDefinition, from start: Milliseconds, eventsMax: Int
    ) async throws(QueryError) -> Bool {
        let store = store
        var left = eventsMax
        for partition in source.partitionIDs {
            let end = store.tail(partition)
            var next = try await onReaderThread { () throws(StoreError) in
                try store.firstOffset(partition, at: start)
            }
            while next < end {
                if Task.isCancelled { throw .cancelled }
                guard left > 0 else { return false }
                let pass = Pass(
                    partition: partition, start: next, limit: .max,
                    scannedMax: min(Self.dryRunSliceEvents, left), notBefore: start, until: nil,
                    keyLink: nil, bytesMax: .max, end: end)
                let read = try await onReaderThread { () throws(QueryError) in
                    try tally.add(pass, of: store)
                }
                left -= max(read.scanned, 1)
                guard !read.reachedTail, read.next > next else { break }
                next = read.next
            }
        }
        return true
    }

    private func entry(
        for run: DryRun, _ reader: Reader, _ derived: DerivedStreamDefinition, isStored: Bool
    ) -> AuditEntry {
        var entry = AuditEntry(act: .derivedStreamMeasured)
        entry.client = reader.client
        entry.role = reader.role
        entry.stream = derived.source
        // A stream that is only asked about has a name that is not in the catalog.
        entry.derivedStream = isStored ? derived.name : nil
        entry.contracts = run.contracts.map(\.contract)
        entry.purposes = derived.levels.levels
        entry.events = run.passing
        entry.keyLinks = run.keyLinks.value
        entry.detail = [
            "seen": String(run.seen), "dropped": String(run.dropped),
            "masks": String(derived.masks?.count ?? 0),
        ]
        return entry
    }
}
