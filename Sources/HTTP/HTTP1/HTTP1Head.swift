import NIOCore
import NIOHTTP1

/// Checks and conversions of HTTP/1.1 heads: pure functions.
enum HTTP1Head {
    enum Verdict {
        case accepted(expectsContinue: Bool)
        case refused(ProtocolProblem)
    }

    /// Copies a request head into the form that HTTP/2 requests have, unless it breaks a rule.
    static func fill(
        _ buffer: RequestBuffer, from head: HTTPRequestHead, configuration: HTTPConfiguration
    ) -> Verdict {
        let headers = head.headers
        if let problem = framingProblem(headers, configuration) { return .refused(problem) }
        if headers["host"].count != (head.version == .http1_0 ? headers["host"].count.clamped : 1) {
            return .refused(.malformed)
        }
        guard headers.count <= configuration.headerFieldsMax else {
            return .refused(.headersTooLarge)
        }
        add(buffer, ":method", head.method.rawValue)
        add(buffer, ":path", head.uri)
        for (name, value) in headers { add(buffer, name, value) }
        if buffer.fieldListBytes > configuration.headerListBytesMax + 2 * 32 {
            return .refused(.headersTooLarge)
        }
        guard HTTPMethod(buffer.bytes(of: buffer.method)) != nil else {
            return .refused(.methodUnknown)
        }
        guard !target(buffer.bytes(of: buffer.path)).isEmpty else { return .refused(.malformed) }
        guard let expect = headers.first(name: "expect") else {
            return .accepted(expectsContinue: false)
        }
        guard expect.lowercased() == "100-continue" else {
            return .refused(.expectationUnknown)
        }
        let hasBody = headers.contains(name: "content-length") || isChunked(headers)
        return .accepted(expectsContinue: hasBody && head.version != .http1_0)
    }

    /// Both framings at once, or two lengths, are how requests are smuggled past a proxy.
    private static func framingProblem(
        _ headers: HTTPHeaders, _ configuration: HTTPConfiguration
    ) -> ProtocolProblem? {
        let lengths = headers["content-length"]
        let codings = headers["transfer-encoding"]
        if lengths.count > 1 || (!lengths.isEmpty && !codings.isEmpty) { return .malformed }
        if let length = lengths.first {
            guard !length.isEmpty, length.utf8.allSatisfy({ $0 >= 0x30 && $0 <= 0x39 }) else {
                return .malformed
            }
            guard let number = Int(length), number <= configuration.bodyBytesMax else {
                return .bodyTooLarge
            }
        }
        if !codings.isEmpty, !isChunked(headers) { return .transferCodingUnknown }
        return nil
    }

    private static func isChunked(_ headers: HTTPHeaders) -> Bool {
        let codings = headers["transfer-encoding"]
        return codings.count == 1 && codings[0].lowercased() == "chunked"
    }

    /// The origin form of a request target: of an absolute one, what follows the authority. Empty
    /// if it is neither, nor "*".
    static func target(_ bytes: UnsafeRawBufferPointer) -> UnsafeRawBufferPointer {
        if bytes.first == UInt8(ascii: "/") || bytes.matches("*") { return bytes }
        for scheme in ["http://", "https://"] where bytes.count > scheme.utf8.count {
            let start = UnsafeRawBufferPointer(rebasing: bytes[..<scheme.utf8.count])
            guard start.elementsEqual(scheme.utf8, by: { $0.asciiLowercased == $1 }) else {
                continue
            }
            guard let slash = bytes[scheme.utf8.count...].firstIndex(of: UInt8(ascii: "/")) else {
                return root
            }
            return UnsafeRawBufferPointer(rebasing: bytes[slash...])
        }
        return UnsafeRawBufferPointer(start: nil, count: 0)
    }

    /// "/" with static storage.
    private static var root: UnsafeRawBufferPointer {
        let slash: StaticString = "/"
        return UnsafeRawBufferPointer(start: slash.utf8Start, count: 1)
    }

    static func wantsWebSocket(_ head: HTTPRequestHead) -> Bool {
        head.method == .GET && head.version == .http1_1
            && head.headers[canonicalForm: "upgrade"].contains { $0.lowercased() == "websocket" }
            && head.headers[canonicalForm: "connection"].contains { $0.lowercased() == "upgrade" }
    }

    static func response(
        _ response: HTTPResponse, to request: HTTPRequestHead?, keepsAlive: Bool, date: String?
    ) -> HTTPResponseHead {
        var headers = HTTPHeaders()
        headers.reserveCapacity(response.headers.count + 3)
        if let date { headers.add(name: "date", value: date) }
        if response.mayHaveBody {
            headers.add(name: "content-length", value: String(response.body.count))
        }
        if !keepsAlive {
            headers.add(name: "connection", value: "close")
        } else if request?.version == .http1_0 {
            headers.add(name: "connection", value: "keep-alive")
        }
        for (name, value) in response.headers where !HTTPResponse.isOurs(name) {
            headers.add(name: name, value: value)
        }
        return HTTPResponseHead(
            version: .http1_1, status: HTTPResponseStatus(statusCode: response.status),
            headers: headers)
    }

    private static func add(_ buffer: RequestBuffer, _ name: String, _ value: String) {
        var name = name.lowercased()
        var value = value
        name.withUTF8 { name in
            value.withUTF8 { value in
                buffer.add(
                    name: UnsafeRawBufferPointer(name), value: UnsafeRawBufferPointer(value))
            }
        }
    }
}

extension Int {
    /// 0 or 1.
    fileprivate var clamped: Int { Swift.min(self, 1) }
}
