/// Says to which request an event belongs. Opaque to the store: it comes back with the outcome.
package struct CommitToken: Sendable, Equatable {
    package var first: UInt64
    package var second: UInt64

    package init(first: UInt64, second: UInt64) {
        self.first = first
        self.second = second
    }
}

/// What became of the events of a chunk.
package enum CommitOutcome: Sendable, Equatable {
    /// Synced: they survive the loss of power.
    case durable
    /// Not acknowledged. After `.poisoned` they may be there once the store is opened again.
    case failed(StoreError)
}

/// Receives the chunks of one event loop back.
///
/// Called on the commit thread, after the sync, once per commit (or per batch that failed) with all
/// chunks of that sink in the order in which they were submitted, each exactly once. The sink owns
/// them from then on. It must return at once: while it runs nothing is committed. It must not
/// call back into the store other than `submit`, `tail`, `watch` and `unwatch`.
package protocol CommitSink: AnyObject, Sendable {
    func didCommit(_ chunks: [EventChunk], outcome: CommitOutcome)
}
