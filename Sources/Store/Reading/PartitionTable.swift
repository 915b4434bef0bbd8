import Synchronization

/// What readers know: each partition's tail, the days that it has, and who waits for more. Holds
/// only what is durable. In memory; a call takes a lock for a moment.
final class PartitionTable: Sendable {
    struct Day: Sendable, Equatable {
        let day: UTCDay
        let firstOffset: UInt64
    }

    /// Offsets that were lost and accepted as lost: `start..<end` is not there.
    struct Gap: Sendable, Equatable {
        let start: UInt64
        let end: UInt64
    }

    struct Partition: Sendable {
        let retention: RetentionClass
        var tail: UInt64
        /// Ascending; first offsets too.
        var days: [Day]
        var gaps: [Gap]
    }

    struct DayKey: Hashable, Sendable {
        let retention: RetentionClass
        let day: UTCDay
    }

    /// What a commit changed in one partition.
    struct Change: Sendable {
        let partition: PartitionID
        let retention: RetentionClass
        let tail: UInt64
        let newDays: [Day]
    }

    private struct Watcher {
        let number: UInt64
        let beyond: UInt64
        let wake: @Sendable () -> Void
    }

    private struct State {
        var partitions: [PartitionID: Partition] = [:]
        var families: [DayKey: DayFamily] = [:]
        var watchers: [PartitionID: [Watcher]] = [:]
        var nextNumber: UInt64 = 1
        var hasEnded = false
    }

    private let state = Mutex(State())

    init(partitions: [PartitionID: Partition], families: [DayFamily]) {
        state.withLock {
            $0.partitions = partitions
            for family in families {
                $0.families[DayKey(retention: family.retention, day: family.day)] = family
            }
        }
    }

    func tail(_ partition: PartitionID) -> UInt64 {
        state.withLock { $0.partitions[partition]?.tail ?? 0 }
    }

    func partition(_ partition: PartitionID) -> Partition? {
        state.withLock { $0.partitions[partition] }
    }

    func heads() -> [PartitionID: UInt64] {
        state.withLock { $0.partitions.mapValues(\.tail) }
    }

    var counts: (partitions: Int, families: Int) {
        state.withLock { ($0.partitions.count, $0.families.count) }
    }

    var allFamilies: [DayFamily] { state.withLock { Array($0.families.values) } }

    /// A consistent picture for one read; nil if the partition is unknown.
    func plan(_ partition: PartitionID) -> ReadPlan? {
        state.withLock { state in
            guard let found = state.partitions[partition] else { return nil }
            let days = found.days.compactMap { day in
                state.families[DayKey(retention: found.retention, day: day.day)].map {
                    ReadPlan.Day(family: $0, firstOffset: day.firstOffset)
                }
            }
            return ReadPlan(
                partition: partition, tail: found.tail, days: days, gaps: found.gaps)
        }
    }

    /// Called once, when the tail is beyond `offset`: at once, before this returns, if it is so
    /// already, or if the store has ended.
    func watch(
        _ partition: PartitionID, beyond offset: UInt64, _ wake: @escaping @Sendable () -> Void
    ) -> WatchTicket {
        let (number, isDue) = state.withLock { state -> (UInt64, Bool) in
            let number = state.nextNumber
            state.nextNumber += 1
            if state.hasEnded || state.partitions[partition]?.tail ?? 0 > offset {
                return (number, true)
            }
            state.watchers[partition, default: []].append(
                Watcher(number: number, beyond: offset, wake: wake))
            return (number, false)
        }
        if isDue { wake() }
        return WatchTicket(partition: partition, number: number)
    }

    func unwatch(_ ticket: WatchTicket) {
        state.withLock { state in
            state.watchers[ticket.partition]?.removeAll { $0.number == ticket.number }
            if state.watchers[ticket.partition]?.isEmpty == true {
                state.watchers[ticket.partition] = nil
            }
        }
    }

    /// After the sync: shows what was committed, then wakes those who wait for it.
    func advance(_ changes: [Change], families: [DayFamily]) {
        let due = state.withLock { state -> [Watcher] in
            for family in families {
                state.families[DayKey(retention: family.retention, day: family.day)] = family
            }
            var due: [Watcher] = []
            for change in changes {
                var partition =
                    state.partitions[change.partition]
                    ?? Partition(retention: change.retention, tail: 0, days: [], gaps: [])
                partition.tail = change.tail
                partition.days += change.newDays
                state.partitions[change.partition] = partition
                guard let watchers = state.watchers[change.partition] else { continue }
                let waiting = watchers.filter { $0.beyond >= change.tail }
                if waiting.count < watchers.count {
                    due += watchers.filter { $0.beyond < change.tail }
                    state.watchers[change.partition] = waiting.isEmpty ? nil : waiting
                }
            }
            return due
        }
        for watcher in due { watcher.wake() }
    }

    /// Hides dropped days from new reads. Reads that have begun keep their families alive.
    func removeDays(_ dropped: [DayKey]) {
        let gone = Set(dropped)
        let released = state.withLock { state -> [DayFamily] in
            let released = dropped.compactMap { state.families.removeValue(forKey: $0) }
            for (id, partition) in state.partitions {
                let kept = partition.days.filter {
                    !gone.contains(DayKey(retention: partition.retention, day: $0.day))
                }
                if kept.count < partition.days.count { state.partitions[id]?.days = kept }
            }
            return released
        }
        // Released here, without the lock: the last release of a family deletes its files.
        _ = released
    }

    /// Forgets a partition; its watchers are woken, so that they find out.
    func remove(_ partition: PartitionID) {
        let due = state.withLock { state -> [Watcher] in
            state.partitions[partition] = nil
            return state.watchers.removeValue(forKey: partition) ?? []
        }
        for watcher in due { watcher.wake() }
    }

    /// Wakes everybody for good: nothing more will come.
    func end() {
        let due = state.withLock { state -> [Watcher] in
            state.hasEnded = true
            defer { state.watchers = [:] }
            return state.watchers.values.flatMap { $0 }
        }
        for watcher in due { watcher.wake() }
    }

    /// Lets go of the families, so that the database can be closed.
    func releaseFamilies() {
        let released = state.withLock { state -> [DayFamily] in
            defer { state.families = [:] }
            return Array(state.families.values)
        }
        _ = released
    }

    var watcherCount: Int { state.withLock { $0.watchers.values.reduce(0) { $0 + $1.count } } }
}
