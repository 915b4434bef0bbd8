import Audit
import AuditProof
import Contracts
import Foundation
import Ingest
import Synchronization
import Testing
import Vault

@testable import Query
@testable import Store

/// Everything between a sender and a reader, on a directory of its own; the clock stands still
/// until it is told to advance. Confined to its test.
final class Machine {
    static let start: Milliseconds = 1_790_000_000_000
    static let hour: Milliseconds = 3_600_000

    let data: TestData
    let clock: TestClock
    let naps = Naps()
    let faults = Faults()
    let store: Store
    let vault: Vault
    let audit: AuditLog
    let registry = ContractRegistry()
    let ingest: Ingest
    let query: Query
    let stream: StreamDefinition
    private let lane: IngestLane
    private let sink = Sink()

    /// - Parameter data: of a machine that is gone, to go on with.
    init(_ data: TestData = TestData(), partitions: Int = 1) throws {
        let (directory, clock) = (data.directory, data.clock)
        self.data = data
        self.clock = clock
        let isNew = !FileManager.default.fileExists(atPath: directory)
        var configuration = StoreConfiguration(
            directory: directory, watermarkPath: directory + "/keys/watermark")
        configuration.observer = faults
        configuration.freeBytesMin = 0
        store = try Store.open(configuration) { clock.now }
        let master = MasterKeySource.file(directory + "/keys/master.key")
        if isNew {
            try Vault.initialise(
                keyringDirectory: directory + "/keys", masterKey: master, now: clock.now)
        }
        vault = try Vault.unlock(
            keyringDirectory: directory + "/keys", masterKey: master,
            clock: VaultClock(wall: { clock.now }, monotonic: { clock.now }),
            configuration: VaultConfiguration(cachedKeysMax: 1_024))
        audit = try AuditLog(
            store: store,
            signer: try CheckpointSigner(
                name: "test/audit", privateKey: vault.secret(.auditSigning)))
        store.setCommitStage(audit)
        try store.start()
        vault.attach(store: store)
        stream = StreamDefinition(
            name: "demo", id: StreamID(rawValue: 7), partitions: partitions,
            createdAt: clock.now, createdBy: "test")
        for partition in stream.partitionIDs {
            try store.openPartition(partition, retention: stream.retention)
        }
        registry.replaceAll(try Event.contracts())
        ingest = Ingest(
            store: store, vault: vault, registry: registry,
            limits: IngestLimits(event: EventLimits()), billingId: "test")
        ingest.start()
        lane = IngestLane(ingest, sink: sink)
        let naps = naps
        query = Query(
            store: store, vault: vault, audit: audit, registry: registry,
            cursorKey: vault.secret(.cursorKey), clock: { clock.now },
            sleep: { try await naps.sleep($0) })
    }

    deinit {
        ingest.stop()
        store.close()
    }

    /// Stores events durably, in order.
    func stores(_ events: [Event], partition: Int = 0) async {
        await stores(json: events.map(\.json), partition: partition)
    }

    func stores(_ events: String...) async { await stores(json: events) }

    func stores(json events: [String], partition: Int = 0) async {
        let target = StreamTarget(
            name: stream.name, partition: stream.partitionIDs[partition],
            retention: stream.retention)
        let before = sink.count
        for event in events {
            let outcome = Array(event.utf8).withUnsafeBytes {
                lane.receive(
                    $0, format: .json, schemaRef: nil, stream: target,
                    token: CommitToken(first: 0, second: 0), now: clock.now)
            }
            precondition(outcome == .queued, "\(outcome)")
            _ = lane.flush()
        }
        await sink.waits(for: before + events.count)
    }

    /// An event of a stream that keeps what it refuses; returns when it is kept.
    func refuses(_ body: String) async {
        let target = StreamTarget(
            name: stream.name, client: "sender", partition: stream.partitionIDs[0],
            retention: stream.retention, keepsRejections: true)
        Array(body.utf8).withUnsafeBytes { body in
            _ = lane.receive(
                body, format: .json, schemaRef: nil, stream: target,
                token: CommitToken(first: 0, second: 0), now: clock.now)
        }
        await ingest.keeper.settle()
    }

    /// Links of the keys of kept events.
    func keptLinks() throws -> [KeyLink] {
        var links: [KeyLink] = []
        _ = try store.read(
            stream.rejectionPartition, from: Offset(rawValue: 0), limit: 100, notBefore: 0
        ) {
            links.append($0.keyLink)
            return true
        }
        return links
    }

    /// Watchers of the store's tail: readers that wait.
    var watchers: Int { store.shared.table.watcherCount }

    func stores(_ events: Event...) async { await stores(events) }

    var sealedReader: Query.Reader {
        Query.Reader(client: "owner", role: "streamOwner", target: .stream(stream))
    }

    func reader(
        _ levels: [Int], client: String = "reader", id: UInt32 = 70
    ) throws -> Query.Reader {
        let levels = try #require(ConsentLevels(levels))
        return derived(levels, .granular, client, id)
    }

    func reader(cumulative level: Int) throws -> Query.Reader {
        derived(try #require(ConsentLevels.cumulative(level)), .cumulative(level), "reader", 71)
    }

    private func derived(
        _ levels: ConsentLevels, _ mode: DerivedStreamDefinition.Mode, _ client: String,
        _ id: UInt32
    ) -> Query.Reader {
        let definition = DerivedStreamDefinition(
            name: "demo-derived", id: StreamID(rawValue: id), source: stream.name, mode: mode,
            levels: levels, createdAt: clock.now, createdBy: "test")
        return Query.Reader(
            client: client, role: "reader", target: .derived(definition, source: stream))
    }

    /// Audit entries of releases, oldest first, as their JSON members.
    func releases() throws -> [[String: Any]] {
        let page = try audit.entries(matching: AuditFilter(act: .release), from: 0, limit: 100)
        return try page.lines.map { line in
            let object = try JSONSerialization.jsonObject(with: Data(line.line.utf8))
            return try #require(object as? [String: Any])
        }
    }
}

/// What outlives a machine: its files, which go with it, and its time.
final class TestData {
    let directory = NSTemporaryDirectory() + "query-\(UUID().uuidString)"
    let clock = TestClock(Machine.start)

    deinit { try? FileManager.default.removeItem(atPath: directory) }
}

/// Counts what came back from the store.
final class Sink: CommitSink {
    private struct State {
        var count = 0
        var waiters: [(count: Int, continuation: CheckedContinuation<Void, Never>)] = []
    }
    private let state = Mutex(State())

    var count: Int { state.withLock { $0.count } }

    func didCommit(_ chunks: [EventChunk], outcome: CommitOutcome) {
        let ready = state.withLock { state in
            state.count += chunks.reduce(0) { $0 + $1.count }
            let ready = state.waiters.filter { $0.count <= state.count }
            state.waiters.removeAll { $0.count <= state.count }
            return ready
        }
        for waiter in ready { waiter.continuation.resume() }
    }

    func waits(for count: Int) async {
        await withCheckedContinuation { continuation in
            let isReady = state.withLock { state in
                if state.count >= count { return true }
                state.waiters.append((count, continuation))
                return false
            }
            if isReady { continuation.resume() }
        }
    }
}

final class TestClock: Sendable {
    private let time: Mutex<Milliseconds>
    init(_ start: Milliseconds) { time = Mutex(start) }
    var now: Milliseconds { time.withLock { $0 } }
    func advances(by milliseconds: Milliseconds) { time.withLock { $0 += milliseconds } }
}

/// Sleep without time: who sleeps wakes when the test says that time is up, or when cancelled.
final class Naps: Sendable {
    private struct State {
        var sleepers: [Int: CheckedContinuation<Void, Never>] = [:]
        var next = 0
        var watchers: [CheckedContinuation<Void, Never>] = []
        var isOver = false
    }
    private let state = Mutex(State())

    func sleep(_ duration: Duration) async throws {
        let number = state.withLock { state in
            defer { state.next += 1 }
            return state.next
        }
        await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let (isAwake, watchers) = state.withLock { state in
                    if state.isOver || Task.isCancelled {
                        return (true, [CheckedContinuation<Void, Never>]())
                    }
                    state.sleepers[number] = continuation
                    defer { state.watchers = [] }
                    return (false, state.watchers)
                }
                for watcher in watchers { watcher.resume() }
                if isAwake { continuation.resume() }
            }
        } onCancel: {
            state.withLock { $0.sleepers.removeValue(forKey: number) }?.resume()
        }
        try Task.checkCancellation()
    }

    /// Until somebody waits.
    func waitsForSleeper() async {
        await withCheckedContinuation { continuation in
            let isThere = state.withLock { state in
                if !state.sleepers.isEmpty { return true }
                state.watchers.append(continuation)
                return false
            }
            if isThere { continuation.resume() }
        }
    }

    /// Time is up for all who sleep, now and later.
    func end() {
        let sleepers = state.withLock { state in
            state.isOver = true
            defer { state.sleepers = [:] }
            return state.sleepers.values.map { $0 }
        }
        for sleeper in sleepers { sleeper.resume() }
    }
}

/// Makes writes fail.
final class Faults: CommitObserver {
    private let fails = Atomic<Bool>(false)

    var failsWrites: Bool {
        get { fails.load(ordering: .acquiring) }
        set { fails.store(newValue, ordering: .releasing) }
    }

    func willWrite(_ batch: CommitFacts) throws(StoreError) {
        if failsWrites { throw .io("made to fail") }
    }
    func didWrite(_ batch: CommitFacts, syncs: UInt64) throws(StoreError) {}
    func willAcknowledge(_ batch: CommitFacts, syncs: UInt64) {}
}
