package import Store

#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// The one place of this module where the time is read.
package enum SystemClock {
    /// UTC.
    package static let milliseconds: @Sendable () -> Milliseconds = {
        var time = timespec()
        clock_gettime(CLOCK_REALTIME, &time)
        return Milliseconds(time.tv_sec) * 1_000 + Milliseconds(time.tv_nsec) / 1_000_000
    }
}
