/// A secret of the installation that is kept in the keyring: 32 random bytes.
package struct SecretName: Hashable, Sendable {
    enum Kind: UInt8, Sendable, CaseIterable {
        case auditSigning = 1
        case tokenSigning = 2
        case clientPepper = 3
        case cursorKey = 4
        case index = 5
        case credentials = 6
    }

    let kind: Kind
    let number: UInt32

    init(_ kind: Kind, number: UInt32 = 0) {
        self.kind = kind
        self.number = number
    }

    /// Seed of the Ed25519 key that signed the audit log's checkpoints first.
    package static let auditSigning = SecretName(.auditSigning)
    /// Seed of the key after so many changes; see `Vault.auditSigningNumbers`.
    package static func auditSigning(number: UInt32) -> SecretName {
        SecretName(.auditSigning, number: number)
    }
    /// Key of the HMAC under which client secrets are stored.
    package static let clientPepper = SecretName(.clientPepper)
    /// Key that makes cursors opaque and unforgeable.
    package static let cursorKey = SecretName(.cursorKey)
    /// Key material number n for signing access tokens; see `Vault.tokenSigningNumbers`.
    package static func tokenSigning(_ number: UInt32) -> SecretName {
        SecretName(.tokenSigning, number: number)
    }
    /// Key under which credentials for other systems are sealed. Made when it is first needed; not
    /// handed out.
    static let credentials = SecretName(.credentials)
    /// Root of the stream index keys. Not handed out.
    static let index = SecretName(.index)
}
