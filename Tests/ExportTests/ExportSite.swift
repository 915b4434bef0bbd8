import Audit
import AuditProof
import Buckets
import Contracts
import Foundation
import Ingest
import Logging
import Query
import Synchronization
import Testing
import Vault

@testable import Export
@testable import Store

/// A stream with events, a derived stream of it, and a bucket in memory; the clock stands still.
/// Confined to its test.
final class ExportSite {
    static let hour: Milliseconds = 3_600_000

    let bucket = MemoryBucket()
    let clock = SiteClock()
    let store: Store
    let vault: Vault
    let audit: AuditLog
    let query: Query
    let signer: NoteSigner
    let context: ExportContext
    private let directory = NSTemporaryDirectory() + "export-\(UUID().uuidString)"
    private let ingest: Ingest
    private let lane: IngestLane
    private let sink = DurableCount()
    let streams: Targets

    init(partitions: Int = 1, allowsKeyExport: Bool? = nil) throws {
        let clock = clock
        var configuration = StoreConfiguration(
            directory: directory, watermarkPath: directory + "/keys/watermark")
        configuration.freeBytesMin = 0
        store = try Store.open(configuration) { clock.now }
        let master = MasterKeySource.file(directory + "/keys/master.key")
        try Vault.initialise(
            keyringDirectory: directory + "/keys", masterKey: master, now: clock.now)
        vault = try Vault.unlock(
            keyringDirectory: directory + "/keys", masterKey: master,
            clock: VaultClock(wall: { clock.now }, monotonic: { clock.monotonic }),
            configuration: VaultConfiguration(cachedKeysMax: 256))
        let seed = vault.secret(.auditSigning)
        audit = try AuditLog(
            store: store, signer: try CheckpointSigner(name: "test/audit", privateKey: seed))
        store.setCommitStage(audit)
        try store.start()
        vault.attach(store: store)
        var stream = StreamDefinition(
            name: "orders", id: StreamID(rawValue: 3), partitions: partitions,
            createdAt: clock.now, createdBy: "test")
        stream.allowsKeyExport = allowsKeyExport
        for partition in stream.partitionIDs {
            try store.openPartition(partition, retention: stream.retention)
        }
        let derived = DerivedStreamDefinition(
            name: "orders-1", id: StreamID(rawValue: 4), source: "orders", mode: .granular,
            levels: try #require(ConsentLevels([1])), createdAt: clock.now, createdBy: "test")
        var masked = derived
        masked.name = "orders-masked"
        masked.masks = [
            MaskRule(contract: "test/order", field: "email", type: .murmur3, seed: 42)
        ]
        let registry = ContractRegistry()
        registry.replaceAll([(try Self.contract(), .active)])
        ingest = Ingest(
            store: store, vault: vault, registry: registry,
            limits: IngestLimits(event: EventLimits()), billingId: "test")
        ingest.start()
        lane = IngestLane(ingest, sink: sink)
        query = Query(
            store: store, vault: vault, audit: audit, registry: registry,
            cursorKey: vault.secret(.cursorKey), clock: { clock.now })
        let signer = try NoteSigner(name: "test/exports", privateKey: seed)
        self.signer = signer
        let streams = Targets([
            "orders": .stream(stream), "orders-1": .derived(derived, source: stream),
            "orders-masked": .derived(masked, source: stream),
        ])
        self.streams = streams
        var context = ExportContext(
            store: store, query: query, vault: vault, signer: { signer }, policy: BucketPolicy(),
            batchesInFlightMax: 4, clock: { clock.now }, target: { streams.target($0) },
            logger: Logger(label: "test", factory: { _ in SwiftLogNoOpLogHandler() }))
        let bucket = bucket
        context.openBucket = { (_, _) async throws(ExportError) -> any Bucket in bucket }
        self.context = context
    }

    deinit {
        ingest.stop()
        store.close()
        try? FileManager.default.removeItem(atPath: directory)
    }

    /// Stores events durably, in order, marked with their numbers.
    func stores(_ marks: Range<Int>, consent: [Int] = [0, 1], partition: Int = 0) async {
        let id = PartitionID(stream: StreamID(rawValue: 3), partition: UInt16(partition))
        let target = StreamTarget(name: "orders", partition: id, retention: .standard)
        let levels = consent.map(String.init).joined(separator: ",")
        for mark in marks {
            let before = sink.count
            let event = """
                {"strmMeta":{"eventContractRef":"test/order/1.0.0","consentLevels":[\(levels)]},\
                "session":"s\(mark % 5)","mark":"m\(mark)","email":"person-\(mark)@example.com"}
                """
            let outcome = Array(event.utf8).withUnsafeBytes {
                lane.receive(
                    $0, format: .json, schemaRef: nil, stream: target,
                    token: CommitToken(first: 0, second: 0), now: clock.now)
            }
            precondition(outcome == .queued, "\(outcome)")
            _ = lane.flush()
            // One by one: the first of a session waits for its key, and others may overtake it.
            await sink.waits(for: before + 1)
        }
    }

    /// Puts an exporter from the first event on into the catalog.
    func definesExporter(
        stream: String = "orders", compression: ExporterDefinition.Compression = .none,
        batchBytesMax: Int = 1 << 20, includesKeys: Bool = false, partitions: Int = 1
    ) async throws -> ExporterDefinition {
        var definition = ExporterDefinition(
            name: "e", stream: stream, connector: "c", pathPrefix: "team",
            compression: compression, batchBytesMax: batchBytesMax, createdAt: clock.now,
            createdBy: "test")
        definition.includesKeys = includesKeys
        let progress = ExporterProgress(
            nextOffsets: Array(repeating: Offset(rawValue: 0), count: partitions))
        _ = try await store.commit([try progress.mutation("e", expectedRevision: nil)])
        return definition
    }

    /// The exporter as a start of the server makes it: all that it knows is on disk.
    func starts(_ definition: ExporterDefinition) throws -> Exporter {
        let document = try #require(store.document(ExporterProgress.key("e")))
        return Exporter(
            definition, progress: try ExporterProgress(document), revision: document.revision,
            context: context)
    }

    /// Lets it work once if it is due.
    @discardableResult
    func works(_ exporter: Exporter) async -> Bool {
        guard exporter.take(now: clock.now) else { return false }
        await exporter.work()
        return true
    }

    /// Audit entries of an act, oldest first.
    func entries(_ act: Act) throws -> [[String: Any]] {
        try audit.entries(matching: AuditFilter(act: act), from: 0, limit: 1_000).lines.map {
            let object = try JSONSerialization.jsonObject(with: Data($0.line.utf8))
            return try #require(object as? [String: Any])
        }
    }

    private static func contract() throws -> Contract {
        let text = """
            {"ref":{"handle":"test","name":"order","version":"1.0.0"},
             "schema":{"ref":{"handle":"test","name":"order","version":"1.0.0","schemaType":"avro"},
              "definition":{"type":"record","name":"Order","fields":[
               {"name":"strmMeta","type":{"type":"record","name":"StrmMeta","fields":[
                {"name":"eventContractRef","type":"string"},
                {"name":"nonce","type":["null","int"],"default":null},
                {"name":"timestamp","type":["null","long"],"default":null},
                {"name":"keyLink","type":["null","string"],"default":null},
                {"name":"billingId","type":["null","string"],"default":null},
                {"name":"consentLevels","type":{"type":"array","items":"int"}}]}},
               {"name":"session","type":"string"},{"name":"mark","type":"string"},
               {"name":"email","type":"string"}]}},
             "keyField":"session",
             "fieldMetadata":[{"fieldName":"email","personalDataConfig":
              {"isPii":true,"isQuasiId":false,"purposeLevel":1}}]}
            """
        return try Contract(document: try ContractDocument(json: Array(text.utf8)), number: 1)
    }
}

final class SiteClock: Sendable {
    private let time = Mutex<(wall: Milliseconds, monotonic: Milliseconds)>(
        (1_790_000_000_000, 5_000))
    var now: Milliseconds { time.withLock { $0.wall } }
    var monotonic: Milliseconds { time.withLock { $0.monotonic } }
    /// Time passes.
    func advances(by milliseconds: Milliseconds) {
        time.withLock {
            $0.wall += milliseconds
            $0.monotonic += milliseconds
        }
    }
    /// Somebody sets the wall clock.
    func jumps(by milliseconds: Milliseconds) { time.withLock { $0.wall += milliseconds } }
}

/// Counts events that are durable.
final class DurableCount: CommitSink {
    private let state = Mutex((count: 0, waiting: [(Int, CheckedContinuation<Void, Never>)]()))

    var count: Int { state.withLock { $0.count } }

    func didCommit(_ chunks: [EventChunk], outcome: CommitOutcome) {
        let ready = state.withLock { state in
            state.count += chunks.reduce(0) { $0 + $1.count }
            let count = state.count
            defer { state.waiting.removeAll { $0.0 <= count } }
            return state.waiting.filter { $0.0 <= count }
        }
        for (_, continuation) in ready { continuation.resume() }
    }

    func waits(for count: Int) async {
        await withCheckedContinuation { continuation in
            let isThere = state.withLock { state in
                if state.count < count { state.waiting.append((count, continuation)) }
                return state.count >= count
            }
            if isThere { continuation.resume() }
        }
    }
}

/// What the catalog knows of streams, while it changes.
final class Targets: Sendable {
    private let known: Mutex<[String: ReadTarget]>

    init(_ known: [String: ReadTarget]) { self.known = Mutex(known) }

    func target(_ name: String) -> ReadTarget? { known.withLock { $0[name] } }

    /// Takes the approval of a derived stream back.
    func reject(_ name: String) {
        known.withLock { known in
            guard case .derived(var derived, let source)? = known[name] else { return }
            derived.approval = Approval(state: .rejected)
            known[name] = .derived(derived, source: source)
        }
    }
}
