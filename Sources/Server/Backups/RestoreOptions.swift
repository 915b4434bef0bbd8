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
    /// Takes the keyring from an escrow first, into a keyring directory that has none.
    package var escrowDirectory: String?

    package init(
        backup: String, dataDirectory: String, keyringDirectory: String? = nil,
        masterKey: MasterKeyCustody? = nil, escrowDirectory: String? = nil
    ) {
        self.backup = backup
        self.dataDirectory = dataDirectory
        self.keyringDirectory = keyringDirectory
        self.masterKey = masterKey
        self.escrowDirectory = escrowDirectory
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
    /// True if there were no settings, so that a file with those of the options was written.
    package var wroteSettings: Bool
}
