/// Erasures of people.
package struct ErasureSettings: Sendable {
    /// Where the erasure ledger lies. Default: with the keyring. Better on another device; must be
    /// there, since it is never made below a mount point. In no backup, or in one that is made at
    /// each erasure: a start with an older ledger is refused.
    package var directory: String
    /// The destruction of erased keys makes a new master key in the place of the one in the file,
    /// so that copies of older keyrings cannot be opened with what exists then. Without effect on a
    /// master key from the environment or a command. nil, the default: only a key file that lies in
    /// the keyring's directory, and not if the keyring has an escrow, which is of use only with a
    /// copy of the master key that stays good.
    package var renewsMasterKey: Bool?
    /// The keys of an erased person are unusable at once, and destroyed for good together with those
    /// of others within so many minutes.
    package var batchMinutes: Int

    init(
        _ values: SettingsReader, keyringDirectory: String
    ) throws(SettingsError) {
        directory = try values.text("erasures.directory", default: keyringDirectory)
        batchMinutes = try values.number("erasures.batchMinutes", default: 60, in: 1...1_440)
        renewsMasterKey = try values.optionalFlag("erasures.renewsMasterKey")
    }
}
