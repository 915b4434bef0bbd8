/// Where the master key of 32 bytes comes from.
package enum MasterKeySource: Sendable, Equatable {
    /// A regular file of this user with mode 0600 or narrower. It holds the 32 bytes raw, or their
    /// base64 (44 characters) or 64 hexadecimal digits; a line end may follow.
    case file(String)
    /// An environment variable that holds base64 or hexadecimal digits. Readable in
    /// `/proc/PID/environ` by root and by the same user until ``ProcessHardening/apply()`` ran: prefer a file or a command.
    case environment(String)
    /// A program and its arguments (no shell) that writes the key as in a file to its standard
    /// output, at most 4 KiB, within 30 seconds, and ends with status 0: a KMS, `age`, a TPM.
    case command([String])
    /// An operator brought it to a sealed server. It is nowhere on the machine.
    case given(GivenMasterKey)

    /// How the master key is kept, for receipts and status: never where or what it is.
    package var custody: String {
        switch self {
        case .file: "file"
        case .environment: "environment"
        case .command: "command"
        case .given: "operator"
        }
    }

    /// Returns if a key can be had now, of whatever keyring; it is read and dropped. Blocks: for a
    /// command up to `commandSeconds`.
    /// - Throws: `.masterKeyAbsent` if there is none, `.masterKey` if what is there is no key.
    package func check(commandSeconds: Int) throws(VaultError) {
        _ = try MasterKey.read(self, commandSeconds: commandSeconds)
    }
}
