/// The refusals that come from the HTTP stack itself, before any handler has seen the request.
enum ProtocolProblem: Sendable {
    case malformed
    case bodyTooSlow
    case headTooSlow
    case bodyTooLarge
    case expectationUnknown
    case headersTooLarge
    case upgradeRefused
    case methodUnknown
    case transferCodingUnknown
    case overloaded
    case answersWait

    /// As an RFC 9457 problem document.
    var response: HTTPResponse {
        let (status, slug, title) = parts
        var headers = [("content-type", "application/problem+json")]
        if self == .overloaded || self == .answersWait { headers.append(("retry-after", "1")) }
        if self == .upgradeRefused { headers.append(("sec-websocket-version", "13")) }
        let body = """
            {"type":"https://streammachine.dev/problems/\(slug)","title":"\(title)",\
            "status":\(status)}
            """
        return HTTPResponse(status: status, headers: headers, body: Array(body.utf8))
    }

    private var parts: (Int, String, String) {
        switch self {
        case .malformed: (400, "malformed-request", "The request is not valid HTTP")
        case .bodyTooSlow: (408, "request-timeout", "The body came in too slowly")
        case .headTooSlow: (408, "request-timeout", "The request headers took too long")
        case .bodyTooLarge: (413, "too-large", "The body is too large")
        case .expectationUnknown: (417, "expectation-failed", "The expectation is not supported")
        case .headersTooLarge: (431, "headers-too-large", "The header fields are too large")
        case .upgradeRefused: (400, "bad-websocket-handshake", "The handshake is not valid")
        case .methodUnknown: (501, "method-unknown", "The method is not supported")
        case .transferCodingUnknown:
            (501, "transfer-coding-unknown", "The transfer coding is not supported")
        case .overloaded: (503, "overloaded", "Too many bodies are coming in at once")
        case .answersWait: (503, "overloaded", "Too many answers wait for their clients")
        }
    }
}
