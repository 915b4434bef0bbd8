#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// The IMF-fixdate form of RFC 9110, "Mon, 23 Nov 2026 16:00:00 GMT": always 29 bytes.
enum HTTPDate {
    static let count = 29

    static func currentSeconds() -> Int { time(nil) }

    /// `seconds` since 1970, UTC, not negative.
    static func text(_ seconds: Int) -> String {
        let days = seconds / 86_400
        let rest = seconds % 86_400
        let (year, month, day) = civil(days: days)
        // 1 January 1970 was a Thursday.
        let weekday = weekdays[(days + 4) % 7]
        return "\(weekday), \(padded(day)) \(months[month - 1]) \(year) "
            + "\(padded(rest / 3600)):\(padded(rest / 60 % 60)):\(padded(rest % 60)) GMT"
    }

    private static let weekdays = ["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"]
    private static let months = [
        "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
    ]

    private static func padded(_ number: Int) -> String {
        number < 10 ? "0\(number)" : "\(number)"
    }

    /// Gregorian date of a day since 1970, by eras of 400 years that start on 1 March, so that the
    /// leap day is the last of its year (Howard Hinnant, "chrono-compatible low-level date
    /// algorithms").
    private static func civil(days: Int) -> (year: Int, month: Int, day: Int) {
        let shifted = days + 719_468
        let era = shifted / 146_097
        let dayOfEra = shifted % 146_097
        let yearOfEra =
            (dayOfEra - dayOfEra / 1_460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let shiftedMonth = (5 * dayOfYear + 2) / 153
        let day = dayOfYear - (153 * shiftedMonth + 2) / 5 + 1
        let month = shiftedMonth < 10 ? shiftedMonth + 3 : shiftedMonth - 9
        return (yearOfEra + era * 400 + (month <= 2 ? 1 : 0), month, day)
    }
}
