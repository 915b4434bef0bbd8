import COpenSSL

/// AES in ECB mode over whole 16-byte blocks: one OpenSSL context that is re-keyed in place.
///
/// With ``SecretMemory`` and ``ValueHash`` the only OpenSSL user of this module. Confined to one
/// thread.
struct BlockCipher: ~Copyable {
    /// AES-256 seals events; AES-128 exists because the vectors of RFC 5297 use it.
    enum KeySize {
        case aes256, aes128
    }

    /// Owned: freed in deinit, which also cleanses the key schedule.
    private let context: OpaquePointer

    init(_ size: KeySize = .aes256) {
        guard let context = EVP_CIPHER_CTX_new() else {
            preconditionFailure("no memory for a cipher context")
        }
        let algorithm = size == .aes256 ? EVP_aes_256_ecb() : EVP_aes_128_ecb()
        precondition(
            EVP_EncryptInit_ex(context, algorithm, nil, nil, nil) == 1,
            "this OpenSSL has no AES in ECB mode")
        // Padding stays on: only the final call, which is never made, would add it, and OpenSSL
        // pays 60 ns at each new key for remembering that it is off.
        self.context = context
    }

    deinit {
        EVP_CIPHER_CTX_free(context)
    }

    /// Schedules a key of the context's size. About 70 ns.
    @inline(__always)
    func setKey(_ bytes: UnsafeRawPointer) {
        let isKeyed = EVP_EncryptInit_ex(
            context, nil, nil, bytes.assumingMemoryBound(to: UInt8.self), nil)
        // Going on would seal under the key before this one.
        precondition(isKeyed == 1, "OpenSSL refused a key")
    }

    /// Encrypts `byteCount` bytes, a multiple of 16. Input and output may be the same place.
    @inline(__always)
    func encrypt(_ input: UnsafeRawPointer, into output: UnsafeMutableRawPointer, byteCount: Int) {
        var written: Int32 = 0
        let isDone = EVP_EncryptUpdate(
            context, output.assumingMemoryBound(to: UInt8.self), &written,
            input.assumingMemoryBound(to: UInt8.self), Int32(truncatingIfNeeded: byteCount))
        // Going on would hand out what was in the buffer as if it were ciphertext.
        precondition(isDone == 1 && written == byteCount, "OpenSSL did not encrypt")
    }
}

/// Operations on memory that held secrets, which the compiler may not drop or shorten.
enum SecretMemory {
    @inline(__always)
    static func zeroise(_ start: UnsafeMutableRawPointer, byteCount: Int) {
        OPENSSL_cleanse(start, byteCount)
    }

    /// Takes the same time wherever the difference is.
    @inline(__always)
    static func areEqual(
        _ first: UnsafeRawPointer, _ second: UnsafeRawPointer, byteCount: Int
    ) -> Bool {
        CRYPTO_memcmp(first, second, byteCount) == 0
    }
}
