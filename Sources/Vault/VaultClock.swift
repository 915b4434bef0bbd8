import Glibc
package import Store

/// The two clocks that the vault compares. Its work itself takes the time as an argument.
package struct VaultClock: Sendable {
    /// UTC, ms since 1970: a time server or an operator may move it.
    package let wall: @Sendable () -> Milliseconds
    /// Milliseconds since some fixed moment: runs on at its own pace, also while suspended.
    package let monotonic: @Sendable () -> Milliseconds

    package init(
        wall: @escaping @Sendable () -> Milliseconds,
        monotonic: @escaping @Sendable () -> Milliseconds
    ) {
        self.wall = wall
        self.monotonic = monotonic
    }

    package static let system = VaultClock(
        wall: { read(CLOCK_REALTIME) }, monotonic: { read(CLOCK_BOOTTIME) })

    private static func read(_ clock: clockid_t) -> Milliseconds {
        var time = timespec()
        clock_gettime(clock, &time)
        return Milliseconds(time.tv_sec) * 1_000 + Milliseconds(time.tv_nsec) / 1_000_000
    }
}
