/// The family with the events of one day and one retention class: `events-007-2026-11-23`.
struct DayFamily: Sendable {
    let retention: RetentionClass
    let day: UTCDay
    let family: ColumnFamily

    private static let prefix = "events-"

    static func name(_ retention: RetentionClass, _ day: UTCDay) -> String {
        let days = String(retention.days)
        return prefix + String(repeating: "0", count: 3 - days.count) + days + "-\(day)"
    }

    /// nil: not the name of a day's family.
    init?(_ family: ColumnFamily) {
        guard family.name.hasPrefix(Self.prefix) else { return nil }
        let rest = family.name.dropFirst(Self.prefix.count)
        guard let days = Int(rest.prefix(3)), let retention = RetentionClass(days: days),
            rest.count > 4, let day = UTCDay(rest.dropFirst(4)),
            Self.name(retention, day) == family.name
        else { return nil }
        self.init(retention: retention, day: day, family: family)
    }

    init(retention: RetentionClass, day: UTCDay, family: ColumnFamily) {
        self.retention = retention
        self.day = day
        self.family = family
    }

    /// True once even its last millisecond has expired.
    func isExpired(now: Milliseconds) -> Bool { day.end <= retention.floor(now: now) }
}
