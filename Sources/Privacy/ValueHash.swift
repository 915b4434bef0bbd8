import COpenSSL

/// HMAC-SHA-256 (RFC 2104) of values under one key, keyed once. Confined to one thread; about
/// 0.5 µs for a short value.
///
/// With ``BlockCipher`` and ``SecretMemory`` the only user of OpenSSL in this module.
package final class ValueHash {
    package static let byteCount = 32

    /// Owned, freed in deinit, which also cleanses the key.
    private let context: OpaquePointer

    /// - Parameter key: at least one byte; the caller wipes its copy.
    package init(key: UnsafeRawBufferPointer) {
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

    /// Writes the 32 bytes of the HMAC.
    package func write(_ message: UnsafeRawBufferPointer, into output: UnsafeMutableRawPointer) {
        begin()
        update(message)
        finish(into: output)
    }

    /// Begins a new message under the same key.
    package func begin() {
        precondition(EVP_MAC_init(context, nil, 0, nil) == 1, "OpenSSL refused an HMAC")
    }

    package func update(_ bytes: UnsafeRawBufferPointer) {
        guard let start = bytes.baseAddress else { return }
        let isTaken = EVP_MAC_update(
            context, start.assumingMemoryBound(to: UInt8.self), bytes.count)
        precondition(isTaken == 1, "OpenSSL refused an HMAC")
    }

    package func finish(into output: UnsafeMutableRawPointer) {
        var count = 0
        let isDone = EVP_MAC_final(
            context, output.assumingMemoryBound(to: UInt8.self), &count, Self.byteCount)
        precondition(isDone == 1 && count == Self.byteCount, "OpenSSL did not compute an HMAC")
    }
}
