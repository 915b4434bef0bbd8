import HTTP
import Query
import Store

/// Sending (answered by `LoopIngest`, listed here for the table), reading by long-poll, and
/// committed cursors.
struct EventRoutes: Sendable {
    static let parameters = ["cursor", "from", "to", "limit", "wait", "consumer", "keyLink"]

    let catalog: Catalog
    let query: Query

    var routes: [Route] {
        let sending: [Route] = ["/event", "/events"].map { path in
            // Reached only by a path that is spelt with escapes: the plain one never leaves the
            // event loop.
            Route(
                method: .post, template: path, access: .roles([.sender, .streamOwner]), work: .hot
            ) { _ in throw Problem.notFound("Spell the path without percent-encoding.") }
        }
        return sending + [
            Route(
                method: .get, template: "/v1/streams/{stream}/events",
                access: .roles([.reader, .streamOwner]), work: .longPoll
            ) { try await read($0) },
            Route(
                method: .post, template: "/v1/streams/{stream}/consumers/{consumer}/commit",
                access: .roles([.reader, .streamOwner])
            ) { try await commit($0) },
        ]
    }

    private func read(_ request: RouteRequest) async throws -> HTTPResponse {
        let parameters = try QueryParameters(request.http.query, allowed: Self.parameters)
        let reader = try reader(request)
        let page = try await query.page(reader, try Self.request(parameters))
        // It may have waited a minute: the right to it is looked at again before the bytes leave.
        guard catalog.snapshot.allows(try request.principal()) else { throw Problem.unauthorized }
        return HTTPResponse(
            status: 200,
            headers: [
                ("content-type", "application/x-ndjson"), ("cache-control", "no-store"),
                ("strm-next-cursor", page.nextCursor), ("strm-events", String(page.count)),
                ("strm-dropped", String(page.dropped)),
                ("strm-sealed-fields", String(page.sealedFields)),
            ], body: page.body)
    }

    private func commit(_ request: RouteRequest) async throws -> HTTPResponse {
        _ = try request.query()
        let reader = try reader(request)
        let consumer = request.parameter("consumer")
        let cursor = try request.object("cursor").requiredText("cursor")
        try await query.commit(reader, consumer: consumer, cursor: cursor)
        return Answer.noContent
    }

    private func reader(_ request: RouteRequest) throws(Problem) -> Query.Reader {
        let caller = try request.principal()
        return Query.Reader(
            client: caller.clientID, role: caller.role.rawValue,
            target: try caller.readTarget(
                of: request.parameter("stream"), in: catalog.snapshot))
    }

    /// Also for the WebSocket, which takes fewer of them.
    static func request(_ parameters: QueryParameters) throws(Problem) -> Query.Request {
        var keyLink: KeyLink?
        if let text = try parameters.text("keyLink") {
            guard let link = KeyLink(text) else {
                throw .invalid("keyLink", expected: "a UUID in lower case with hyphens")
            }
            keyLink = link
        }
        return Query.Request(
            cursor: try parameters.text("cursor"), from: try parameters.time("from"),
            to: try parameters.time("to"),
            limit: try parameters.integer("limit", in: 1...Query.Request.limitMax) ?? 1_000,
            waitSeconds: try parameters.seconds(
                "wait", in: 0...Query.Request.waitSecondsMax) ?? 0,
            consumer: try parameters.text("consumer"), keyLink: keyLink)
    }
}
