import Audit
import AuditProof
import Contracts
import Foundation
import Ingest
import Logging
import Query
import Store
import Synchronization
import Testing
import Vault

@testable import Subjects

/// Everything between senders and a data protection officer, on a directory of its own; the clock
/// stands still until it is told to advance. Confined to its test.
final class Site {
    static let start: Milliseconds = 1_790_000_000_000
    static let day: Milliseconds = 86_400_000

    let files: SiteFiles
    let clock: SiteClock
    let faults = SiteFaults()
    let store: Store
    let vault: Vault
    let audit: AuditLog
    let registry = ContractRegistry()
    let ingest: Ingest
    let query: Query
    let streams: [StreamDefinition]
    let subjects: SubjectService
    private let lane: IngestLane
    private let sink = SiteSink()

    static let officer = Requester(client: "officer", role: "dpo")

    /// - Parameter keepsLinks: false: the vault forgets links after a week, receipt or not.
    init(
        _ files: SiteFiles = SiteFiles(), linksMax: Int = SubjectService.linksMax,
        keepsLinks: Bool = true,
        before hook: @escaping ErasureStep.Hook = ErasureStep.defaultHook
    ) throws {
        self.files = files
        let (directory, clock) = (files.directory, files.clock)
        self.clock = clock
        let isNew = !FileManager.default.fileExists(atPath: directory)
        var configuration = StoreConfiguration(
            directory: directory + "/data", watermarkPath: directory + "/keys/watermark")
        configuration.observer = faults
        configuration.freeBytesMin = 0
        try FileManager.default.createDirectory(
            atPath: directory, withIntermediateDirectories: true)
        store = try Store.open(configuration) { clock.now }
        let master = MasterKeySource.file(directory + "/keys/master.key")
        if isNew {
            try Vault.initialise(
                keyringDirectory: directory + "/keys", masterKey: master, now: clock.now)
        }
        var custody = VaultConfiguration(cachedKeysMax: 1_024)
        custody.beforeErasureStep = hook
        if keepsLinks {
            custody.issuedReceipts = { SubjectService.issuedReceipts(below: directory + "/keys") }
        }
        vault = try Vault.unlock(
            keyringDirectory: directory + "/keys", masterKey: master,
            clock: VaultClock(wall: { clock.now }, monotonic: { clock.now }),
            configuration: custody)
        audit = try AuditLog(
            store: store,
            signer: try CheckpointSigner(
                name: "test/audit", privateKey: vault.secret(.auditSigning)))
        store.setCommitStage(audit)
        try store.start()
        vault.attach(store: store)
        let streams = ["shop", "app"].enumerated().map { index, name in
            StreamDefinition(
                name: name, id: StreamID(rawValue: UInt32(index + 1)), partitions: index + 1,
                createdAt: clock.now, createdBy: "test")
        }
        self.streams = streams
        for stream in streams {
            for partition in stream.partitionIDs {
                try store.openPartition(partition, retention: stream.retention)
            }
        }
        registry.replaceAll(try Visit.contracts())
        ingest = Ingest(
            store: store, vault: vault, registry: registry,
            limits: IngestLimits(event: EventLimits()), billingId: "test")
        ingest.start()
        lane = IngestLane(ingest, sink: sink)
        query = Query(
            store: store, vault: vault, audit: audit, registry: registry,
            cursorKey: vault.secret(.cursorKey), clock: { clock.now })
        let vault = vault
        subjects = SubjectService(
            store: store, vault: vault, audit: audit, query: query, registry: registry,
            directory: directory + "/keys", batchMinutes: 60,
            linksMax: linksMax,
            logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() },
            clock: { clock.now },
            signer: { () throws(NoteError) in
                try NoteSigner(
                    name: SubjectService.receiptKeyName, privateKey: vault.secret(.auditSigning))
            }, catalog: { SubjectCatalog(streams: streams, purposes: Visit.purposes) })
    }

    deinit {
        ingest.stop()
        store.close()
    }

    /// Stores visits durably, in order.
    func stores(_ visits: [Visit], in stream: Int = 0, partition: Int = 0) async {
        let stream = streams[stream]
        let target = StreamTarget(
            name: stream.name, partition: stream.partitionIDs[partition],
            retention: stream.retention)
        let before = sink.count
        for visit in visits {
            let outcome = Array(visit.json.utf8).withUnsafeBytes {
                lane.receive(
                    $0, format: .json, schemaRef: nil, stream: target,
                    token: CommitToken(first: 0, second: 0), now: clock.now)
            }
            precondition(outcome == .queued, "\(outcome)")
            _ = lane.flush()
        }
        await sink.waits(for: before + visits.count)
    }

    func stores(_ visits: Visit...) async { await stores(visits) }

    /// All parts of the access document.
    func accesses(
        _ person: String, limit: Int = 1_000, streams: [String]? = nil
    ) async throws -> [AccessPage] {
        var question = AccessQuestion()
        question.streams = streams
        question.limit = limit
        var pages: [AccessPage] = []
        repeat {
            let page = try await subjects.access(
                to: try #require(DataSubject(person)), question, by: Self.officer)
            pages.append(page)
            question.cursor = page.cursor
        } while question.cursor != nil && pages.count < 100
        return pages
    }

    /// Audit entries of an act, oldest first, as their JSON members.
    func entries(_ act: Act) throws -> [[String: Any]] {
        let page = try audit.entries(matching: AuditFilter(act: act), from: 0, limit: 1_000)
        return try page.lines.map { line in
            let object = try JSONSerialization.jsonObject(with: Data(line.line.utf8))
            return try #require(object as? [String: Any])
        }
    }

    /// The whole audit log as text.
    func auditText() throws -> String {
        try audit.entries(matching: AuditFilter(), from: 0, limit: 10_000).lines
            .map(\.line).joined(separator: "\n")
    }

    /// A reader of a derived stream of the first stream reads all that it gets.
    func reads(_ levels: [Int], as client: String = "reader") async throws -> [[String: Any]] {
        let reader = try reader(levels, client)
        let page = try await query.page(reader, Query.Request(limit: 1_000))
        var events: [[String: Any]] = []
        try page.forEachEvent { bytes in
            let object = try JSONSerialization.jsonObject(with: Data(bytes))
            events.append(try #require(object as? [String: Any]))
        }
        return events
    }

    func reader(_ levels: [Int], _ client: String) throws -> Query.Reader {
        let levels = try #require(ConsentLevels(levels))
        let derived = DerivedStreamDefinition(
            name: "shop-derived", id: StreamID(rawValue: 70), source: streams[0].name,
            mode: .granular, levels: levels, createdAt: clock.now, createdBy: "test")
        return Query.Reader(
            client: client, role: "reader", target: .derived(derived, source: streams[0]))
    }
}

/// What outlives a site: its files, which go with it, and its time.
final class SiteFiles {
    let directory = NSTemporaryDirectory() + "subjects-\(UUID().uuidString)"
    let clock = SiteClock()

    deinit { try? FileManager.default.removeItem(atPath: directory) }
}

final class SiteClock: Sendable {
    private let time = Mutex(Site.start)
    var now: Milliseconds { time.withLock { $0 } }
    func advances(by milliseconds: Milliseconds) { time.withLock { $0 += milliseconds } }
}

/// Makes writes fail.
final class SiteFaults: CommitObserver {
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

/// Counts what came back from the store.
final class SiteSink: CommitSink {
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

extension Site {
    /// The record of a key goes, as when it has expired; what is in memory stays until the end of
    /// this site.
    func forgetsKey(of link: KeyLink) async throws {
        try store.submit([.deleteKey(link)], completion: nil)
        // Commits keep their order.
        try await audit.append(AuditEntry(act: .clockConfirmed))
    }
}
