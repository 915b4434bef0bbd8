import Store

/// RFC 3339 times, in UTC and to the millisecond, without Foundation's calendars.
enum WireTime {
    /// 9999-12-31T23:59:59.999Z
    static let millisecondsMax = 253_402_300_799_999
    private static let dayMilliseconds: Milliseconds = 86_400_000

    /// `2026-11-23T10:00:00.123Z`
    static func format(_ time: Milliseconds) -> String {
        let day = Int(
            time >= 0 ? time / dayMilliseconds : (time - dayMilliseconds + 1) / dayMilliseconds)
        let rest = Int(time) - day * Int(dayMilliseconds)
        let (year, month, monthDay) = civil(day)
        func two(_ number: Int) -> String { number < 10 ? "0\(number)" : String(number) }
        func padded(_ number: Int, _ count: Int) -> String {
            String(repeating: "0", count: max(0, count - String(number).count)) + String(number)
        }
        return "\(padded(year, 4))-\(two(month))-\(two(monthDay))T\(two(rest / 3_600_000)):"
            + "\(two(rest / 60_000 % 60)):\(two(rest / 1_000 % 60)).\(padded(rest % 1_000, 3))Z"
    }

    /// `YYYY-MM-DDTHH:MM:SS[.fraction](Z|±HH:MM)`, the year from 1970; digits behind milliseconds
    /// are cut off.
    static func parse(_ text: String) -> Milliseconds? {
        let bytes = Array(text.utf8)
        guard bytes.count >= 20, bytes.count <= 40 else { return nil }
        func number(_ range: Range<Int>) -> Int? {
            var value = 0
            for byte in bytes[range] {
                guard (0x30...0x39).contains(byte) else { return nil }
                value = value * 10 + Int(byte - 0x30)
            }
            return value
        }
        guard let year = number(0..<4), let month = number(5..<7), let day = number(8..<10),
            let hour = number(11..<13), let minute = number(14..<16), let second = number(17..<19),
            bytes[4] == 0x2D, bytes[7] == 0x2D, bytes[10] == 0x54 || bytes[10] == 0x74,
            bytes[13] == 0x3A, bytes[16] == 0x3A,
            year >= 1970, (1...12).contains(month), day >= 1, day <= daysIn(month, of: year),
            hour < 24, minute < 60, second < 60
        else { return nil }
        var index = 19
        var fraction = 0
        if bytes[index] == 0x2E {
            index += 1
            let start = index
            while index < bytes.count, (0x30...0x39).contains(bytes[index]) {
                if index - start < 3 {
                    fraction += Int(bytes[index] - 0x30) * [100, 10, 1][index - start]
                }
                index += 1
            }
            guard index > start else { return nil }
        }
        guard let offset = zone(Array(bytes[index...])) else { return nil }
        let seconds = hour * 3_600 + minute * 60 + second - offset * 60
        return Milliseconds(days(year, month, day)) * dayMilliseconds
            + Milliseconds(seconds * 1_000 + fraction)
    }

    /// Minutes east of UTC.
    private static func zone(_ bytes: [UInt8]) -> Int? {
        if bytes == [0x5A] || bytes == [0x7A] { return 0 }
        guard bytes.count == 6, bytes[0] == 0x2B || bytes[0] == 0x2D, bytes[3] == 0x3A,
            [1, 2, 4, 5].allSatisfy({ (0x30...0x39).contains(bytes[$0]) })
        else { return nil }
        let hours = Int(bytes[1] - 0x30) * 10 + Int(bytes[2] - 0x30)
        let minutes = Int(bytes[4] - 0x30) * 10 + Int(bytes[5] - 0x30)
        guard hours < 24, minutes < 60 else { return nil }
        return (bytes[0] == 0x2D ? -1 : 1) * (hours * 60 + minutes)
    }

    private static func daysIn(_ month: Int, of year: Int) -> Int {
        let isLeap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0)
        return [31, isLeap ? 29 : 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31][month - 1]
    }

    /// Days since 1970-01-01 of a date of the proleptic Gregorian calendar; years begin in March
    /// here, so that the leap day is the last of its year.
    private static func days(_ year: Int, _ month: Int, _ day: Int) -> Int {
        let shifted = month <= 2 ? year - 1 : year
        let era = shifted / 400
        let yearOfEra = shifted - era * 400
        let dayOfYear = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1
        return era * 146_097 + yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear
            - 719_468
    }

    private static func civil(_ days: Int) -> (year: Int, month: Int, day: Int) {
        let shifted = days + 719_468
        let era = (shifted >= 0 ? shifted : shifted - 146_096) / 146_097
        let dayOfEra = shifted - era * 146_097
        let yearOfEra = (dayOfEra - dayOfEra / 1_460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let shiftedMonth = (5 * dayOfYear + 2) / 153
        let month = shiftedMonth + (shiftedMonth < 10 ? 3 : -9)
        return (
            yearOfEra + era * 400 + (month <= 2 ? 1 : 0), month,
            dayOfYear - (153 * shiftedMonth + 2) / 5 + 1
        )
    }
}
