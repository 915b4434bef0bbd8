/// The methods that reach a handler. Every other one is answered with 501 by this module.
package enum HTTPMethod: String, Sendable, CaseIterable {
    case get = "GET"
    case head = "HEAD"
    case post = "POST"
    case put = "PUT"
    case patch = "PATCH"
    case delete = "DELETE"
    case options = "OPTIONS"
    /// Known, so that a resource can answer 405; no resource should echo it.
    case trace = "TRACE"
    /// The safe method with a body (IETF httpbis); known for the same reason.
    case query = "QUERY"

    /// Matches the bytes of a method, which are case-sensitive; nil for an unknown one.
    init?(_ bytes: UnsafeRawBufferPointer) {
        switch bytes.count {
        case 3 where bytes.matches("GET"): self = .get
        case 3 where bytes.matches("PUT"): self = .put
        case 4 where bytes.matches("POST"): self = .post
        case 4 where bytes.matches("HEAD"): self = .head
        case 5 where bytes.matches("PATCH"): self = .patch
        case 5 where bytes.matches("TRACE"): self = .trace
        case 5 where bytes.matches("QUERY"): self = .query
        case 6 where bytes.matches("DELETE"): self = .delete
        case 7 where bytes.matches("OPTIONS"): self = .options
        default: return nil
        }
    }
}
