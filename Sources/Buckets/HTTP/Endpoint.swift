import NIOCore

/// Where a store's HTTP server is. Parsed by hand and strictly: libraries take spellings of
/// addresses that differ from one to the next, such as `0x7f.1`, and a check of what one of them
/// read says nothing about what another connects to.
struct Endpoint: Sendable, Equatable {
    let isSecure: Bool
    /// In lower case and without brackets.
    let host: String
    /// 1 to 65,535.
    let port: Int

    /// Reads `https://HOST[:PORT]`, or `http://…` where the policy has it.
    /// - Throws: `invalid`, or `endpointRefused` for what the policy does not allow.
    init(parsing text: String, pointer: String, policy: BucketPolicy) throws(BucketError) {
        let invalid = BucketError.invalid(
            pointer: pointer, expected: "https://HOST or https://HOST:PORT, without a path")
        guard text.utf8.count <= 300, text.utf8.allSatisfy({ (0x21...0x7E).contains($0) }),
            let schemeEnd = text.firstRange(of: "://")
        else { throw invalid }
        let scheme = text[..<schemeEnd.lowerBound].lowercased()
        guard scheme == "https" || scheme == "http" else { throw invalid }
        var rest = text[schemeEnd.upperBound...]
        if rest.hasSuffix("/") { rest.removeLast() }
        guard let (host, portText) = Self.split(rest) else { throw invalid }
        let isSecure = scheme == "https"
        var port = isSecure ? 443 : 80
        if let portText {
            guard let given = Self.port(portText) else { throw invalid }
            port = given
        }
        guard isSecure || policy.allowsInsecureEndpoints else {
            throw .endpointRefused("it is http, which the operator has not allowed")
        }
        self.init(isSecure: isSecure, host: host, port: port)
    }

    /// `host` is one that parsing would have given.
    private init(isSecure: Bool, host: String, port: Int) {
        self.isSecure = isSecure
        self.host = host
        self.port = port
    }

    /// The same server under a name below its own: `orders` gives `orders.s3.example.com`. Nil if
    /// the host is an address, or the name would be none.
    func below(_ label: String) -> Endpoint? {
        let name = "\(label).\(host)"
        guard literalAddress == nil, Self.isName(name) else { return nil }
        return Endpoint(isSecure: isSecure, host: name, port: port)
    }

    /// As the Host header has it: brackets around an IPv6 address, the port if it is not the
    /// scheme's own.
    var hostHeader: String {
        let name = host.contains(":") ? "[\(host)]" : host
        return port == (isSecure ? 443 : 80) ? name : "\(name):\(port)"
    }

    /// What goes before the path.
    var origin: String { "\(isSecure ? "https" : "http")://\(hostHeader)" }

    /// The address if the host is one and not a name.
    var literalAddress: SocketAddress? {
        guard host.contains(":") || Self.isIPv4(host) else { return nil }
        return try? SocketAddress(ipAddress: host, port: port)
    }

    private static func split(_ text: Substring) -> (host: String, port: Substring?)? {
        if text.hasPrefix("[") {
            guard let end = text.firstIndex(of: "]") else { return nil }
            let host = text[text.index(after: text.startIndex)..<end].lowercased()
            // No zone: which interface it names is of this machine's business alone.
            guard host.utf8.allSatisfy({ "0123456789abcdef:.".utf8.contains($0) }),
                host.contains(":"), (try? SocketAddress(ipAddress: host, port: 0)) != nil
            else { return nil }
            let rest = text[text.index(after: end)...]
            if rest.isEmpty { return (host, nil) }
            return rest.hasPrefix(":") ? (host, rest.dropFirst()) : nil
        }
        let colon = text.firstIndex(of: ":")
        let host = text[..<(colon ?? text.endIndex)].lowercased()
        guard isIPv4(host) || isName(host) else { return nil }
        return (host, colon.map { text[text.index(after: $0)...] })
    }

    private static func port(_ text: Substring) -> Int? {
        guard text.utf8.count <= 5, text.utf8.allSatisfy(isDigit), !text.hasPrefix("0"),
            let port = Int(text), (1...65_535).contains(port)
        else { return nil }
        return port
    }

    /// Four numbers of 0 to 255 without leading zeros, which some readers take for octal ones.
    private static func isIPv4(_ text: String) -> Bool {
        let parts = text.split(separator: ".", omittingEmptySubsequences: false)
        return parts.count == 4
            && parts.allSatisfy { part in
                (1...3).contains(part.utf8.count) && part.utf8.allSatisfy(isDigit)
                    && (part == "0" || !part.hasPrefix("0")) && (Int(part) ?? 256) <= 255
            }
    }

    /// Labels of letters, digits and inner hyphens. The last one is not a number in any notation,
    /// or a resolver would read the whole as an address.
    private static func isName(_ text: String) -> Bool {
        let labels = text.split(separator: ".", omittingEmptySubsequences: false)
        guard text.utf8.count <= 253, let last = labels.last else { return false }
        return !last.utf8.allSatisfy(isDigit) && !last.hasPrefix("0x")
            && labels.allSatisfy { label in
                (1...63).contains(label.utf8.count) && !label.hasPrefix("-")
                    && !label.hasSuffix("-")
                    && label.utf8.allSatisfy { byte in
                        isDigit(byte) || byte == UInt8(ascii: "-")
                            || (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte)
                    }
            }
    }

    private static func isDigit(_ byte: UInt8) -> Bool {
        (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte)
    }
}
