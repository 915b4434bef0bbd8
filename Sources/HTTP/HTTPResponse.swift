/// A whole answer. `content-length`, `date` and, in HTTP/1.1, `connection` are added when it is
/// sent; those three and `transfer-encoding` are ignored here.
package struct HTTPResponse: Sendable {
    /// 200...599.
    package var status: Int
    /// Names in any case: HTTP/2 sends them in lower case. A name or value that holds a control
    /// character turns the whole answer into a bare 500: it could forge a second answer.
    package var headers: [(String, String)]
    /// Left out when the request was HEAD or the status forbids a body.
    package var body: [UInt8]

    package init(status: Int, headers: [(String, String)] = [], body: [UInt8] = []) {
        self.status = status
        self.headers = headers
        self.body = body
    }
}

extension HTTPResponse {
    /// 204 and 304 have neither a body nor a length.
    var mayHaveBody: Bool { status != 204 && status != 304 }

    /// Fields that the stack writes itself, or that frame a message: a handler's are left out.
    static func isOurs(_ name: String) -> Bool {
        switch name.utf8.count {
        case 4, 7, 10, 14, 16, 17: break
        default: return false
        }
        let lower = name.lowercased()
        return lower == "date" || lower == "content-length" || lower == "connection"
            || lower == "transfer-encoding" || lower == "keep-alive" || lower == "upgrade"
            || lower == "proxy-connection"
    }

    static func sane(_ status: Int) -> Int { (200...599).contains(status) ? status : 500 }

    /// Itself if it can be sent; else a bare 500, since a line break in a field is a second answer.
    func checked() -> HTTPResponse {
        let isSafe = headers.allSatisfy { name, value in
            !name.isEmpty && name.utf8.allSatisfy(Self.isTokenByte)
                && value.utf8.allSatisfy { $0 >= 0x20 && $0 != 0x7F || $0 == 0x09 }
        }
        return isSafe && (200...599).contains(status) ? self : HTTPResponse(status: 500)
    }

    /// The token characters of RFC 9110, 5.6.2.
    private static func isTokenByte(_ byte: UInt8) -> Bool {
        switch byte {
        case 0x30...0x39, 0x41...0x5A, 0x61...0x7A: true
        case UInt8(ascii: "!"), UInt8(ascii: "#"), UInt8(ascii: "$"), UInt8(ascii: "%"),
            UInt8(ascii: "&"), UInt8(ascii: "'"), UInt8(ascii: "*"), UInt8(ascii: "+"),
            UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: "^"), UInt8(ascii: "_"),
            UInt8(ascii: "`"), UInt8(ascii: "|"), UInt8(ascii: "~"):
            true
        default: false
        }
    }
}
