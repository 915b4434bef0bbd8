import CPlatform

#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// Keeps keys out of core files and of other processes. To be called first thing in `main`, before
/// any key is read.
///
/// Core files off, not dumpable (so no ptrace and no `/proc/PID/mem` for the same user), SIGXFSZ
/// and SIGPIPE ignored (a Swift process dies of them otherwise: they become EFBIG and EPIPE), and
/// the limit of locked memory raised as far as it goes. Set `SWIFT_BACKTRACE=enable=no` outside:
/// register dumps can hold key bytes.
package enum ProcessHardening {
    package static var identifier: Int32 { getpid() }

    /// Whether others of the same user may trace the process, and a crash may dump its memory; true
    /// if the kernel does not say.
    package static var isDumpable: Bool { cplatform_is_dumpable() != 0 }

    /// What the system did not allow; empty if all is in place.
    @discardableResult
    package static func apply() -> [String] {
        let failed = cplatform_harden_process()
        var complaints: [String] = []
        if failed & Int32(CPLATFORM_CORE_LIMIT_FAILED) != 0 {
            complaints.append("core files could not be switched off")
        }
        if failed & Int32(CPLATFORM_DUMPABLE_FAILED) != 0 || cplatform_is_dumpable() != 0 {
            complaints.append("the process can still be dumped")
        }
        if failed & Int32(CPLATFORM_SIGNALS_FAILED) != 0 {
            complaints.append("SIGXFSZ or SIGPIPE could not be ignored")
        }
        _ = cplatform_raise_memlock()
        return complaints
    }
}
