import HTTP
import Store

/// One row of the route table. docs/openapi and the router are both held to it by tests.
struct Route: Sendable {
    enum Access: Sendable {
        /// No token is looked at.
        case open
        /// Any valid token.
        case anyClient
        case roles([Role])
    }

    /// How it is run.
    enum Work: Sendable {
        /// On the event loop by `LoopIngest`; `handle` is never called.
        case hot
        /// A task that a stop lets finish.
        case task
        /// A task that may wait for events and that a stop cancels.
        case longPoll
        /// Taken by the HTTP module as a handshake; a request without one gets 426.
        case webSocket
    }

    typealias Handler = @Sendable (RouteRequest) async throws -> HTTPResponse

    var method: HTTPMethod
    /// `/v1/streams/{stream}`; a last segment `{path...}` takes all that is left.
    var template: String
    var access: Access
    var work: Work = .task
    var handle: Handler

    var segments: [Segment] {
        template.split(separator: "/").map { part in
            guard part.hasPrefix("{") else { return .literal(String(part)) }
            let name = String(part.dropFirst().dropLast())
            return name.hasSuffix("...") ? .rest(String(name.dropLast(3))) : .parameter(name)
        }
    }

    enum Segment: Sendable, Equatable {
        case literal(String)
        case parameter(String)
        case rest(String)
    }
}

/// What a route's handler gets.
struct RouteRequest: Sendable {
    var http: HTTPRequest
    /// Percent-decoded values of the template's parameters.
    var parameters: [String: String]
    /// Set for every route whose access is not open.
    var caller: Principal?
    var now: Milliseconds

    func parameter(_ name: String) -> String { parameters[name] ?? "" }

    /// Only for routes that need a token, where the gateway has checked it.
    func principal() throws(Problem) -> Principal {
        guard let caller else { throw .unauthorized }
        return caller
    }

    func query(_ allowed: String...) throws(Problem) -> QueryParameters {
        try QueryParameters(http.query, allowed: allowed)
    }

    /// Without parameters such as `charset`, in lower case; nil if the header is missing.
    var mediaType: String? {
        http.header("content-type").map { type in
            let end = type.firstIndex(of: ";") ?? type.endIndex
            return type[..<end].lowercased().filter { $0 != " " && $0 != "\t" }
        }
    }

    /// The body as a JSON object whose members are all in `allowed`.
    func object(_ allowed: String...) throws(Problem) -> BodyObject {
        try object(allowed)
    }

    func object(_ allowed: [String]) throws(Problem) -> BodyObject {
        try requireJSON()
        return try BodyObject(http.body, allowed: allowed)
    }

    /// The body as a JSON object with whatever members.
    func looseObject() throws(Problem) -> BodyObject {
        try requireJSON()
        return try BodyObject(http.body, allowed: nil)
    }

    private func requireJSON() throws(Problem) {
        guard mediaType == nil || mediaType == "application/json" else {
            throw .unsupportedMediaType(["application/json"])
        }
    }
}
