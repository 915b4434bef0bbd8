package import AuditProof
package import Store

/// A key of the log, and since when it signs.
package struct SigningTerm: Sendable {
    /// 0 for the key that the log began with.
    package let number: UInt32
    package let signer: CheckpointSigner
    /// Index of the entry that made the key known; nil for the first one.
    package let entry: UInt64?
    /// While the log's own time is before this, the key before it signs too.
    package let overlapEnd: Milliseconds

    package init(
        number: UInt32, signer: CheckpointSigner, entry: UInt64?, overlapEnd: Milliseconds
    ) {
        self.number = number
        self.signer = signer
        self.entry = entry
        self.overlapEnd = overlapEnd
    }

    /// The smallest tree that the key signs: the one that ends with its entry.
    package var firstSize: UInt64 { entry.map { $0 + 1 } ?? 0 }
}

/// A change of the log's key as the catalog remembers it, in the same commit as its entry.
package struct RecordedRotation: Sendable {
    package let number: UInt32
    package let signer: CheckpointSigner
    /// Entries that were durable when the change was asked for: its own entry comes behind them.
    package let sizeBefore: UInt64
    /// 0 to 365: how long the key before it signs too.
    package let overlapDays: Int

    package init(
        number: UInt32, signer: CheckpointSigner, sizeBefore: UInt64, overlapDays: Int
    ) {
        self.number = number
        self.signer = signer
        self.sizeBefore = sizeBefore
        self.overlapDays = overlapDays
    }
}
