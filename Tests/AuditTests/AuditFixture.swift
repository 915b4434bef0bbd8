import Audit
import AuditProof
import Foundation
import Store
import Synchronization

/// A store with an audit log in a directory of its own, a clock that tests set, and ways to open the
/// directory again.
final class AuditFixture {
    static let origin = "strm.example/audit"
    static let noon: Milliseconds = 1_795_435_200_000  // 2026-11-23T12:00:00Z

    /// Gives the time to the store's threads.
    final class Clock: Sendable {
        private let time = Mutex(AuditFixture.noon)
        var now: Milliseconds {
            get { time.withLock { $0 } }
            set { time.withLock { $0 = newValue } }
        }
    }

    let directory: URL
    let clock = Clock()
    let signer: CheckpointSigner
    private(set) var store: Store
    private(set) var log: AuditLog

    init(
        observer: (any CommitObserver)? = nil,
        sleep: @escaping @Sendable (Duration) async throws -> Void = {
            try await Task.sleep(for: $0)
        }
    ) throws {
        directory = FileManager.default.temporaryDirectory
            .appendingPathComponent("strm-audit-\(UUID().uuidString)")
        signer = try CheckpointSigner(
            name: Self.origin, privateKey: [UInt8](repeating: 5, count: 32))
        store = try Self.open(directory, clock, observer)
        log = try AuditLog(store: store, signer: signer, sleep: sleep)
        store.setCommitStage(log)
        try store.start()
    }

    deinit {
        store.close()
        do {
            try FileManager.default.removeItem(at: directory)
        } catch {
            // Left behind in the system's temporary directory, which the system clears.
        }
    }

    static func open(
        _ directory: URL, _ clock: Clock, _ observer: (any CommitObserver)? = nil
    ) throws -> Store {
        var configuration = StoreConfiguration(
            directory: directory.appendingPathComponent("data").path,
            watermarkPath: directory.appendingPathComponent("keys/watermark").path)
        configuration.observer = observer
        configuration.freeBytes = { 1 << 40 }
        return try Store.open(configuration, clock: { clock.now })
    }

    func reopen(
        acceptsOlderState: Bool = false, rotations: [RecordedRotation] = []
    ) throws {
        store.close()
        store = try Self.open(directory, clock)
        log = try AuditLog(
            store: store, signer: signer, rotations: rotations,
            acceptsOlderState: acceptsOlderState)
        store.setCommitStage(log)
        try store.start()
    }

    /// Stops the server and changes one key of family `audit` behind its back.
    func tampers(key: [UInt8], value: [UInt8]) async throws {
        store.close()
        let bare = try Self.open(directory, clock)
        let stage = TamperingStage(
            key: key, value: value, watermark: bare.recoveredAuditWatermark)
        bare.setCommitStage(stage)
        try bare.start()
        _ = try await bare.commit([.audit(AuditDraft(body: []))])
        bare.close()
    }

    /// Entries in one commit.
    func records(_ entries: [AuditEntry]) async throws {
        _ = try await store.commit(entries.map { .audit(AuditLog.draft($0)) })
    }

    func lines(_ filter: AuditFilter = AuditFilter()) throws -> [String] {
        try log.entries(matching: filter, from: 0, limit: 100_000).lines.map(\.line)
    }

    func checkpoint() throws -> Checkpoint {
        try Checkpoint(parsing: Array(try log.checkpoint().utf8), verifiedBy: signer.key)
    }

    func file(_ name: String) -> URL { directory.appendingPathComponent(name) }
}

/// Writes what a log would never write.
final class TamperingStage: CommitStage {
    private let key: [UInt8]
    private let value: [UInt8]
    /// What the log gave last: whoever tampers with the database leaves the watermark as it is.
    private let kept: [UInt8]

    init(key: [UInt8], value: [UInt8], watermark: [UInt8]) {
        self.key = key
        self.value = value
        kept = watermark
    }

    func stage(
        _ drafts: [AuditDraft], keysMade: Int, at time: Milliseconds,
        into writes: inout StagedWrites
    ) {
        writes.putAudit(key: key, value: value)
    }

    func didCommit() {}
    func watermark() -> [UInt8] { kept }
}

/// Holds the commit thread before its write until the test lets it go, or makes the write fail.
final class GateObserver: CommitObserver {
    private struct State {
        var isClosed = false
        var failure: StoreError?
    }
    private let state = Mutex(State())
    private let opened = DispatchSemaphore(value: 0)

    func closes() { state.withLock { $0.isClosed = true } }
    func opens() {
        state.withLock { $0.isClosed = false }
        opened.signal()
    }
    func fails(with error: StoreError) { state.withLock { $0.failure = error } }

    func willWrite(_ batch: CommitFacts) throws(StoreError) {
        let (isClosed, failure) = state.withLock { ($0.isClosed, $0.failure) }
        if isClosed { opened.wait() }
        if let failure { throw failure }
    }

    func didWrite(_ batch: CommitFacts, syncs: UInt64) throws(StoreError) {}
    func willAcknowledge(_ batch: CommitFacts, syncs: UInt64) {}
}
