import Audit
import Foundation
package import Store
import Vault

/// Handing out data keys themselves. It is off unless a data protection officer has allowed it for
/// the stream, because whoever holds a key can open what it sealed for ever: expiry and erasure
/// have no power over those copies.
extension Query {
    /// A data key that leaves.
    package struct ReleasedKey: Sendable {
        package let link: KeyLink
        /// A Tink keyset in its JSON form: one AES256-SIV key with output prefix TINK. Secret.
        package let keyset: String
        /// Of the stream.
        package let retention: RetentionClass
        /// When our own copy is destroyed.
        package let expiresAt: Milliseconds
    }

    /// The keys of sequences of a stream, in ascending order of their links; those that are gone
    /// are left out. One audit entry, durable before this returns.
    /// - Throws: `.badRequest` if the stream does not allow it; `.auditUnavailable` and nothing is
    ///   handed out.
    package func releaseKeys(
        _ reader: Reader, _ links: Set<KeyLink>, detail: [String: String]
    ) async throws(QueryError) -> [ReleasedKey] {
        guard case .stream(let stream) = reader.target, stream.allowsKeyExport == true else {
            throw .badRequest("a stream whose key export a data protection officer has allowed")
        }
        let (vault, now) = (vault, clock())
        let keys = try await onReaderThread { () throws(QueryError) -> [ReleasedKey] in
            var keys: [ReleasedKey] = []
            for link in links.sorted() {
                do throws(VaultError) {
                    guard let expiresAt = try vault.expiry(of: link) else { continue }
                    var keyset: String?
                    _ = try vault.withKey(link: link, now: now) { key in
                        let id = key.keyID
                        keyset = key.withBytes { TinkKeyset.json(keyBytes: $0, id: id) }
                        return true
                    }
                    guard let keyset else { continue }
                    keys.append(
                        ReleasedKey(
                            link: link, keyset: keyset, retention: stream.retention,
                            expiresAt: expiresAt))
                } catch {
                    switch error {
                    case .keyGone: continue
                    case .store(let error): throw .store(error)
                    case .sealedVault, .keyring, .masterKey, .masterKeyAbsent, .ledger,
                        .subjectFenced:
                        throw .unavailable(retryAfterSeconds: 1)
                    }
                }
            }
            return keys
        }
        guard !keys.isEmpty else { return [] }
        var entry = AuditEntry(act: .keysExported)
        entry.client = reader.client
        entry.role = reader.role
        entry.stream = stream.name
        entry.keyLinks = keys.count
        entry.disclosures = Disclosures(rows: keys.map { Disclosures.Row(link: $0.link) })
        entry.detail = detail
        entry.detail["voids"] = "expiry and erasure of these keys"
        do {
            try await audit.append(entry)
        } catch {
            if Task.isCancelled { throw .cancelled }
            throw .auditUnavailable(retryAfterSeconds: 1)
        }
        return keys
    }
}

/// The JSON form of a Tink keyset with one AES256-SIV key
/// (https://github.com/tink-crypto/tink-java/blob/main/proto/tink.proto and aes_siv.proto). The
/// value is the key's protocol buffer: field 2, its 64 bytes.
enum TinkKeyset {
    static func json(keyBytes: UnsafeRawBufferPointer, id: UInt32) -> String {
        var message = Data([0x12, UInt8(keyBytes.count)])
        message.append(contentsOf: keyBytes)
        defer { message.resetBytes(in: 0..<message.count) }
        let value = message.base64EncodedString()
        return "{\"primaryKeyId\":\(id),\"key\":[{\"keyData\":{\"typeUrl\":"
            + "\"type.googleapis.com/google.crypto.tink.AesSivKey\",\"value\":\"\(value)\","
            + "\"keyMaterialType\":\"SYMMETRIC\"},\"status\":\"ENABLED\",\"keyId\":\(id),"
            + "\"outputPrefixType\":\"TINK\"}]}"
    }
}
