/// A day of events on the disk.
package struct KeptDay: Sendable, Equatable {
    package let retention: RetentionClass
    package let day: UTCDay

    /// When its last event has expired: it is dropped in the first round of housekeeping from then
    /// on.
    package var droppedFrom: Milliseconds { day.end + retention.milliseconds }
}

extension Store {
    /// Every day that has events on the disk, oldest first. Memory only.
    package var keptDays: [KeptDay] {
        shared.table.allFamilies.map { KeptDay(retention: $0.retention, day: $0.day) }
            .sorted { ($0.day, $0.retention) < ($1.day, $1.retention) }
    }
}
