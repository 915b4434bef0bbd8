import Store
import Synchronization

/// What metrics and status say of backups.
struct BackupFigures: Sendable {
    var isSet = false
    var isRunning = false
    var count = 0
    var made: UInt64 = 0
    var failed: UInt64 = 0
    /// Of the newest that passed its last check: when the data were as they are in it.
    var newestAt: Milliseconds?
    var newestBytes: UInt64 = 0
    var stalledNanoseconds: UInt64 = 0
    var lastProblem: String?
}

extension Backups {
    /// Memory only; at most a minute old.
    var figures: BackupFigures {
        state.withLock { state in
            var figures = BackupFigures()
            figures.isSet = maker != nil
            figures.isRunning = state.running?.kind == .make
            figures.count = state.known.count
            figures.made = state.made
            figures.failed = state.failed
            figures.stalledNanoseconds = state.stalledNanoseconds
            figures.lastProblem = state.lastMade?.failure?.description
            let good = state.known.filter { state.checks[$0.name]?.failure == nil }
            if let newest = good.max(by: { $0.createdAt < $1.createdAt }) {
                figures.newestAt = newest.createdAt
                figures.newestBytes = newest.bytes
            }
            return figures
        }
    }

    /// A part of `GET /v1/status`.
    func status(now: Milliseconds) -> WireValue {
        let figures = figures
        return [
            "directoryIsSet": .bool(figures.isSet), "count": .integer(Int64(figures.count)),
            "isRunning": .bool(figures.isRunning),
            "lastVerifiedOf": .optional(figures.newestAt.map { WireTime.format($0) }),
            "ageSeconds": figures.newestAt.map { .integer(max(0, (now - $0) / 1_000)) } ?? .null,
            "lastProblem": .optional(figures.lastProblem),
        ]
    }
}
