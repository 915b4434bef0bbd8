import HTTP

/// An error of the token endpoints, in the form of RFC 6749 §5.2.
enum OAuthError: Error, Sendable {
    case invalidRequest(String)
    /// The client is unknown, its secret wrong, or it is disabled: one answer for all.
    case invalidClient
    case invalidGrant
    case unsupportedGrantType
    case invalidScope
    case temporarilyUnavailable

    var response: HTTPResponse {
        let (status, code, description): (Int, String, String) =
            switch self {
            case .invalidRequest(let text): (400, "invalid_request", text)
            case .invalidClient: (401, "invalid_client", "The client id or secret is not right.")
            case .invalidGrant: (400, "invalid_grant", "The refresh token is not valid.")
            case .unsupportedGrantType:
                (400, "unsupported_grant_type", "Use grant_type=client_credentials.")
            case .invalidScope:
                (400, "invalid_scope", "The scope is not the one of this client.")
            case .temporarilyUnavailable:
                (503, "temporarily_unavailable", "Repeat the request later.")
            }
        let body: WireValue = ["error": .string(code), "error_description": .string(description)]
        var response = Answer.secret(body, status: status)
        if case .invalidClient = self {
            response.headers.append(("www-authenticate", "Basic realm=\"stream-machine\""))
        }
        if case .temporarilyUnavailable = self { response.headers.append(("retry-after", "5")) }
        return response
    }
}
