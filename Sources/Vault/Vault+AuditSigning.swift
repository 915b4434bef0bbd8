package import Store

/// The keys of the audit log. None is ever destroyed: with the old ones nothing new is signed that
/// anybody believes, and they are needed to prove the change to verifiers that know them alone.
extension Vault {
    /// Numbers of the keys that the keyring holds, ascending from 0. The last one may be one that
    /// was made just before a crash and signs nothing yet.
    package var auditSigningNumbers: [UInt32] {
        keyring.contents.secrets.keys.filter { $0.kind == .auditSigning }.map(\.number).sorted()
    }

    /// Makes the key of this number unless it is there. Durable on return. Blocks.
    /// - Throws: `.keyring` if it is not the number after the last one, or cannot be written.
    package func makeAuditSigning(_ number: UInt32, now: Milliseconds) throws(VaultError) {
        if keyring.secret(.auditSigning(number: number)) != nil { return }
        try keyring.change(now: now) { contents throws(VaultError) in
            // Somebody else may have made it while we waited: what is there must stay.
            guard contents.secrets[.auditSigning(number: number)] == nil else { return }
            guard contents.secrets[.auditSigning(number: number - 1)] != nil else {
                throw .keyring("the audit signing key before number \(number) is missing")
            }
            try contents.makeSecret(.auditSigning(number: number), now: now)
        }
    }
}
