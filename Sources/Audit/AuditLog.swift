package import AuditProof
package import Store
import Synchronization

/// The audit log: an append-only Merkle tree in the store's family `audit`.
///
/// As the store's `CommitStage` it gives each draft its number and time on the commit thread and
/// puts leaf and hashes into the same write batch as the change that it records. What is durable is
/// published after the sync; every reading member sees durable entries only.
///
/// An entry's time never falls: if the clock goes back, entries carry the time of the last one until
/// the clock has caught up.
package final class AuditLog: CommitStage {
    /// How long `append` waits for the sync.
    package static let appendDeadline: Duration = .seconds(2)

    struct State {
        /// As of the last staged batch: ahead of `durableSize` while a batch is being written.
        var frontier: MerkleFrontier
        var lastMilliseconds: Milliseconds
        var durableSize: UInt64
        var durableRoot: TreeHash
        /// No entry before it has an attachment.
        var attachmentsFrom: UInt64 = 0
        /// The last checkpoint that was signed, so that one size is signed once.
        var signed: (size: UInt64, note: String)?
        /// The keys, in the order of time; never empty.
        var terms: [SigningTerm]
        /// A change of the key that is on its way through a commit.
        var rotation: PendingRotation?
    }

    let store: Store
    private let sleep: @Sendable (Duration) async throws -> Void
    let state: Mutex<State>

    /// Recovers the log from the store and checks it against itself and against the watermark that
    /// the store found at its opening. Blocks: reads at most some 600 keys, however long the log is.
    ///
    /// - Parameters:
    ///   - signer: the key that the log began with.
    ///   - rotations: the keys that came after it, as the catalog has them.
    ///   - acceptsOlderState: the operator's decision, as in `StoreConfiguration`: the watermark is
    ///     not compared.
    ///   - sleep: waits for the deadline of `append`; tests give their own.
    /// - Throws: `.olderThanWatermark` if entries are missing that were once durable, or are not
    ///   those that were; `.corrupt` if leaves and hashes disagree. The server must not start then.
    package init(
        store: Store, signer: CheckpointSigner, rotations: [RecordedRotation] = [],
        acceptsOlderState: Bool = false,
        sleep: @escaping @Sendable (Duration) async throws -> Void = {
            try await Task.sleep(for: $0)
        }
    ) throws(StoreError) {
        self.store = store
        self.sleep = sleep
        let recovered = try AuditRecovery.recover(store)
        if !acceptsOlderState {
            try AuditRecovery.compare(
                recovered.frontier, with: store.recoveredAuditWatermark, in: store)
        }
        let terms = try Self.terms(
            first: signer, rotations, in: store, size: recovered.frontier.size)
        state = Mutex(
            State(
                frontier: recovered.frontier, lastMilliseconds: recovered.lastMilliseconds,
                durableSize: recovered.frontier.size, durableRoot: recovered.frontier.root,
                signed: nil, terms: terms))
    }

    /// How many entries are durable.
    package var size: UInt64 { state.withLock { $0.durableSize } }

    /// What verifiers need of today's key, as `name+hex8+base64`.
    package var verifierKey: String {
        let terms = self.terms
        return terms[terms.count - 1].signer.verifierKey
    }

    /// The entry as a mutation for the commit that makes the change which it records.
    ///
    /// Always succeeds: the entry is bounded to 65,535 bytes by cutting names and lists, and says so
    /// where it does.
    package static func draft(_ entry: AuditEntry) -> AuditDraft {
        let attachment = entry.disclosures?.bytes
        return AuditDraft(
            body: LeafText.body(entry, attachment: attachment), attachment: attachment)
    }

    /// Records an act that changes nothing else. Durable on return.
    ///
    /// - Throws: `.overloaded` if the entry is not durable within two seconds, the queue is full, or
    ///   the calling task was cancelled: the act must not happen then. The entry may still be
    ///   written later; it then records an act that was refused, which is harmless. `.poisoned`,
    ///   `.closed` and `.diskFull` as the store says.
    package func append(_ entry: AuditEntry) async throws(StoreError) {
        let commit = PendingCommit()
        try store.submit([.audit(Self.draft(entry))]) { commit.finish($0.map { _ in }) }
        let sleep = sleep
        let result = await withTaskGroup(of: Result<Void, StoreError>.self) { group in
            group.addTask { await commit.value() }
            group.addTask {
                do {
                    try await sleep(Self.appendDeadline)
                } catch {
                    // Cancelled: either the other task has the result already, or the caller has
                    // given up, for whom the answer is the same as when time runs out.
                }
                return .failure(.overloaded(retryAfterSeconds: 1))
            }
            let first = await group.next() ?? .failure(.closed)
            group.cancelAll()
            // The first task does not hear of cancellation: this ends it if it still waits.
            commit.finish(.failure(.overloaded(retryAfterSeconds: 1)))
            return first
        }
        try result.get()
    }

    /// The signed checkpoint of the durable tree: a C2SP tlog-checkpoint.
    package func checkpoint() throws(StoreError) -> String {
        try signedTree().note
    }

    /// The checkpoint together with what it says.
    package func signedTree() throws(StoreError) -> (checkpoint: Checkpoint, note: String) {
        let state = state.withLock { $0 }
        let checkpoint = Checkpoint(
            origin: state.terms[0].signer.name, size: state.durableSize, root: state.durableRoot)
        if let signed = state.signed, signed.size == state.durableSize {
            return (checkpoint, signed.note)
        }
        let note = try Self.sign(checkpoint, state.terms, state.lastMilliseconds)
        self.state.withLock { $0.signed = (checkpoint.size, note) }
        return (checkpoint, note)
    }
}
