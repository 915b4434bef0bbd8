/// What `strm restore` is told.
package struct RestoreOptions: Sendable {
    /// The directory of a backup.
    package var backup: String
    /// Where the installation is to live: missing, or holding nothing but settings and keys.
    package var dataDirectory: String
    /// Default: what the settings say, else `<dataDirectory>/keys`.
    package var keyringDirectory: String?
    /// Default: what the settings say, else the file beside the keyring.
    package var masterKey: MasterKeyCustody?
    /// Takes the keyring from an escrow first, into a keyring directory that has no other.
    package var escrowDirectory: String?
    /// Default: what the settings say, else the keyring directory.
    package var erasuresDirectory: String?
    /// The erasure ledger is lost, or only an older copy of it is there, and that is to be taken.
    package var acceptsLostLedger: Bool
    /// The manifest is signed by a key that was replaced before the time that it names, and that is
    /// to be taken.
    package var acceptsReplacedKey = false
    /// Writes the escrow into new settings, so that the server goes on writing into it. Not for a
    /// drill: the escrow is another server's then.
    package var adoptsEscrow = false

    package init(
        backup: String, dataDirectory: String, keyringDirectory: String? = nil,
        masterKey: MasterKeyCustody? = nil, escrowDirectory: String? = nil,
        erasuresDirectory: String? = nil, acceptsLostLedger: Bool = false
    ) {
        self.backup = backup
        self.dataDirectory = dataDirectory
        self.keyringDirectory = keyringDirectory
        self.masterKey = masterKey
        self.escrowDirectory = escrowDirectory
        self.erasuresDirectory = erasuresDirectory
        self.acceptsLostLedger = acceptsLostLedger
    }
}

/// What a restore brought back, and what is not in it.
package struct RestoreResult: Sendable {
    package var backup: String
    /// When the data were as they are in it, RFC 3339.
    package var createdAt: String
    package var events: UInt64
    package var bytes: UInt64
    package var auditSize: UInt64
    /// Entries of the audit log beyond it; nil: there is no watermark that tells.
    package var abandonedAuditSize: UInt64?
    package var abandonedAuditRoot: String?
    /// Events that were acknowledged after it, and are lost; nil: there is no watermark that tells.
    package var lostEvents: UInt64?
    /// Days of events in it, and those of them that have expired: their keys are destroyed.
    package var days: Int
    package var expiredDays: Int
    /// The generation of the keyring that was taken from an escrow; nil: none was.
    package var escrowGeneration: UInt64?
    /// The keyring came from an escrow that no settings name, so that none is kept up to date.
    package var hasNoEscrow = false
    /// If the ledger was given up: its last number that the keyring had seen, and that of the ledger
    /// that was found, 0 for none.
    package var lostLedger: LostLedger?
    /// True if there were no settings, so that a file with those of the options was written.
    package var wroteSettings: Bool
}

/// An erasure ledger that was given up.
package struct LostLedger: Sendable, Equatable {
    /// The last number that the keyring had seen.
    package var seen: UInt64
    /// The last number of the ledger that was found; 0: none was.
    package var found: UInt64
}
