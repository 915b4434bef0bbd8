/// Limits of the vault, each with its unit.
package struct VaultConfiguration: Sendable {
    /// Data keys kept in memory. About 185 bytes each; 64 of them in locked memory. Memory is taken as keys
    /// come.
    package var cachedKeysMax: Int
    /// How long a master key command may take, in seconds.
    package var masterKeyCommandSeconds: Int
    /// A directory elsewhere that gets a copy of each generation of the keyring; nil: none.
    package var escrowDirectory: String?

    /// Where the erasure ledger is; nil: in the directory of the keyring. Must be there, but for
    /// `Vault.initialise`, which makes it: one that is missing may be on a device that is not mounted.
    /// Better on another device than the keyring, and in no backup that is older than a day.
    package var erasuresDirectory: String?
    /// A ledger that is missing or older than the keyring knows is taken as it is: for a restore whose
    /// operator says that it is lost.
    package var acceptsOlderLedger = false
    /// A destruction of erased keys replaces the master key too, if that is a file that can be
    /// replaced. nil: only a file in the keyring's directory, where `strm init` makes it, and none
    /// while there is an escrow. A file elsewhere may be put there again by whoever manages the
    /// machine, or be the key of another installation too.
    package var renewsMasterKey: Bool?
    /// Gives the ids of the erasures whose receipts were written: the links of the others are known
    /// for longer, because a receipt tells from them who had what they sealed. May block. nil: all.
    package var issuedReceipts: (@Sendable () -> Set<String>)?
    /// Reads only: nothing of what a process that died left is finished or taken away.
    package var isReadOnly = false
    /// Called before each step of an erasure. For tests.
    package var beforeErasureStep: ErasureStep.Hook = ErasureStep.defaultHook

    package init(cachedKeysMax: Int = 1_048_576, masterKeyCommandSeconds: Int = 30) {
        self.cachedKeysMax = cachedKeysMax
        self.masterKeyCommandSeconds = masterKeyCommandSeconds
    }
}
