import Audit
import Foundation
import Glibc
package import Store
import Vault

/// Handing out data keys themselves. It is off unless a data protection officer has allowed it for
/// the stream, because whoever holds a key can open what it sealed for ever: expiry and erasure
/// have no power over those copies.
extension Query {
    /// A data key that leaves.
    package struct ReleasedKey: Sendable {
        package let link: KeyLink
        /// A Tink keyset in its JSON form, in UTF-8: one AES256-SIV key with output prefix TINK.
        /// Secret.
        package private(set) var keyset: [UInt8]
        /// Of the stream.
        package let retention: RetentionClass
        /// When our own copy is destroyed.
        package let expiresAt: Milliseconds

        mutating func wipe() { explicit_bzero(&keyset, keyset.count) }
    }

    /// The keys of sequences of a stream, in ascending order of their links; those that are gone
    /// are left out. One audit entry, durable before this returns; one more each time that somebody
    /// was erased between the entry and the hand-out, after which the keys are read anew.
    /// - Throws: `.badRequest` if the stream does not allow it; `.auditUnavailable` and nothing is
    ///   handed out; `.unavailable` if the keys cannot be had, or people are erased all the time.
    package func releaseKeys(
        _ reader: Reader, _ links: Set<KeyLink>, detail: [String: String]
    ) async throws(QueryError) -> [ReleasedKey] {
        guard case .stream(let stream) = reader.target, stream.allowsKeyExport == true else {
            throw .badRequest("a stream whose key export a data protection officer has allowed")
        }
        for _ in 0..<Self.attemptsMax {
            var keys = try await readKeys(links, of: stream)
            guard !keys.isEmpty else { return [] }
            let entry = entry(for: keys, of: stream, to: reader, detail)
            do {
                try await audit.append(entry)
            } catch {
                Self.wipe(&keys)
                if Task.isCancelled { throw .cancelled }
                throw .auditUnavailable(retryAfterSeconds: 1)
            }
            guard mustBeReadAnew(entry.disclosures) else { return keys }
            // The entry stays, and says more than what left.
            Self.wipe(&keys)
        }
        throw .unavailable(retryAfterSeconds: 1)
    }

    private func readKeys(
        _ links: Set<KeyLink>, of stream: StreamDefinition
    ) async throws(QueryError) -> [ReleasedKey] {
        let (vault, now) = (vault, clock())
        return try await onReaderThread { () throws(QueryError) -> [ReleasedKey] in
            var keys: [ReleasedKey] = []
            for link in links.sorted() {
                do throws(VaultError) {
                    guard let expiresAt = try vault.expiry(of: link) else { continue }
                    var keyset: [UInt8]?
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
    }

    private func entry(
        for keys: [ReleasedKey], of stream: StreamDefinition, to reader: Reader,
        _ detail: [String: String]
    ) -> AuditEntry {
        var entry = AuditEntry(act: .keysExported)
        entry.client = reader.client
        entry.role = reader.role
        entry.stream = stream.name
        entry.keyLinks = keys.count
        entry.disclosures = Disclosures(rows: keys.map { Disclosures.Row(link: $0.link) })
        entry.detail = detail
        entry.detail["voids"] = "expiry and erasure of these keys"
        return entry
    }

    private static func wipe(_ keys: inout [ReleasedKey]) {
        for index in keys.indices { keys[index].wipe() }
    }
}

/// The JSON form of a Tink keyset with one AES256-SIV key
/// (https://github.com/tink-crypto/tink-java/blob/main/proto/tink.proto and aes_siv.proto). The
/// value is the key's protocol buffer: field 2, its 64 bytes.
enum TinkKeyset {
    static func json(keyBytes: UnsafeRawBufferPointer, id: UInt32) -> [UInt8] {
        var message = Data([0x12, UInt8(keyBytes.count)])
        message.append(contentsOf: keyBytes)
        defer { message.resetBytes(in: 0..<message.count) }
        var value = message.base64EncodedData()
        defer { value.resetBytes(in: 0..<value.count) }
        let before =
            "{\"primaryKeyId\":\(id),\"key\":[{\"keyData\":{\"typeUrl\":"
            + "\"type.googleapis.com/google.crypto.tink.AesSivKey\",\"value\":\""
        let behind =
            "\",\"keyMaterialType\":\"SYMMETRIC\"},\"status\":\"ENABLED\",\"keyId\":\(id),"
            + "\"outputPrefixType\":\"TINK\"}]}"
        var text: [UInt8] = []
        // All at once: what grows leaves its bytes behind.
        text.reserveCapacity(before.utf8.count + value.count + behind.utf8.count)
        text += before.utf8
        text += value
        text += behind.utf8
        return text
    }
}
