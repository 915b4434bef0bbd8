package import Store

/// Going on after a restore, also without the erasure ledger, if somebody says that it is lost.
extension Vault {
    /// The highest number of the ledger that the keyring has seen.
    package var knownLedgerNumber: UInt64 { keyring.contents.ledgerNumber }

    /// Takes the ledger as it is for the newest. Durable on return. Blocks.
    ///
    /// What is destroyed in the keyring stays destroyed. What only the ledger knew is gone: who was
    /// erased and not destroyed yet, who is fenced, and how to open others' records in a backup from
    /// before a destruction.
    package func giveUpLedger(now: Milliseconds) throws(VaultError) {
        let number = ledger.number
        try keyring.change(now: now) { $0.ledgerNumber = number }
    }

    /// The first commit on a store that was brought back: the entry that says so, and, if the ledger
    /// was given up, that the store has seen no more of it than there is. Before `recoverErasures`.
    /// Durable on return. Blocks.
    package func beginRestored(
        recording entry: Mutation, givesUpLedger: Bool
    ) throws(VaultError) {
        var mutations = [entry]
        if givesUpLedger {
            mutations.append(
                .putDocument(
                    Self.ledgerDocument, body: Array(String(ledger.number).utf8),
                    expectedRevision: 0))
        }
        try submit(mutations, to: try erasableStore(), waits: true)
    }
}
