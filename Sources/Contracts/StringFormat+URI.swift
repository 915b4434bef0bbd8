// RFC 3986, appendix A, read from left to right: `scheme ":" hier-part [ "?" query ] [ "#" fragment ]`.

extension StringFormat {
    static func isURI(_ text: UnsafeRawBufferPointer) -> Bool {
        guard let colon = text.firstIndex(of: UInt8(ascii: ":")), isScheme(part(text, 0..<colon))
        else { return false }
        var end = text.count
        if let hash = text.firstIndex(of: UInt8(ascii: "#")) {
            guard isAll(part(text, (hash + 1)..<end), isQueryByte) else { return false }
            end = hash
        }
        let head = part(text, 0..<end)
        if let mark = head.firstIndex(of: UInt8(ascii: "?")) {
            guard isAll(part(head, (mark + 1)..<end), isQueryByte) else { return false }
            end = mark
        }
        // A scheme cannot hold `?` or `#`, so the colon stands before both.
        return isHierarchy(part(text, (colon + 1)..<end))
    }

    private static func isScheme(_ text: UnsafeRawBufferPointer) -> Bool {
        guard let first = text.first, isLetter(first) else { return false }
        return text.allSatisfy { byte in
            isLetter(byte) || isDigit(byte) || byte == UInt8(ascii: "+")
                || byte == UInt8(ascii: "-") || byte == UInt8(ascii: ".")
        }
    }

    private static func isHierarchy(_ text: UnsafeRawBufferPointer) -> Bool {
        let hasAuthority =
            text.count >= 2 && text[0] == UInt8(ascii: "/") && text[1] == UInt8(ascii: "/")
        guard hasAuthority else { return isAll(text, isPathByte) }
        let rest = part(text, 2..<text.count)
        let end = rest.firstIndex(of: UInt8(ascii: "/")) ?? rest.count
        return isAuthority(part(rest, 0..<end)) && isAll(part(rest, end..<rest.count), isPathByte)
    }

    /// `[ userinfo "@" ] host [ ":" port ]`.
    private static func isAuthority(_ text: UnsafeRawBufferPointer) -> Bool {
        var host = text
        if let at = text.firstIndex(of: UInt8(ascii: "@")) {
            let isRight = isAll(part(text, 0..<at)) { byte in
                isNameByte(byte) || byte == UInt8(ascii: ":")
            }
            guard isRight else { return false }
            host = part(text, (at + 1)..<text.count)
        }
        let end: Int
        if host.first == UInt8(ascii: "[") {
            guard let close = host.firstIndex(of: UInt8(ascii: "]")),
                isAddress(part(host, 1..<close))
            else { return false }
            end = close + 1
        } else {
            end = host.firstIndex(of: UInt8(ascii: ":")) ?? host.count
            guard isAll(part(host, 0..<end), isNameByte) else { return false }
        }
        guard end < host.count else { return true }
        return host[end] == UInt8(ascii: ":")
            && part(host, (end + 1)..<host.count).allSatisfy(isDigit)
    }

    /// `IPv6address`, or `IPvFuture`: `v`, hexadecimal digits, a point, and name bytes.
    private static func isAddress(_ text: UnsafeRawBufferPointer) -> Bool {
        guard let first = text.first, first | 0x20 == UInt8(ascii: "v") else {
            return isIPv6(text)
        }
        guard let point = text.firstIndex(of: UInt8(ascii: ".")), point > 1,
            point + 1 < text.count, part(text, 1..<point).allSatisfy(isHex)
        else { return false }
        return part(text, (point + 1)..<text.count).allSatisfy { byte in
            isNameByte(byte) || byte == UInt8(ascii: ":")
        }
    }

    /// Whether every byte passes, or is part of `%` with two hexadecimal digits.
    private static func isAll(
        _ text: UnsafeRawBufferPointer, _ passes: (UInt8) -> Bool
    ) -> Bool {
        var index = 0
        while index < text.count {
            if text[index] == UInt8(ascii: "%") {
                guard index + 2 < text.count, isHex(text[index + 1]), isHex(text[index + 2]) else {
                    return false
                }
                index += 3
            } else {
                guard passes(text[index]) else { return false }
                index += 1
            }
        }
        return true
    }

    /// `unreserved / sub-delims`.
    private static func isNameByte(_ byte: UInt8) -> Bool {
        if isLetter(byte) || isDigit(byte) { return true }
        switch byte {
        case UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: "_"), UInt8(ascii: "~"),
            UInt8(ascii: "!"), UInt8(ascii: "$"), UInt8(ascii: "&"), UInt8(ascii: "'"),
            UInt8(ascii: "("), UInt8(ascii: ")"), UInt8(ascii: "*"), UInt8(ascii: "+"),
            UInt8(ascii: ","), UInt8(ascii: ";"), UInt8(ascii: "="):
            return true
        default: return false
        }
    }

    /// `pchar / "/"`.
    private static func isPathByte(_ byte: UInt8) -> Bool {
        isNameByte(byte) || byte == UInt8(ascii: ":") || byte == UInt8(ascii: "@")
            || byte == UInt8(ascii: "/")
    }

    /// `pchar / "/" / "?"`, of queries and fragments.
    private static func isQueryByte(_ byte: UInt8) -> Bool {
        isPathByte(byte) || byte == UInt8(ascii: "?")
    }
}
