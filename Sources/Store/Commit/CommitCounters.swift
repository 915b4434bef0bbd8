import Glibc
import Synchronization

/// What commits have done, for the statistics. One lock a commit.
final class CommitCounters: Sendable {
    private let state = Mutex((statistics: StoreStatistics(), writes: UInt64(0)))

    /// Numbers the write that follows.
    func nextFacts(events: Int, mutations: Int, isSynced: Bool) -> CommitFacts {
        state.withLock {
            $0.writes += 1
            return CommitFacts(
                commit: $0.writes, events: events, mutations: mutations, isSynced: isSynced)
        }
    }

    func didWrite(nanoseconds: UInt64) {
        state.withLock { $0.statistics.writeTime.record(nanoseconds: nanoseconds) }
    }

    func didCommit(events: Int, bytes: Int, mutations: Int, keysMade: Int) {
        state.withLock {
            $0.statistics.commits += 1
            $0.statistics.events += UInt64(events)
            $0.statistics.eventBytes += UInt64(bytes)
            $0.statistics.mutations += UInt64(mutations)
            $0.statistics.keysMade += UInt64(keysMade)
            $0.statistics.batchEvents.record(events)
        }
    }

    func didAcknowledge(nanoseconds: UInt64) {
        state.withLock { $0.statistics.commitTime.record(nanoseconds: nanoseconds) }
    }

    /// The first reason stays.
    func didPoison(_ reason: String) {
        state.withLock {
            $0.statistics.isPoisoned = true
            if $0.statistics.poisonReason == nil { $0.statistics.poisonReason = reason }
        }
    }

    func didMeasure(freeBytes: UInt64?, diskBytes: UInt64?) {
        state.withLock {
            if let freeBytes { $0.statistics.freeBytes = freeBytes }
            if let diskBytes { $0.statistics.diskBytes = diskBytes }
        }
    }

    func didFailWatermark() { state.withLock { $0.statistics.watermarkFailures += 1 } }

    var snapshot: StoreStatistics { state.withLock { $0.statistics } }
}

/// Time for measuring durations; never stored.
enum MonotonicClock {
    static func nanoseconds() -> UInt64 {
        var now = timespec()
        clock_gettime(CLOCK_MONOTONIC, &now)
        return UInt64(now.tv_sec) * 1_000_000_000 + UInt64(now.tv_nsec)
    }
}
