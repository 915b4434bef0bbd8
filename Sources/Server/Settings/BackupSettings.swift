/// Copies of the database that the server makes, and the copy of its keyring.
package struct BackupSettings: Sendable {
    /// An absolute path; must be there when a backup is made. nil: there are none.
    package var directory: String?
    /// The server makes one by itself when the newest is so old; 0: never.
    package var intervalHours: Int
    /// So many that the server made by itself are kept, the oldest go; 0: all.
    package var keep: Int
    /// Where the copy of the keyring is kept; nil: there is none.
    package var escrowDirectory: String?
    /// How long the copy may be behind before the server says that it is not ready.
    package var escrowHours: Int
    /// What the copies are of.
    let keyringDirectory: String
    let dataDirectory: String

    init(
        _ values: SettingsReader, keyringDirectory: String, dataDirectory: String
    ) throws(SettingsError) {
        directory = try values.optionalText("backups.directory")
        if let directory, !directory.hasPrefix("/") {
            throw .invalid(key: "backups.directory", expected: "an absolute path")
        }
        intervalHours = try values.number("backups.intervalHours", default: 0, in: 0...8_760)
        keep = try values.number("backups.keep", default: 7, in: 0...10_000)
        escrowDirectory = try values.optionalText("keyring.escrow.directory")
        if let escrowDirectory, !escrowDirectory.hasPrefix("/") {
            throw .invalid(key: "keyring.escrow.directory", expected: "an absolute path")
        }
        escrowHours = try values.number("keyring.escrow.hours", default: 24, in: 1...720)
        self.keyringDirectory = keyringDirectory
        self.dataDirectory = dataDirectory
        // No server can go on with it: two writers of one file, of which the later may be the older.
        // By their texts: to see where a path leads is to wait for its device, and a server must
        // start without that of its escrow. If a link leads to the keyring after all, the lock of
        // its directory keeps the escrow from writing there.
        if let escrowDirectory,
            PlacePath.written(escrowDirectory) == PlacePath.written(keyringDirectory)
        {
            throw .invalid(
                key: "keyring.escrow.directory", expected: "another directory than the keyring's")
        }
    }
}
