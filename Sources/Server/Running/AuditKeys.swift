import Audit
import AuditProof
import FoundationEssentials
import Store
import Vault

/// The keys that sign the audit log's checkpoints, and with them manifests and receipts: the vault
/// keeps their secrets by number, the catalog (kind `audit-key`) which of them signs.
///
/// A new key is made in three steps, and dying between any two leaves one of two states:
///
/// 1. The secret is in the keyring. Dying here: nobody has heard of it, the old key signs, and the
///    next change of the key takes the same secret.
/// 2. One commit puts the entry into the log and the key into the catalog.
/// 3. The new key signs. Dying here: the next start finds the key in the catalog and its entry in
///    the log, and lets it sign.
struct AuditKeys: Sendable {
    /// The log's name is part of each checkpoint: verifiers know the log by it and by the key.
    static let origin = "streammachine.dev/audit"
    /// Names under which the same keys sign other things: to a verifier they are other keys.
    static let exportsName = "streammachine.dev/exports"
    static let receiptsName = "streammachine.dev/receipts"
    static let kind = "audit-key"

    let vault: Vault
    let store: Store
    let audit: AuditLog

    /// A key in the catalog, by its number; the first one needs none.
    struct Record: Codable, Sendable {
        var number: UInt32
        /// As verifiers read it. Public.
        var key: String
        /// Entries of the log when it was asked for.
        var sizeBefore: UInt64
        var overlapDays: Int
    }

    /// Opens the log with the keys that the catalog names.
    /// - Throws: `VaultError.keyring` if the keyring lacks one of them or has another one: it is
    ///   older than the log, or of another installation.
    static func openLog(
        vault: Vault, store: Store, acceptsOlderState: Bool
    ) throws -> AuditLog {
        let rotations = try store.documents(kind: kind).map { document in
            guard let record = try? JSONDecoder().decode(Record.self, from: Data(document.body))
            else { throw StoreError.corrupt("an audit key in the catalog cannot be read") }
            guard vault.auditSigningNumbers.contains(record.number) else {
                throw VaultError.keyring(
                    "it is older than the audit log: signing key \(record.number) is missing")
            }
            let signer = try signer(record.number, vault)
            guard signer.verifierKey == record.key else {
                throw VaultError.keyring(
                    "its signing key \(record.number) is not the one of the audit log")
            }
            return RecordedRotation(
                number: record.number, signer: signer, sizeBefore: record.sizeBefore,
                overlapDays: record.overlapDays)
        }
        return try AuditLog(
            store: store, signer: try signer(0, vault), rotations: rotations,
            acceptsOlderState: acceptsOlderState)
    }

    /// Makes a new key and lets it sign.
    ///
    /// - Parameter overlapDays: 0 to 365: so long the old one signs checkpoints too.
    /// - Throws: `StoreError.conflict` if another change is under way; `VaultError`.
    func rotate(
        by caller: Principal, overlapDays: Int, now: Milliseconds
    ) async throws -> SigningTerm {
        let number = audit.terms[audit.terms.count - 1].number + 1
        try await store.readers.run { [vault] in try vault.makeAuditSigning(number, now: now) }
        let signer = try Self.signer(number, vault)
        let record = Record(
            number: number, key: signer.verifierKey, sizeBefore: audit.size,
            overlapDays: overlapDays)
        return try await audit.rotate(
            to: signer, number: number, overlapDays: overlapDays,
            recording: .by(caller, .auditKeyRotated),
            with: [
                try Catalog.put(
                    record, kind: Self.kind, name: String(number), expectedRevision: nil)
            ])
    }

    /// The newest key of the keyring if the log does not name it: a change of the key broke off, or
    /// a restore gave it up. The key before it signs. nil: the newest one does.
    var unusedNumber: UInt32? {
        let newest = vault.auditSigningNumbers.last ?? 0
        return newest > audit.terms[audit.terms.count - 1].number ? newest : nil
    }

    /// All keys that ever signed, oldest first, under another name: to verify what one of them
    /// signed. The last one may be a key that no entry of the log names yet.
    static func keys(named name: String, _ vault: Vault) throws -> [VerifierKey] {
        try vault.auditSigningNumbers.map { try signer($0, vault).named(name).key }
    }

    private static func signer(_ number: UInt32, _ vault: Vault) throws -> CheckpointSigner {
        try CheckpointSigner(
            name: origin, privateKey: vault.secret(.auditSigning(number: number)))
    }
}
