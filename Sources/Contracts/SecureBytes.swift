import CSimdJSON

/// Overwriting memory that held plain text of events.
enum SecureBytes {
    /// Zeros the bytes; the C library's call is not optimised away.
    static func wipe(_ bytes: UnsafeMutableRawBufferPointer) {
        guard let base = bytes.baseAddress else { return }
        strm_wipe(base, bytes.count)
    }
}
