import COpenSSL

/// The vault's calls into OpenSSL, all of them. A failure of OpenSSL itself (no memory, no entropy)
/// stops the process: every way to go on would end in weak keys or clear text.
enum Cryptography {
    static let nonceBytes = 12
    static let tagBytes = 16
    static let keyBytes = 32

    /// Looked up once and never freed: a look-up by name at each use would cost more than the work.
    private static let cipher: Algorithm = {
        guard let cipher = EVP_CIPHER_fetch(nil, "AES-256-GCM", nil) else {
            preconditionFailure("this OpenSSL has no AES-256-GCM")
        }
        return Algorithm(pointer: cipher)
    }()

    /// Unchecked: OpenSSL's algorithm objects are immutable and counted by its own atomics.
    private struct Algorithm: @unchecked Sendable {
        let pointer: OpaquePointer
    }

    /// Fills the buffer from the generator for private values.
    static func fillRandomly(_ buffer: UnsafeMutableRawBufferPointer) {
        guard let start = buffer.baseAddress, buffer.count > 0 else { return }
        let isFilled = RAND_priv_bytes(
            start.assumingMemoryBound(to: UInt8.self), Int32(buffer.count))
        precondition(isFilled == 1, "OpenSSL has no random numbers")
    }

    static func fillRandomly(_ memory: LockedMemory) {
        memory.withMutableBytes { fillRandomly($0) }
    }

    /// AES-256-GCM. Writes as many bytes as the plaintext has, then the tag of 16.
    static func seal(
        _ plaintext: UnsafeRawBufferPointer, key: UnsafeRawPointer, nonce: UnsafeRawPointer,
        authenticating header: UnsafeRawBufferPointer, into output: UnsafeMutableRawPointer
    ) {
        let context = newContext()
        defer { EVP_CIPHER_CTX_free(context) }
        var written: Int32 = 0
        var isSealed =
            EVP_EncryptInit_ex(context, cipher.pointer, nil, octets(key), octets(nonce)) == 1
            && EVP_EncryptUpdate(
                context, nil, &written, octets(header.baseAddress), Int32(header.count)) == 1
            && EVP_EncryptUpdate(
                context, octets(output), &written, octets(plaintext.baseAddress),
                Int32(plaintext.count)) == 1
            && written == plaintext.count
        let end = output + plaintext.count
        isSealed =
            isSealed && EVP_EncryptFinal_ex(context, octets(end), &written) == 1
            && EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_AEAD_GET_TAG, Int32(tagBytes), end) == 1
        precondition(isSealed, "OpenSSL did not encrypt")
    }

    /// AES-256-GCM. False if the ciphertext, the header or the key is not the right one; the output
    /// is then zeroes. `sealed` ends with the tag.
    static func open(
        _ sealed: UnsafeRawBufferPointer, key: UnsafeRawPointer, nonce: UnsafeRawPointer,
        authenticating header: UnsafeRawBufferPointer, into output: UnsafeMutableRawPointer
    ) -> Bool {
        let count = sealed.count - tagBytes
        guard count >= 0, let start = sealed.baseAddress else { return false }
        let context = newContext()
        defer { EVP_CIPHER_CTX_free(context) }
        var written: Int32 = 0
        let isOpened =
            EVP_DecryptInit_ex(context, cipher.pointer, nil, octets(key), octets(nonce)) == 1
            && EVP_DecryptUpdate(
                context, nil, &written, octets(header.baseAddress), Int32(header.count)) == 1
            && EVP_DecryptUpdate(
                context, octets(output), &written, octets(start), Int32(count)) == 1
            && written == count
            && EVP_CIPHER_CTX_ctrl(
                context, EVP_CTRL_AEAD_SET_TAG, Int32(tagBytes),
                UnsafeMutableRawPointer(mutating: start + count)) == 1
            && EVP_DecryptFinal_ex(context, octets(output + count), &written) == 1
        if !isOpened { OPENSSL_cleanse(output, count) }
        return isOpened
    }

    /// Compares without telling by its time where the difference is.
    static func areEqual(_ first: [UInt8], _ second: [UInt8]) -> Bool {
        first.count == second.count && CRYPTO_memcmp(first, second, first.count) == 0
    }

    private static func newContext() -> OpaquePointer {
        guard let context = EVP_CIPHER_CTX_new() else {
            preconditionFailure("no memory for a cipher context")
        }
        return context
    }

    private static func octets(_ pointer: UnsafeRawPointer?) -> UnsafePointer<UInt8>? {
        pointer?.assumingMemoryBound(to: UInt8.self)
    }

    private static func octets(_ pointer: UnsafeMutableRawPointer) -> UnsafeMutablePointer<UInt8> {
        pointer.assumingMemoryBound(to: UInt8.self)
    }
}

/// HMAC-SHA-256 under one key, keyed once. Confined to whoever holds the lock around it.
final class KeyedHash {
    /// Owned, freed in deinit, which also cleanses the key.
    private let context: OpaquePointer

    /// `key` has at least one byte.
    init(key: UnsafeRawBufferPointer) {
        guard let algorithm = EVP_MAC_fetch(nil, "HMAC", nil) else {
            preconditionFailure("this OpenSSL has no HMAC")
        }
        // The context holds a reference of its own.
        defer { EVP_MAC_free(algorithm) }
        guard let context = EVP_MAC_CTX_new(algorithm) else {
            preconditionFailure("no memory for an HMAC context")
        }
        let isKeyed = copenssl_hmac_sha256_init(
            context, key.baseAddress?.assumingMemoryBound(to: UInt8.self), key.count)
        precondition(isKeyed == 1, "OpenSSL refused an HMAC key")
        self.context = context
    }

    deinit {
        EVP_MAC_CTX_free(context)
    }

    /// About 160 ns for a short message.
    func hash(_ message: UnsafeRawBufferPointer) -> Hash256 {
        var result = Hash256()
        let isDone = withUnsafeMutableBytes(of: &result) { result in
            var count = 0
            // Without a key: starts a new message under the same one.
            return EVP_MAC_init(context, nil, 0, nil) == 1
                && EVP_MAC_update(
                    context, message.baseAddress?.assumingMemoryBound(to: UInt8.self),
                    message.count) == 1
                && EVP_MAC_final(
                    context, result.baseAddress?.assumingMemoryBound(to: UInt8.self), &count,
                    result.count) == 1
                && count == result.count
        }
        precondition(isDone, "OpenSSL did not compute an HMAC")
        return result
    }

    static func hash(_ message: [UInt8], key: UnsafeRawBufferPointer) -> Hash256 {
        let hash = KeyedHash(key: key)
        return message.withUnsafeBytes { hash.hash($0) }
    }
}
