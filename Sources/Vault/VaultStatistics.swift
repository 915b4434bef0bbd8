package import Store

/// What the vault tells health checks, metrics and `status`. Counts since the start unless said.
package struct VaultStatistics: Sendable, Equatable {
    /// Data keys in memory now, and the most there can be.
    package var cachedKeys = 0
    package var cachedKeysMax = 0
    package var cacheHits: UInt64 = 0
    package var cacheMisses: UInt64 = 0
    package var evictions: UInt64 = 0
    package var keysMade: UInt64 = 0
    /// New keys that the store has not synced yet, now.
    package var keysPending = 0
    /// Memory for keys, and how much of it is locked out of swap. Less than all of it means that
    /// RLIMIT_MEMLOCK is too small: raise it (`LimitMEMLOCK=` in systemd) or switch swap off.
    package var keyMemoryBytes = 0
    package var lockedKeyMemoryBytes = 0
    /// Number and day of the newest epoch; nil before the first data key.
    package var epoch: UInt32 = 0
    package var epochDay: UTCDay?
    /// Pairs of epoch and retention class that the keyring holds now.
    package var epochClasses = 0
    /// Generation of the keyring file.
    package var generation: UInt64 = 0
    /// Why the last write of the keyring failed, for the operator; nil if it did not.
    package var keyringFailure: String?
    /// Why the erasure ledger takes no more records, or soon will not, for the operator; nil: it is
    /// well.
    package var ledgerFailure: String?
    /// The clock is not trusted: nothing is destroyed until `confirmClock`.
    package var isDestructionOnHold = false
    /// That hold ends by itself when the kernel says that a time source keeps the clock.
    package var awaitsTimeSource = false
    /// nil: there is none.
    package var escrow: EscrowStatus?
    package var tokenSigningNumbers: [UInt32] = []
    /// `file`, `environment`, `command` or `operator`.
    package var masterKeyCustody = ""
    /// Number of the erasure ledger's last record.
    package var erasureLedgerNumber: UInt64 = 0
    /// Erasures whose keys are unusable and not destroyed for good yet.
    package var erasuresWaiting = 0
    /// Erased data keys whose epochs are not destroyed yet: what the ledger keeps in memory.
    package var erasedLinks = 0

    package init() {}
}
