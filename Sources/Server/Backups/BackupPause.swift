import Store

/// How long the schedule leaves backups alone after some that failed: a minute after the first, then
/// twice as long each time, an hour at most.
struct BackupPause: Sendable {
    static let millisecondsMin: Milliseconds = 60_000
    static let millisecondsMax: Milliseconds = 3_600_000

    /// One after the other.
    private var failures = 0
    private var failedAt: Milliseconds = 0

    init() {}

    mutating func fails(at now: Milliseconds) {
        failures += 1
        failedAt = now
    }

    mutating func succeeds() { failures = 0 }

    func isOver(at now: Milliseconds) -> Bool {
        guard failures > 0 else { return true }
        // Six times twice as long is more than an hour.
        let pause = min(Self.millisecondsMin << min(failures - 1, 6), Self.millisecondsMax)
        // A clock that was ahead at the failure says nothing about how long ago that was.
        return now < failedAt || now - failedAt >= pause
    }
}
