/// Why the master key was not replaced, or not to the end. Descriptions are safe to show: they name
/// files, never a key.
package enum MasterKeyError: Error, Sendable, Equatable {
    /// No master key may be kept there; says what may be. Nothing was changed.
    case badPlace(expected: String)
    /// It is kept there already. Nothing was changed.
    case unchanged
    /// The keyring is under a new key, which could not take the place of the one in this file: it
    /// is there or under the same name with `.next`, and must not be lost. The next start opens the
    /// keyring with either and ends the change.
    case halfway(path: String)
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
                + "before: keep \(path) and \(path).next as they are, for one of them is the key. "
                + "The next start finds it in either and ends the change"
        case .vault(let error): error.description
        }
    }
}
