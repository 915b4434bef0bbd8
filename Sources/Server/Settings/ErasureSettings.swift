/// Erasures of people.
package struct ErasureSettings: Sendable {
    /// Where the erasure ledger lies. Default: with the keyring. Better on another device; in no
    /// backup, or in one that is made at each erasure: a start with an older ledger is refused.
    package var directory: String
    /// The destruction of erased keys makes a new master key in the place of the one in the file,
    /// so that copies of older keyrings cannot be opened with what exists then. Without effect on a
    /// master key from the environment or a command.
    package var renewsMasterKey: Bool

    init(_ values: SettingsReader, keyringDirectory: String) throws(SettingsError) {
        directory = try values.text("erasures.directory", default: keyringDirectory)
        renewsMasterKey = try values.flag("erasures.renewsMasterKey", default: true)
    }
}
