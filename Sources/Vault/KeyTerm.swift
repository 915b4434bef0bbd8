import Store

/// When a data key seals new events, and until when it may open old ones.
struct KeyTerm: Equatable, Sendable {
    /// A clock may be set back by this much without every key being replaced.
    private static let setBackTolerated: Milliseconds = 60_000

    let created: Milliseconds
    let expires: Milliseconds
    /// Day of the epoch whose keys wrap it.
    let day: UTCDay

    /// True if new events may be sealed: in the 24 hours from its creation, and only while its
    /// epoch is open.
    ///
    /// An epoch is closed once a day later than the one after its own has been seen. The newest
    /// epoch's day never falls, so a key of a closed epoch does not come back when the clock does:
    /// its epoch is destroyed by its day, and events sealed later would die before their time.
    @inline(__always)
    func seals(now: Milliseconds, newestDay: UTCDay) -> Bool {
        created - Self.setBackTolerated <= now && now < expires
            && max(newestDay.number, UTCDay(at: now).number) <= day.number + 1
    }
}
