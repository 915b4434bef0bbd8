import CPlatform

/// Zeroed memory for secrets: out of core files and of children, out of swap as far as
/// RLIMIT_MEMLOCK allows, overwritten when it is dropped. Whole pages, so not for many small
/// things.
final class LockedMemory: @unchecked Sendable {
    // Unchecked: the memory lives exactly as long as the object. Users either fill it before they
    // share the object and only read it afterwards, or guard its parts with locks of their own.

    private let start: UnsafeMutableRawPointer
    let byteCount: Int
    /// How many bytes from the front cannot be swapped out.
    let lockedByteCount: Int

    /// - Parameter leaving: bytes of the limit of lockable memory that are left to others, a
    ///   multiple of the page size.
    init(byteCount: Int, leaving spareBytes: Int = 0) throws(VaultError) {
        var locked = 0
        guard byteCount > 0,
            let start = spareBytes > 0
                ? cplatform_secret_map_leaving(byteCount, spareBytes, &locked)
                : cplatform_secret_map(byteCount, &locked)
        else {
            throw .keyring("no memory for keys")
        }
        self.start = start
        self.byteCount = byteCount
        lockedByteCount = locked
    }

    convenience init(copying bytes: UnsafeRawBufferPointer) throws(VaultError) {
        try self.init(byteCount: bytes.count)
        withMutableBytes { $0.copyMemory(from: bytes) }
    }

    deinit {
        cplatform_secret_unmap(start, byteCount)
    }

    /// The object, and so the memory, lives at least until the closure has returned: a plain
    /// pointer could outlive the last use of the object.
    func withBytes<R, E: Error>(
        _ body: (UnsafeRawBufferPointer) throws(E) -> R
    ) throws(E) -> R {
        defer { withExtendedLifetime(self) {} }
        return try body(UnsafeRawBufferPointer(start: start, count: byteCount))
    }

    func withMutableBytes<R, E: Error>(
        _ body: (UnsafeMutableRawBufferPointer) throws(E) -> R
    ) throws(E) -> R {
        defer { withExtendedLifetime(self) {} }
        return try body(UnsafeMutableRawBufferPointer(start: start, count: byteCount))
    }

    /// For a holder that keeps the object as long as the pointer.
    var unscopedStart: UnsafeMutableRawPointer { start }
}
