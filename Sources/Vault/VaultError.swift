package import Store

/// What can go wrong in the vault. The descriptions are safe to show: never a key, a secret or a
/// value.
package enum VaultError: Error, Sendable, Equatable {
    /// The data key has expired or was erased. The fields that it sealed stay sealed for ever.
    case keyGone
    /// No store is attached, so there are no data keys. Our fault, or a start that is not complete.
    case sealedVault
    /// The store refused or failed. `.overloaded`: nothing was made, come back later.
    case store(StoreError)
    /// The keyring cannot be read or written, or another process has it. For the operator.
    case keyring(String)
    /// What was given as the master key is none, or not the one of this keyring, or others may read
    /// it. For the operator.
    case masterKey(String)
    /// The erasure ledger cannot be read or written, or it is not the one that was left behind. For
    /// the operator.
    case ledger(String)
    /// The data subject was erased with a fence: no key is lent for new events of theirs.
    case subjectFenced
    /// The master key cannot be had from where it is kept: the file is missing, the variable not
    /// set, the command failed. A server can wait sealed until somebody brings it.
    case masterKeyAbsent(String)
}

extension VaultError: CustomStringConvertible {
    package var description: String {
        switch self {
        case .keyGone: "the data key has expired or was erased"
        case .sealedVault: "the vault is sealed: no store is attached"
        case .store(let error): error.description
        case .keyring(let what): "the keyring: \(what)"
        case .ledger(let what): "the erasure ledger: \(what)"
        case .subjectFenced:
            "the data subject was erased with a fence: no new events of theirs are taken"
        case .masterKey(let what), .masterKeyAbsent(let what): "the master key: \(what)"
        }
    }
}
