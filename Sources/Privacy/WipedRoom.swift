/// Memory for plaintext, zeroised at the end of its life.
package struct WipedRoom: ~Copyable {
    /// Valid until deinit.
    package let bytes: UnsafeMutableRawBufferPointer

    package init(byteCount: Int) {
        bytes = .allocate(byteCount: max(1, byteCount), alignment: 16)
    }

    deinit {
        if let start = bytes.baseAddress {
            SecretMemory.zeroise(start, byteCount: bytes.count)
        }
        bytes.deallocate()
    }
}
