package import Audit
package import Contracts
import Crypto
package import Store
import Synchronization
package import Vault

/// Reads streams and derived streams, a page at a time.
///
/// It is the only way out for events. Pages of a stream are sealed as they lie on disk and are not
/// recorded one by one: they hold no personal data in clear, so there is no use of it to record,
/// and who may read a stream is recorded with its client and its tokens. Pages of a derived stream
/// pass through `Release`.
package final class Query: Sendable {
    let store: Store
    let vault: Vault
    let audit: AuditLog
    let registry: ContractRegistry
    let clock: @Sendable () -> Milliseconds
    let counters = QueryCounters()
    let consumers: ConsumerCursors
    let replays = ReplayedOffsets()
    private let cursorKey: SymmetricKey
    private let tailWait: TailWait
    private let readGate = ReadGate()
    /// A dry run is going on: one at a time, as each may take much memory.
    let dryRunIsOn = Atomic<Bool>(false)
    /// Called between the record of a release and its hand-out. For tests.
    let beforeHandOut = Mutex<(@Sendable () -> Void)?>(nil)
    /// How often a page is read anew because somebody of it was erased meanwhile.
    static let attemptsMax = 8

    /// - Parameters:
    ///   - cursorKey: 32 secret bytes that survive restarts; with other bytes, cursors made before
    ///     are refused.
    ///   - clock: decides what has expired.
    ///   - sleep: how a long-poll waits for its time to be up.
    package init(
        store: Store, vault: Vault, audit: AuditLog, registry: ContractRegistry,
        cursorKey: [UInt8], clock: @escaping @Sendable () -> Milliseconds,
        sleep: @escaping @Sendable (Duration) async throws -> Void = {
            try await Task.sleep(for: $0)
        }
    ) {
        self.store = store
        self.vault = vault
        self.audit = audit
        self.registry = registry
        self.clock = clock
        self.cursorKey = SymmetricKey(data: cursorKey)
        consumers = ConsumerCursors(store: store)
        tailWait = TailWait(store: store, sleep: sleep)
    }

    /// Reads what named consumers have committed, so that their number is bounded and their lag
    /// known from the start. Call it once, before readers come. Blocks on the disk.
    package func start() throws(StoreError) {
        try consumers.load()
    }

    /// The next events, of one partition, in order. Returns as soon as one passes, or empty once
    /// the request's wait is over, its `to` is reached, or a million events were looked at.
    ///
    /// Reads block a thread of `store.readers`, never the caller's; a waiting request holds no
    /// thread. Memory: one page.
    /// - Throws: `.auditUnavailable` and nothing is handed out; `.badCursor`, `.badRequest` for the
    ///   caller to mend; `.cancelled`.
    package func page(_ reader: Reader, _ request: Request) async throws(QueryError) -> Page {
        try await pageResult(reader, request).page
    }

    /// Keeps the place of a named consumer; durable on return.
    package func commit(
        _ reader: Reader, consumer: String, cursor text: String
    ) async throws(QueryError) {
        guard ConsumerCursors.isName(consumer) else {
            throw .badRequest("consumer must be 1 to 128 characters of A-Z a-z 0-9 . _ ~ -")
        }
        let cursor = try checked(text, reader)
        try await consumers.commit(
            cursor, at: .init(view: reader.view, client: reader.client, name: consumer))
    }

    /// Forgets the named consumers of a stream or derived stream that was deleted, of all clients.
    /// Durable on return.
    package func forgetConsumers(of target: ReadTarget) async throws(QueryError) {
        try await consumers.forget(Reader(client: "", role: "", target: target).view)
    }

    /// True if what was opened and put on record may not leave: the person of one of its events was
    /// erased since it was opened, and what the erasure's receipt says of readers came before.
    func mustBeReadAnew(_ disclosures: Disclosures?) -> Bool {
        beforeHandOut.withLock { $0 }?()
        guard let disclosures else { return false }
        return vault.isAnyErased(disclosures.rows.lazy.map(\.link))
    }

    /// Forgets which kept events of a stream were replayed: it was deleted. Memory only.
    package func forgetReplays(of stream: StreamID) { replays.forget(stream) }

    /// Page after page, from the request's start and without end, for WebSockets. The request's
    /// `waitSeconds` is not looked at.
    package func follow(_ reader: Reader, _ request: Request) -> PageSequence {
        var request = request
        request.waitSeconds = Request.waitSecondsMax
        request.pageBytesMax = Request.followedPageBytesMax
        return PageSequence(query: self, reader: reader, request: request)
    }

    /// A snapshot, cheap enough for every scrape.
    package var statistics: QueryStatistics {
        var result = counters.snapshot
        result.lags = consumers.committed.map { place, offsets in
            let behind = offsets.enumerated().reduce(UInt64(0)) { sum, next in
                let partition = PartitionID(
                    stream: place.view.stream, partition: UInt16(next.offset))
                let tail = store.tail(partition).rawValue
                return sum + (tail > next.element.rawValue ? tail - next.element.rawValue : 0)
            }
            return .init(
                view: (place.view.derived ?? place.view.stream).rawValue, client: place.client,
                consumer: place.name, events: behind)
        }
        return result
    }

    /// The page, and whether no later one can hold anything.
    func pageResult(
        _ reader: Reader, _ request: Request
    ) async throws(QueryError) -> PageResult {
        try request.check()
        let scan = PageScan(query: self, reader: reader, request: request)
        let start = ContinuousClock.now
        let wait = Duration.seconds(request.waitSeconds)
        var place = try await startingPlace(reader, request)
        var totals = PageTotals()
        while true {
            if let body = try await scan.run(&place, &totals) {
                return result(body, place, totals)
            }
            let left = wait - (ContinuousClock.now - start)
            if place.isAtEnd || totals.scanned >= PageScan.scannedMax || left <= .zero { break }
            switch await waitForEvents(reader, place, atMost: left) {
            case .moved:
                if hasMoved(reader, place) { continue }
                // Woken by the end of the stream or of the store, not by an event: the latter
                // shows here, and for the former nothing will ever come.
                try await onReaderThread { () throws(QueryError) in }
                place.isAtEnd = true
            case .timedOut: break
            case .cancelled: throw .cancelled
            }
            break
        }
        return result(PageBody(), place, totals)
    }

    private func waitForEvents(
        _ reader: Reader, _ place: Place, atMost duration: Duration
    ) async -> TailWait.Outcome {
        counters.waitingReaders.add(1, ordering: .relaxed)
        defer { counters.waitingReaders.subtract(1, ordering: .relaxed) }
        return await tailWait.wait(
            for: zip(reader.source.partitionIDs, place.cursor.offsets)
                .map { (partition: $0, offset: $1) },
            atMost: duration)
    }

    private func hasMoved(_ reader: Reader, _ place: Place) -> Bool {
        zip(reader.source.partitionIDs, place.cursor.offsets).contains { partition, offset in
            store.tail(partition) > offset
        }
    }

    private func result(_ body: PageBody, _ place: Place, _ totals: PageTotals) -> PageResult {
        add(totals.dropped, to: counters.droppedEvents)
        let page = Page(
            body: body.bytes, count: body.count, nextCursor: place.cursor.encoded(cursorKey),
            dropped: totals.dropped, sealedFields: body.sealedFields)
        return PageResult(page: page, isAtEnd: place.isAtEnd)
    }

    /// Where to begin: the cursor, else the consumer's committed one, else the beginning; and not
    /// before `from`.
    private func startingPlace(
        _ reader: Reader, _ request: Request
    ) async throws(QueryError) -> Place {
        let partitions = reader.source.partitionIDs
        let given: Cursor? =
            if let text = request.cursor { try checked(text, reader) } else { nil }
        // Without a question to the disk: the usual poll of a reader that goes on.
        if let given, request.from == nil { return Place(cursor: given) }
        let (store, consumers) = (store, consumers)
        let cursor = try await onReaderThread { () throws(StoreError) -> Cursor in
            var cursor =
                given
                ?? Cursor(
                    view: reader.view, turn: 0,
                    offsets: partitions.map { _ in Offset(rawValue: 0) })
            if given == nil, let name = request.consumer,
                let committed = try consumers.read(
                    .init(view: reader.view, client: reader.client, name: name))
            {
                cursor = committed.widened(to: partitions.count)
            }
            if let from = request.from {
                for (index, partition) in partitions.enumerated() {
                    let first = try store.firstOffset(partition, at: from)
                    cursor.offsets[index] = max(cursor.offsets[index], first)
                }
            }
            return cursor
        }
        return Place(cursor: cursor)
    }

    /// The cursor of a text that came from outside.
    private func checked(_ text: String, _ reader: Reader) throws(QueryError) -> Cursor {
        let partitions = reader.source.partitionIDs
        let cursor: Cursor
        do {
            cursor = try Cursor(text, key: cursorKey, view: reader.view)
        } catch {
            throw .badCursor(error)
        }
        guard cursor.offsets.count <= partitions.count else { throw .badCursor(.otherStream) }
        for (partition, offset) in zip(partitions, cursor.offsets)
        where offset > store.tail(partition) {
            throw .badCursor(.beyondEnd)
        }
        return cursor.widened(to: partitions.count)
    }

    /// Runs what blocks on a thread of the store's, in turn.
    func onReaderThread<R: Sendable, E: Error>(
        _ body: @escaping @Sendable () throws(E) -> R
    ) async throws(QueryError) -> R {
        switch await readGate.enter() {
        case .granted: break
        case .cancelled: throw .cancelled
        case .full: throw .store(.overloaded(retryAfterSeconds: 1))
        }
        defer { readGate.leave() }
        do {
            return try await store.readers.run(body)
        } catch let error as QueryError {
            throw error
        } catch let error as StoreError {
            throw .store(error)
        } catch is CancellationError {
            throw .cancelled
        } catch {
            throw .unavailable(retryAfterSeconds: 1)
        }
    }
}
