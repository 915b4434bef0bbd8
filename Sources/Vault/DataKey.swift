import CPlatform
package import Store

/// The AES-256-SIV key of one sequence, lent for the length of a closure.
///
/// One copy, in memory of the lender, overwritten when the loan ends. It cannot be copied, printed
/// or encoded.
package struct DataKey: ~Copyable {
    package static let byteCount = 64

    package let keyLink: KeyLink
    /// The first four bytes of the key link, big-endian: the key id in Tink's layout. Never 0.
    package var keyID: UInt32 { Self.keyID(of: keyLink) }

    /// Valid until deinit: only the lender makes data keys, around memory that outlives them.
    private let bytes: UnsafeMutableRawPointer

    /// Takes the 64 bytes at `bytes`, which it overwrites at the end of its life.
    init(keyLink: KeyLink, bytes: UnsafeMutableRawPointer) {
        self.keyLink = keyLink
        self.bytes = bytes
    }

    deinit {
        cplatform_zeroise(bytes, Self.byteCount)
    }

    /// The 64 bytes: S2V key, then CTR key. The pointer dies with the closure.
    package func withBytes<R, E: Error>(
        _ body: (UnsafeRawBufferPointer) throws(E) -> R
    ) throws(E) -> R {
        try body(UnsafeRawBufferPointer(start: bytes, count: Self.byteCount))
    }

    static func keyID(of link: KeyLink) -> UInt32 {
        UInt32(truncatingIfNeeded: link.high >> 32)
    }
}
