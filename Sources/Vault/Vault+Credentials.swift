import CPlatform
package import Store

/// Credentials for other systems, sealed for the catalog.
///
///     byte 0       version, 1
///     bytes 1–12   nonce, random
///     n bytes      AES-256-GCM of the credential under the keyring's credentials key, with what it
///                  belongs to as associated data
///     16 bytes     its tag
///
/// A backup of the database without the keyring therefore holds no credential.
extension Vault {
    private static let credentialVersion: UInt8 = 1
    private static let nonceBytes = 12

    /// Seals a credential for what is named `owner`. Its key is made at the first call, which
    /// writes the keyring. Blocks.
    package func sealCredential(
        _ credential: [UInt8], owner: String, now: Milliseconds
    ) throws(VaultError) -> [UInt8] {
        let key = try credentialsKey(now: now)
        var sealed = [UInt8](
            repeating: 0, count: 1 + Self.nonceBytes + credential.count + Cryptography.tagBytes)
        sealed[0] = Self.credentialVersion
        sealed.withUnsafeMutableBytes { sealed in
            let nonce = UnsafeMutableRawBufferPointer(rebasing: sealed[1..<1 + Self.nonceBytes])
            Cryptography.fillRandomly(nonce)
            let output = UnsafeMutableRawBufferPointer(rebasing: sealed[(1 + Self.nonceBytes)...])
            credential.withUnsafeBytes { credential in
                Array(owner.utf8).withUnsafeBytes { owner in
                    key.memory.withBytes { key in
                        guard let key = key.baseAddress, let nonce = nonce.baseAddress,
                            let output = output.baseAddress
                        else { preconditionFailure("no memory to seal into") }
                        Cryptography.seal(
                            credential, key: key, nonce: nonce, authenticating: owner,
                            into: output)
                    }
                }
            }
        }
        return sealed
    }

    /// Makes a secret of 32 random bytes for what is named `owner` and gives it sealed only. Blocks.
    package func sealNewSecret(
        owner: String, now: Milliseconds
    ) throws(VaultError) -> [UInt8] {
        var secret = [UInt8](repeating: 0, count: Cryptography.keyBytes)
        secret.withUnsafeMutableBytes { Cryptography.fillRandomly($0) }
        defer {
            secret.withUnsafeMutableBytes { bytes in
                if let start = bytes.baseAddress { cplatform_zeroise(start, bytes.count) }
            }
        }
        return try sealCredential(secret, owner: owner, now: now)
    }

    /// Opens what `sealCredential` made for the same `owner`. The copy is the caller's to guard.
    /// Memory only.
    /// - Throws: `.keyring` if the key is another one, or the bytes were altered or are another
    ///   owner's.
    package func openCredential(
        _ sealed: [UInt8], owner: String
    ) throws(VaultError) -> [UInt8] {
        let count = sealed.count - 1 - Self.nonceBytes - Cryptography.tagBytes
        guard count >= 0, sealed[0] == Self.credentialVersion,
            let key = keyring.secret(.credentials)
        else { throw .keyring("it has no key for this credential") }
        var opened = [UInt8](repeating: 0, count: count)
        let isOpened = sealed.withUnsafeBytes { sealed in
            let nonce = UnsafeRawBufferPointer(rebasing: sealed[1..<1 + Self.nonceBytes])
            let text = UnsafeRawBufferPointer(rebasing: sealed[(1 + Self.nonceBytes)...])
            return opened.withUnsafeMutableBytes { opened in
                Array(owner.utf8).withUnsafeBytes { owner in
                    key.memory.withBytes { key in
                        // One byte of room for an empty credential, which has no address.
                        withUnsafeTemporaryAllocation(byteCount: 1, alignment: 1) { spare in
                            guard let key = key.baseAddress, let nonce = nonce.baseAddress,
                                let output = opened.baseAddress ?? spare.baseAddress
                            else { return false }
                            return Cryptography.open(
                                text, key: key, nonce: nonce, authenticating: owner,
                                into: output)
                        }
                    }
                }
            }
        }
        guard isOpened else { throw .keyring("it has no key for this credential") }
        return opened
    }

    private func credentialsKey(
        now: Milliseconds
    ) throws(VaultError) -> KeyringContents.Secret {
        if let key = keyring.secret(.credentials) { return key }
        try keyring.change(now: now) { contents throws(VaultError) in
            // Another thread may have made it meanwhile.
            if contents.secrets[.credentials] == nil {
                try contents.makeSecret(.credentials, now: now)
            }
        }
        guard let key = keyring.secret(.credentials) else { throw .sealedVault }
        return key
    }
}
