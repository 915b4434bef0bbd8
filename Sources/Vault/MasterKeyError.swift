/// Why the master key was not replaced, or not to the end. Descriptions are safe to show: they name
/// files, never a key.
package enum MasterKeyError: Error, Sendable, Equatable {
    /// No master key may be kept there; says what may be. Nothing was changed.
    case badPlace(expected: String)
    /// It is kept there already. Nothing was changed.
    case unchanged
    /// The keyring is under a new key, which could not take the place of the one in this file, or
    /// must not yet because the escrow has not followed: it is there or under the same name with
    /// `.next`, and must not be lost. The next start opens the keyring with either; it ends the
    /// change, or the next settlement of the escrow does.
    case halfway(path: String)
    /// The escrow of the keyring does not follow, and says why: it would be left with a keyring
    /// under a key that is to go. Nothing was changed.
    case escrowBehind(String)
    /// `.masterKey` and `.masterKeyAbsent`: the new key cannot be had, and nothing was changed.
    /// `.keyring`: it cannot be written.
    case vault(VaultError)
}

extension MasterKeyError: CustomStringConvertible {
    package var description: String {
        switch self {
        case .badPlace(let expected): "no place for a master key: expected \(expected)"
        case .unchanged: "the master key is kept there already"
        case .halfway(let path):
            "the keyring is under a new master key, but that could not take the place of the one "
                + "before, which an escrow that is behind still needs: keep \(path) and "
                + "\(path).next as they are, for one of them is the key. The next start finds it in "
                + "either, and ends the change when the escrow, if there is one, has followed"
        case .escrowBehind(let why):
            "the escrow would be left with a keyring under a key that is to go; \(why)"
        case .vault(let error): error.description
        }
    }
}
