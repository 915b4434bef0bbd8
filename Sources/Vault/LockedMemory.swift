import CPlatform

/// Zeroed memory for secrets: out of core files and of children, out of swap as far as
/// RLIMIT_MEMLOCK allows, overwritten when it is dropped. Whole pages, so not for many small things.
final class LockedMemory: @unchecked Sendable {
    // Unchecked: the memory lives exactly as long as the object. Users either fill it before they
    // share the object and only read it afterwards, or guard its parts with locks of their own.

    let start: UnsafeMutableRawPointer
    let byteCount: Int
    /// How many bytes from the front cannot be swapped out.
    let lockedByteCount: Int

    init(byteCount: Int) throws(VaultError) {
        var locked = 0
        guard byteCount > 0, let start = cplatform_secret_map(byteCount, &locked) else {
            throw .keyring("no memory for keys")
        }
        self.start = start
        self.byteCount = byteCount
        lockedByteCount = locked
    }

    deinit {
        cplatform_secret_unmap(start, byteCount)
    }

    var bytes: UnsafeRawBufferPointer {
        UnsafeRawBufferPointer(start: start, count: byteCount)
    }

    var mutableBytes: UnsafeMutableRawBufferPointer {
        UnsafeMutableRawBufferPointer(start: start, count: byteCount)
    }
}
