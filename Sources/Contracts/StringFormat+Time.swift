// Dates and times of RFC 3339. Only ASCII digits count, the letters T and Z may be of either case.

extension StringFormat {
    static func isDateTime(_ text: UnsafeRawBufferPointer) -> Bool {
        guard text.count > 11, text[10] | 0x20 == UInt8(ascii: "t") else { return false }
        return isDate(part(text, 0..<10)) && isTime(part(text, 11..<text.count))
    }

    /// `YYYY-MM-DD`, a day of the Gregorian calendar carried back to year 0.
    static func isDate(_ text: UnsafeRawBufferPointer) -> Bool {
        guard text.count == 10, text[4] == UInt8(ascii: "-"), text[7] == UInt8(ascii: "-"),
            let century = twoDigits(text, 0), let yearOfCentury = twoDigits(text, 2),
            let month = twoDigits(text, 5), let day = twoDigits(text, 8)
        else { return false }
        let year = century * 100 + yearOfCentury
        return day >= 1 && day <= dayCount(month, year)
    }

    private static func dayCount(_ month: Int, _ year: Int) -> Int {
        switch month {
        case 1, 3, 5, 7, 8, 10, 12: return 31
        case 4, 6, 9, 11: return 30
        case 2:
            let isLeap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0)
            return isLeap ? 29 : 28
        default: return 0
        }
    }

    /// `HH:MM:SS`, any number of digits of a second, and `Z` or an offset. Second 60 is the one
    /// after 23:59:59 in universal time. On which days there was one is not asked: tables of them
    /// end.
    static func isTime(_ text: UnsafeRawBufferPointer) -> Bool {
        guard text.count >= 9, text[2] == UInt8(ascii: ":"), text[5] == UInt8(ascii: ":"),
            let hour = twoDigits(text, 0), let minute = twoDigits(text, 3),
            let second = twoDigits(text, 6), hour <= 23, minute <= 59, second <= 60
        else { return false }
        var index = 8
        if text[index] == UInt8(ascii: ".") {
            index += 1
            let start = index
            while index < text.count, isDigit(text[index]) { index += 1 }
            guard index > start else { return false }
        }
        guard let offset = offsetMinutes(text, from: index) else { return false }
        guard second == 60 else { return true }
        let minuteOfDay = (hour * 60 + minute - offset + 1_440) % 1_440
        return minuteOfDay == 1_439
    }

    /// Minutes east of universal time; nil: the rest of the text is no offset.
    private static func offsetMinutes(_ text: UnsafeRawBufferPointer, from index: Int) -> Int? {
        guard index < text.count else { return nil }
        switch text[index] {
        case UInt8(ascii: "Z"), UInt8(ascii: "z"): return index + 1 == text.count ? 0 : nil
        case UInt8(ascii: "+"), UInt8(ascii: "-"):
            guard index + 6 == text.count, text[index + 3] == UInt8(ascii: ":"),
                let hours = twoDigits(text, index + 1), hours <= 23,
                let minutes = twoDigits(text, index + 4), minutes <= 59
            else { return nil }
            let sum = hours * 60 + minutes
            return text[index] == UInt8(ascii: "-") ? -sum : sum
        default: return nil
        }
    }
}
