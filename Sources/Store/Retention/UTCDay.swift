/// A day of 86,400,000 ms, counted from 1970-01-01 (UTC).
package struct UTCDay: Hashable, Comparable, Sendable, CustomStringConvertible {
    package let number: UInt32

    package static let milliseconds: Milliseconds = 86_400_000

    package init(number: UInt32) { self.number = number }

    /// The day of a time; times before 1970 count as the first day.
    package init(at time: Milliseconds) {
        number = UInt32(clamping: max(0, time) / Self.milliseconds)
    }

    package var start: Milliseconds { Milliseconds(number) * Self.milliseconds }
    /// The first millisecond that is no longer of the day.
    package var end: Milliseconds { start + Self.milliseconds }

    package static func < (left: Self, right: Self) -> Bool { left.number < right.number }

    /// `2026-11-23`. Source of the arithmetic: Howard Hinnant, "chrono-Compatible Low-Level Date
    /// Algorithms" (civil_from_days).
    package var description: String {
        let shifted = Int(number) + 719_468
        let era = shifted / 146_097
        let dayOfEra = shifted - era * 146_097
        let yearOfEra =
            (dayOfEra - dayOfEra / 1460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let shiftedMonth = (5 * dayOfYear + 2) / 153
        let day = dayOfYear - (153 * shiftedMonth + 2) / 5 + 1
        let month = shiftedMonth < 10 ? shiftedMonth + 3 : shiftedMonth - 9
        let year = yearOfEra + era * 400 + (month <= 2 ? 1 : 0)
        return Self.padded(year, 4) + "-" + Self.padded(month, 2) + "-" + Self.padded(day, 2)
    }

    /// Reads `2026-11-23`; nil for all that `description` would not write.
    package init?(_ text: some StringProtocol) {
        let parts = text.split(separator: "-", omittingEmptySubsequences: false)
        guard parts.count == 3, let year = Int(parts[0]), let month = Int(parts[1]),
            let day = Int(parts[2]), (1970...9999).contains(year), (1...12).contains(month),
            (1...31).contains(day)
        else { return nil }
        let shiftedYear = month <= 2 ? year - 1 : year
        let era = shiftedYear / 400
        let yearOfEra = shiftedYear - era * 400
        let dayOfYear = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1
        let dayOfEra = yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear
        let number = era * 146_097 + dayOfEra - 719_468
        guard number >= 0 else { return nil }
        self.number = UInt32(number)
        guard description == String(text) else { return nil }
    }

    private static func padded(_ value: Int, _ width: Int) -> String {
        let digits = String(value)
        return String(repeating: "0", count: max(0, width - digits.count)) + digits
    }
}
