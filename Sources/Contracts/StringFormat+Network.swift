// Names and addresses of hosts and mailboxes.

extension StringFormat {
    /// A name in bytes: the 255 of RFC 1035 §2.3.4 count the length of each label and the root.
    private static let hostnameBytesMax = 253
    private static let labelBytesMax = 63
    /// RFC 5321 §4.5.3.1.1.
    private static let localPartBytesMax = 64

    static func isHostname(_ text: UnsafeRawBufferPointer) -> Bool {
        guard text.count <= hostnameBytesMax else { return false }
        return hasLabels(text) { label in
            guard isLabel(label) else { return false }
            return !InternationalLabel.hasPrefix(label) || InternationalLabel.isValid(label)
        }
    }

    /// Whether the text is at least one label, with points between, and each passes.
    private static func hasLabels(
        _ text: UnsafeRawBufferPointer, _ passes: (UnsafeRawBufferPointer) -> Bool
    ) -> Bool {
        var start = 0
        for index in 0...text.count {
            guard index == text.count || text[index] == UInt8(ascii: ".") else { continue }
            guard passes(part(text, start..<index)) else { return false }
            start = index + 1
        }
        return true
    }

    /// 1...63 letters, digits and `-`, the last neither first nor last.
    private static func isLabel(_ text: UnsafeRawBufferPointer) -> Bool {
        guard (1...labelBytesMax).contains(text.count), text[0] != UInt8(ascii: "-"),
            text[text.count - 1] != UInt8(ascii: "-")
        else { return false }
        return text.allSatisfy { isLetter($0) || isDigit($0) || $0 == UInt8(ascii: "-") }
    }

    // MARK: Addresses

    static func isIPv4(_ text: UnsafeRawBufferPointer) -> Bool {
        guard (7...15).contains(text.count) else { return false }
        var count = 0
        let isRight = hasLabels(text) { part in
            count += 1
            return isOctet(part)
        }
        return isRight && count == 4
    }

    /// 0...255 in digits; a leading zero could mean octal, so it is refused.
    private static func isOctet(_ text: UnsafeRawBufferPointer) -> Bool {
        guard (1...3).contains(text.count), text.count == 1 || text[0] != UInt8(ascii: "0") else {
            return false
        }
        var number = 0
        for byte in text {
            guard isDigit(byte) else { return false }
            number = number * 10 + Int(byte - UInt8(ascii: "0"))
        }
        return number <= 255
    }

    /// Eight groups of 1...4 hexadecimal digits. `::` stands once, for at least one group; the last
    /// two groups may be an IPv4 address.
    static func isIPv6(_ text: UnsafeRawBufferPointer) -> Bool {
        guard (2...45).contains(text.count) else { return false }
        var groups = 0
        var isShortened = false
        var index = 0
        if text[0] == UInt8(ascii: ":") {
            guard text[1] == UInt8(ascii: ":") else { return false }
            isShortened = true
            index = 2
        }
        while index < text.count {
            var end = index
            while end < text.count, isHex(text[end]) { end += 1 }
            if end < text.count, text[end] == UInt8(ascii: ".") {
                guard isIPv4(part(text, index..<text.count)) else { return false }
                groups += 2
                break
            }
            guard (1...4).contains(end - index) else { return false }
            groups += 1
            index = end
            guard index < text.count else { break }
            guard text[index] == UInt8(ascii: ":"), index + 1 < text.count else { return false }
            index += 1
            if text[index] == UInt8(ascii: ":") {
                guard !isShortened else { return false }
                isShortened = true
                index += 1
            }
        }
        return isShortened ? groups <= 7 : groups == 8
    }

    // MARK: Mailboxes

    /// `local@domain`, where local is atoms with points between or a quoted string, and domain is
    /// labels or an address in brackets.
    static func isEmail(_ text: UnsafeRawBufferPointer) -> Bool {
        guard let at = text.lastIndex(of: UInt8(ascii: "@")) else { return false }
        return isLocalPart(part(text, 0..<at)) && isMailDomain(part(text, (at + 1)..<text.count))
    }

    private static func isLocalPart(_ text: UnsafeRawBufferPointer) -> Bool {
        guard (1...localPartBytesMax).contains(text.count) else { return false }
        if text[0] == UInt8(ascii: "\"") { return isQuoted(text) }
        return hasLabels(text) { atom in !atom.isEmpty && atom.allSatisfy(isAtomByte) }
    }

    /// `atext` of RFC 5322 §3.2.3.
    private static func isAtomByte(_ byte: UInt8) -> Bool {
        if isLetter(byte) || isDigit(byte) { return true }
        switch byte {
        case UInt8(ascii: "!"), UInt8(ascii: "#"), UInt8(ascii: "$"), UInt8(ascii: "%"),
            UInt8(ascii: "&"), UInt8(ascii: "'"), UInt8(ascii: "*"), UInt8(ascii: "+"),
            UInt8(ascii: "-"), UInt8(ascii: "/"), UInt8(ascii: "="), UInt8(ascii: "?"),
            UInt8(ascii: "^"), UInt8(ascii: "_"), UInt8(ascii: "`"), UInt8(ascii: "{"),
            UInt8(ascii: "|"), UInt8(ascii: "}"), UInt8(ascii: "~"):
            return true
        default: return false
        }
    }

    /// Printable ASCII in double quotes; `\` takes the next byte as it is.
    private static func isQuoted(_ text: UnsafeRawBufferPointer) -> Bool {
        var index = 1
        while index < text.count {
            switch text[index] {
            case UInt8(ascii: "\""): return index == text.count - 1
            case UInt8(ascii: "\\"):
                index += 1
                guard index < text.count, (0x20...0x7e).contains(text[index]) else { return false }
            case 0x20...0x7e: break
            default: return false
            }
            index += 1
        }
        return false
    }

    private static func isMailDomain(_ text: UnsafeRawBufferPointer) -> Bool {
        guard let first = text.first, text.count <= hostnameBytesMax + 2 else { return false }
        guard first == UInt8(ascii: "[") else { return isHostname(text) }
        guard text[text.count - 1] == UInt8(ascii: "]"), text.count > 2 else { return false }
        let literal = part(text, 1..<(text.count - 1))
        // IPv6 is the only tag that IANA has registered.
        let tag = UInt64(0x3a_36_76_70_69)  // "ipv6:", its last byte first
        guard literal.count > 5 else { return false }
        var word: UInt64 = 0
        for index in 0..<5 {
            let byte = literal[index]
            word |= UInt64(isLetter(byte) ? byte | 0x20 : byte) << UInt64(8 * index)
        }
        return word == tag ? isIPv6(part(literal, 5..<literal.count)) : isIPv4(literal)
    }
}
