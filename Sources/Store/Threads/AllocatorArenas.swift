import CPlatform
import Glibc

/// Bounds what the C library's allocator keeps for itself.
///
/// It makes up to eight arenas a processor, one for about each thread, and each keeps what was freed
/// in it: with pages of 8 MiB that pass from thread to thread, hundreds of MiB that nobody uses. As
/// many arenas as processors are enough for as many threads as can run at once.
package enum AllocatorArenas {
    /// Call it before there are threads. What the operator has set in `MALLOC_ARENA_MAX` stays.
    /// - Returns: false if the allocator refused.
    @discardableResult
    package static func bound() -> Bool {
        if getenv("MALLOC_ARENA_MAX") != nil { return true }
        let processors = sysconf(Int32(_SC_NPROCESSORS_ONLN))
        return cplatform_bound_arenas(Int32(max(2, min(64, processors))))
    }
}
