import CPlatform
import Glibc
package import Store

/// The two clocks that the vault compares. Its work itself takes the time as an argument.
package struct VaultClock: Sendable {
    /// UTC, ms since 1970: a time server or an operator may move it.
    package let wall: @Sendable () -> Milliseconds
    /// Milliseconds since some fixed moment: runs on at its own pace, also while suspended.
    package let monotonic: @Sendable () -> Milliseconds
    /// Names the moment that `monotonic` counts from, so that another process can go on with it: a
    /// boot of the machine. 0: it is no other process's.
    package let boot: UInt64
    /// Whether a time source keeps the wall clock.
    package let isSynchronised: @Sendable () -> Bool

    package init(
        wall: @escaping @Sendable () -> Milliseconds,
        monotonic: @escaping @Sendable () -> Milliseconds, boot: UInt64 = 0,
        isSynchronised: @escaping @Sendable () -> Bool = { true }
    ) {
        self.wall = wall
        self.monotonic = monotonic
        self.boot = boot
        self.isSynchronised = isSynchronised
    }

    package static let system = ofKernel { read(CLOCK_REALTIME) }

    /// The kernel's, but for the wall clock.
    package static func ofKernel(
        wall: @escaping @Sendable () -> Milliseconds
    ) -> VaultClock {
        VaultClock(
            wall: wall, monotonic: { read(CLOCK_BOOTTIME) }, boot: kernelBoot,
            isSynchronised: { cplatform_is_clock_synchronised() })
    }

    private static func read(_ clock: clockid_t) -> Milliseconds {
        var time = timespec()
        clock_gettime(clock, &time)
        return Milliseconds(time.tv_sec) * 1_000 + Milliseconds(time.tv_nsec) / 1_000_000
    }

    /// The first 64 bits of the random name that the kernel gives to each boot; 0 if it cannot be
    /// read.
    private static let kernelBoot: UInt64 = {
        let file = open("/proc/sys/kernel/random/boot_id", O_RDONLY | O_CLOEXEC)
        guard file >= 0 else { return 0 }
        defer { close(file) }
        var text = [UInt8](repeating: 0, count: 36)
        let count = text.withUnsafeMutableBytes { Glibc.read(file, $0.baseAddress, $0.count) }
        guard count == text.count else { return 0 }
        let digits = text.filter { $0 != UInt8(ascii: "-") }.prefix(16)
        return UInt64(String(decoding: digits, as: UTF8.self), radix: 16) ?? 0
    }()
}
