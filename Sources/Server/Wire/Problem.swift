import Contracts
import HTTP
import Query
import Store

/// An answer that is an error: an RFC 9457 problem document. Thrown by routes; `response` is what
/// goes out.
///
/// `title` and `detail` are ours and safe to show; nothing of a payload, a secret or a token is
/// ever put in.
struct Problem: Error, Sendable {
    static let typeBase = "https://streammachine.dev/problems/"
    static let contentType = "application/problem+json"

    var slug: String
    var status: Int
    var title: String
    var detail: String?
    var headers: [(String, String)] = []
    var members: [(name: String, value: WireValue)] = []

    var response: HTTPResponse {
        HTTPResponse(
            status: status, headers: [("content-type", Self.contentType)] + headers,
            body: document.bytes)
    }

    var document: WireValue {
        var all: [(name: String, value: WireValue)] = [
            ("type", .string(Self.typeBase + slug)), ("title", .string(title)),
            ("status", .integer(Int64(status))),
        ]
        if let detail { all.append(("detail", .string(detail))) }
        return .object(all + members)
    }
}

extension Problem {
    /// The one answer to every missing, malformed, expired, foreign or revoked token: no difference
    /// tells which.
    static let unauthorized = Problem(
        slug: "unauthorized", status: 401, title: "A valid access token is needed",
        detail: "Send the header Authorization: Bearer with an access token of POST /oauth2/token.",
        headers: [("www-authenticate", "Bearer realm=\"stream-machine\"")])

    static let invalidCredentials = Problem(
        slug: "invalid-credentials", status: 401, title: "The credentials are not right",
        headers: [("www-authenticate", "Bearer realm=\"stream-machine\"")])

    static func forbidden(_ detail: String) -> Problem {
        Problem(
            slug: "forbidden", status: 403, title: "The client may not do this", detail: detail)
    }

    static func notFound(_ detail: String) -> Problem {
        Problem(slug: "not-found", status: 404, title: "There is no such thing", detail: detail)
    }

    static func methodNotAllowed(_ allowed: [String]) -> Problem {
        let list = allowed.joined(separator: ", ")
        return Problem(
            slug: "method-not-allowed", status: 405, title: "The method is not allowed here",
            detail: "Allowed: \(list).", headers: [("allow", list)])
    }

    static func unsupportedMediaType(_ accepted: [String]) -> Problem {
        Problem(
            slug: "unsupported-media-type", status: 415, title: "The content type is not supported",
            detail: "Send \(accepted.joined(separator: " or ")).",
            headers: [("accept-post", accepted.joined(separator: ", "))])
    }

    /// - Parameter parameter: the name of the query parameter, path part or JSON pointer that is
    ///   wrong.
    static func invalid(_ parameter: String, expected: String) -> Problem {
        Problem(
            slug: "invalid-request", status: 400, title: "The request is not valid",
            detail: "\(parameter): expected \(expected).",
            members: [("parameter", .string(parameter)), ("expected", .string(expected))])
    }

    static func conflict(_ detail: String) -> Problem {
        Problem(
            slug: "conflict", status: 409, title: "The state does not allow this", detail: detail)
    }

    static func overloaded(retryAfterSeconds: Int) -> Problem {
        Problem(
            slug: "overloaded", status: 503, title: "The server is overloaded",
            detail: "Nothing was done. Repeat the request later.",
            headers: [("retry-after", String(max(1, retryAfterSeconds)))])
    }

    static func unavailable(_ detail: String, retryAfterSeconds: Int = 5) -> Problem {
        Problem(
            slug: "unavailable", status: 503, title: "The server cannot do this now",
            detail: detail, headers: [("retry-after", String(retryAfterSeconds))])
    }

    static let upgradeRequired = Problem(
        slug: "upgrade-required", status: 426, title: "This is a WebSocket",
        detail: "Open it with a WebSocket handshake over HTTP/1.1.",
        headers: [("upgrade", "websocket"), ("connection", "upgrade")])

    static let diskFull = Problem(
        slug: "disk-full", status: 507, title: "The disk of the server is full",
        detail: "Nothing was stored. Repeat the request later.", headers: [("retry-after", "30")])

    /// The data subject of an event was erased, and the erasure asked that nothing more is taken.
    static let subjectFenced = Problem(
        slug: "subject-fenced", status: 403, title: "Events of this person are refused",
        detail: "Their data was erased with a fence. Repeating the request does not help.")

    /// Of a kept refused event that is replayed.
    static let subjectErased = Problem(
        slug: "subject-erased", status: 403, title: "The person of this event was erased",
        detail: "It was sent before the erasure, so it is not stored. Repeating does not help.")

    static let internalError = Problem(
        slug: "internal-error", status: 500, title: "The server made a mistake",
        detail: "It is in the server's log.")

    /// An event that was refused.
    init(_ refusal: Refusal) {
        slug = refusal.kind.rawValue
        status = 400
        title = "The event was refused"
        detail = nil
        members = Self.members(of: refusal)
    }

    static func members(of refusal: Refusal) -> [(name: String, value: WireValue)] {
        var members: [(name: String, value: WireValue)] = [
            ("pointer", .string(refusal.pointer)), ("rule", .string(refusal.rule)),
            ("expected", .string(refusal.expected)),
        ]
        if let id = refusal.ruleID { members.append(("ruleId", .string(id))) }
        if let message = refusal.message { members.append(("message", .string(message))) }
        return members
    }

    /// A contract document or schema that was refused.
    init(_ error: ContractError) {
        slug = "invalid-contract"
        status = 400
        title = "The contract was refused"
        detail = nil
        members = [
            ("pointer", .string(error.pointer)), ("rule", .string(error.rule)),
            ("expected", .string(error.expected)),
        ]
    }

    init(_ error: StoreError) {
        switch error {
        case .overloaded(let seconds): self = .overloaded(retryAfterSeconds: seconds)
        case .poisoned:
            self = .unavailable(
                "A write failed; the server takes no more until it is restarted.",
                retryAfterSeconds: 30)
        case .closed: self = .unavailable("The server is stopping.")
        case .conflict:
            self = .conflict("Somebody else changed it at the same moment. Read it again.")
        case .diskFull: self = .diskFull
        case .subjectFenced: self = .subjectFenced
        case .corrupt, .io, .locked, .olderThanWatermark: self = .internalError
        }
    }

    init(_ error: QueryError) {
        switch error {
        case .badCursor:
            self = .invalid("cursor", expected: "a cursor that this stream gave")
        case .badRequest(let expected): self = .invalid("query", expected: expected)
        case .auditUnavailable(let seconds):
            self = .unavailable(
                "The audit log cannot be written, so nothing is handed out.",
                retryAfterSeconds: seconds)
        case .unavailable(let seconds):
            self = .unavailable("Events cannot be read now.", retryAfterSeconds: seconds)
        case .cancelled: self = .unavailable("The server is stopping.")
        case .notApproved: self = .notApproved
        case .store(let error): self = Problem(error)
        }
    }
}
