/// A format that a string can be held to. Checked over bytes, without allocation, in time linear in
/// the text.
enum StringFormat: UInt8, CaseIterable, Sendable {
    /// RFC 3339 §5.6 `date-time`, with leap seconds as §5.7 says.
    case dateTime
    /// RFC 3339 §5.6 `full-date`.
    case date
    /// RFC 3339 §5.6 `full-time`: with an offset.
    case time
    /// RFC 5321 §4.1.2 `Mailbox`.
    case email
    /// RFC 1123 §2.1; labels that begin with `xn--` have to be A-labels (RFC 5890 §2.3.2.1).
    case hostname
    /// RFC 2673 §3.2 `dotted-quad`, without leading zeros.
    case ipv4
    /// RFC 4291 §2.2, without zone or prefix length.
    case ipv6
    /// RFC 3986 §3 `URI`: absolute, with a scheme.
    case uri
    /// RFC 4122 §3, any version and variant.
    case uuid

    /// The format of that name, as contracts and JSON Schema write it; nil: none of these.
    init?(name: String) {
        guard let found = Self.allCases.first(where: { $0.name == name }) else { return nil }
        self = found
    }

    var name: String {
        switch self {
        case .dateTime: "date-time"
        case .date: "date"
        case .time: "time"
        case .email: "email"
        case .hostname: "hostname"
        case .ipv4: "ipv4"
        case .ipv6: "ipv6"
        case .uri: "uri"
        case .uuid: "uuid"
        }
    }

    /// Whether all of the UTF-8 text is of this format.
    func matches(_ text: UnsafeRawBufferPointer) -> Bool {
        switch self {
        case .dateTime: Self.isDateTime(text)
        case .date: Self.isDate(text)
        case .time: Self.isTime(text)
        case .email: Self.isEmail(text)
        case .hostname: Self.isHostname(text)
        case .ipv4: Self.isIPv4(text)
        case .ipv6: Self.isIPv6(text)
        case .uri: Self.isURI(text)
        case .uuid: Self.isUUID(text)
        }
    }
}

// MARK: - Bytes

extension StringFormat {
    @inline(__always)
    static func isDigit(_ byte: UInt8) -> Bool {
        byte &- UInt8(ascii: "0") <= 9
    }

    @inline(__always)
    static func isLetter(_ byte: UInt8) -> Bool {
        (byte | 0x20) &- UInt8(ascii: "a") <= 25
    }

    @inline(__always)
    static func isHex(_ byte: UInt8) -> Bool {
        isDigit(byte) || (byte | 0x20) &- UInt8(ascii: "a") <= 5
    }

    /// A part of the text, as a text of its own.
    @inline(__always)
    static func part(
        _ text: UnsafeRawBufferPointer, _ range: Range<Int>
    ) -> UnsafeRawBufferPointer {
        UnsafeRawBufferPointer(rebasing: text[range])
    }

    /// The number that two digits at `index` write; nil: something else stands there.
    static func twoDigits(_ text: UnsafeRawBufferPointer, _ index: Int) -> Int? {
        guard index + 2 <= text.count, isDigit(text[index]), isDigit(text[index + 1]) else {
            return nil
        }
        return Int(text[index] - UInt8(ascii: "0")) * 10
            + Int(text[index + 1] - UInt8(ascii: "0"))
    }

    /// `8-4-4-4-12` hexadecimal digits.
    private static func isUUID(_ text: UnsafeRawBufferPointer) -> Bool {
        guard text.count == 36 else { return false }
        for (index, byte) in text.enumerated() {
            switch index {
            case 8, 13, 18, 23: guard byte == UInt8(ascii: "-") else { return false }
            default: guard isHex(byte) else { return false }
            }
        }
        return true
    }
}
