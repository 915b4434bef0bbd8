/// Sees what a commit does, in the order in which it does it: that is how tests show that the sync
/// comes before the acknowledgements. Called on the commit thread. What it throws counts as the
/// failure of the step.
package protocol CommitObserver: Sendable {
    /// Before the write: a throw here is a write that failed and left nothing.
    func willWrite(_ batch: CommitFacts) throws(StoreError)
    /// After the write and its sync: a throw here is a write that failed but is there.
    /// `syncs` is how many times the engine has synced its log since it was opened.
    func didWrite(_ batch: CommitFacts, syncs: UInt64) throws(StoreError)
    /// Before the first acknowledgement (tail, watcher, sink or completion) of the batch.
    func willAcknowledge(_ batch: CommitFacts, syncs: UInt64)
}

/// What is in a batch.
package struct CommitFacts: Sendable, Equatable {
    /// 1, 2, 3 … since the store was opened.
    package var commit: UInt64
    package var events: Int
    package var mutations: Int
    package var isSynced: Bool
}
