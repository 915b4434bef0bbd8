package import Store

/// Going on after a restore, also without the erasure ledger, if somebody says that it is lost.
extension Vault {
    /// The highest number of the ledger that the keyring has seen.
    package var knownLedgerNumber: UInt64 { keyring.contents.ledgerNumber }

    /// The last number of the ledger before somebody said that the rest is lost.
    package var foundLedgerNumber: UInt64 { ledger.snapshot.resumedAfter ?? ledger.number }

    /// Takes the ledger as it is for the newest: its numbers go on behind all that the keyring has
    /// seen, because keys of buckets are named by them. Durable on return. Blocks.
    ///
    /// What is destroyed in the keyring stays destroyed. What only the ledger knew is gone: who was
    /// erased and not destroyed yet, who is fenced, and how to open others' records in a backup from
    /// before a destruction.
    package func giveUpLedger(now: Milliseconds) throws(VaultError) {
        let contents = keyring.contents
        try ledger.resume(
            after: max(contents.ledgerNumber, UInt64(contents.destroyedThrough)), at: now)
    }

    /// The first commit on a store that was brought back: the entry that says so. Before
    /// `recoverErasures`, which does what the ledger says and the store does not know. If the ledger
    /// was given up its numbers go on behind what the store has seen, too. Durable on return. Blocks.
    package func beginRestored(
        recording entry: Mutation, givesUpLedger: Bool, now: Milliseconds
    ) throws(VaultError) {
        let store = try erasableStore()
        if givesUpLedger { try ledger.resume(after: try Self.number(in: store), at: now) }
        try submit([entry], to: store, waits: true)
    }
}
