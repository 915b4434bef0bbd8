/// The beginning of every entry of the audit log: one line of ASCII JSON, whose first two members
/// are always these, written like this:
///
///     {"n":17,"at":"2026-11-23T10:00:00.123Z",…
///
/// `n` is the entry's index in the log, so that an entry says itself where it belongs. `at` is UTC,
/// with milliseconds, always 24 characters (RFC 3339), and never smaller than in the entry before:
/// the order of the texts is the order of the times.
package struct LeafHeader: Hashable, Sendable {
    package let number: UInt64
    /// Milliseconds since 1970, UTC, within the years 1970 to 9999.
    package let milliseconds: Int64
    /// Bytes of the header in the line, the comma or brace after `at` not included.
    package let byteCount: Int

    /// The last instant of the year 9999, the last that RFC 3339 can write.
    package static let millisecondsMax: Int64 = 253_402_300_799_999

    /// nil unless the line begins exactly as above.
    package init?(_ line: some Collection<UInt8>) {
        var rest = Array(line.prefix(64))[...]
        guard rest.starts(with: Self.beforeNumber) else { return nil }
        rest = rest.dropFirst(Self.beforeNumber.count)
        let digits = rest.prefix { $0 >= 0x30 && $0 <= 0x39 }
        let text = String(decoding: digits, as: UTF8.self)
        guard let number = UInt64(text), String(number) == text else { return nil }
        rest = rest.dropFirst(digits.count)
        guard rest.starts(with: Self.beforeTime) else { return nil }
        rest = rest.dropFirst(Self.beforeTime.count)
        guard rest.count > 25, rest[rest.startIndex + 24] == 0x22,
            let time = Self.milliseconds(rest.prefix(24))
        else { return nil }
        let after = rest[rest.startIndex + 25]
        guard after == 0x2C || after == 0x7D else { return nil }
        self.number = number
        milliseconds = time
        byteCount = Self.beforeNumber.count + digits.count + Self.beforeTime.count + 25
    }

    /// Appends the header; the caller goes on with `,` and the other members, or with `}`.
    ///
    /// - Parameter milliseconds: what lies outside the years 1970 to 9999 is brought to their edge.
    package static func append(number: UInt64, milliseconds: Int64, to line: inout [UInt8]) {
        line += beforeNumber
        line += String(number).utf8
        line += beforeTime
        appendTime(milliseconds, to: &line)
        line.append(0x22)
    }

    /// RFC 3339 in UTC with milliseconds: `2026-11-23T10:00:00.123Z`.
    package static func timeText(_ milliseconds: Int64) -> String {
        var text: [UInt8] = []
        appendTime(milliseconds, to: &text)
        return String(decoding: text, as: UTF8.self)
    }

    /// The inverse of `timeText`; nil for anything that `timeText` does not write.
    package static func milliseconds(_ text: some Collection<UInt8>) -> Int64? {
        let bytes = Array(text)
        guard bytes.count == 24 else { return nil }
        func number(_ range: Range<Int>) -> Int64? {
            var value: Int64 = 0
            for byte in bytes[range] {
                guard byte >= 0x30, byte <= 0x39 else { return nil }
                value = value * 10 + Int64(byte - 0x30)
            }
            return value
        }
        guard let year = number(0..<4), let month = number(5..<7), let day = number(8..<10),
            let hour = number(11..<13), let minute = number(14..<16), let second = number(17..<19),
            let fraction = number(20..<23), (1...12).contains(month), (1...31).contains(day),
            hour < 24, minute < 60, second < 60
        else { return nil }
        let days = daysSince1970(year: year, month: month, day: day)
        let result = (((days * 24 + hour) * 60 + minute) * 60 + second) * 1000 + fraction
        // Writing it again catches wrong separators, the 31st of February and years before 1970.
        var again: [UInt8] = []
        appendTime(result, to: &again)
        return again == bytes ? result : nil
    }

    private static let beforeNumber = Array(#"{"n":"#.utf8)
    private static let beforeTime = Array(#","at":""#.utf8)

    private static func appendTime(_ milliseconds: Int64, to line: inout [UInt8]) {
        let time = min(max(milliseconds, 0), millisecondsMax)
        let days = time / 86_400_000
        let rest = time % 86_400_000
        let date = civilDate(daysSince1970: days)
        func append(_ value: Int64, digits: Int, then separator: Character) {
            let text = String(value)
            line += [UInt8](repeating: 0x30, count: digits - text.utf8.count)
            line += text.utf8
            line += String(separator).utf8
        }
        append(date.year, digits: 4, then: "-")
        append(date.month, digits: 2, then: "-")
        append(date.day, digits: 2, then: "T")
        append(rest / 3_600_000, digits: 2, then: ":")
        append(rest / 60_000 % 60, digits: 2, then: ":")
        append(rest / 1000 % 60, digits: 2, then: ".")
        append(rest % 1000, digits: 3, then: "Z")
    }

    /// Gregorian calendar arithmetic on years that begin in March, so that the leap day is the last
    /// (the algorithm that the C++ standard library's `chrono` describes); here for days >= 0.
    private static func civilDate(daysSince1970 days: Int64) -> (
        year: Int64, month: Int64, day: Int64
    ) {
        let shifted = days + 719_468
        let era = shifted / 146_097
        let dayOfEra = shifted % 146_097
        let yearOfEra =
            (dayOfEra - dayOfEra / 1460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let shiftedMonth = (5 * dayOfYear + 2) / 153
        let day = dayOfYear - (153 * shiftedMonth + 2) / 5 + 1
        let month = shiftedMonth < 10 ? shiftedMonth + 3 : shiftedMonth - 9
        return (era * 400 + yearOfEra + (month <= 2 ? 1 : 0), month, day)
    }

    private static func daysSince1970(year: Int64, month: Int64, day: Int64) -> Int64 {
        let shiftedYear = month <= 2 ? year - 1 : year
        let era = (shiftedYear >= 0 ? shiftedYear : shiftedYear - 399) / 400
        let yearOfEra = shiftedYear - era * 400
        let shiftedMonth = month > 2 ? month - 3 : month + 9
        let dayOfYear = (153 * shiftedMonth + 2) / 5 + day - 1
        let dayOfEra = yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear
        return era * 146_097 + dayOfEra - 719_468
    }
}
