import Audit
import HTTP
import Store

/// `/v1/audit`: entries with filters, and the log itself as C2SP tlog-tiles, so that tools that are
/// not ours verify it.
struct AuditRoutes: Sendable {
    static let readers: [Role] = [.auditor, .dpo, .administrator]

    let audit: AuditLog
    let store: Store

    var routes: [Route] {
        let access = Route.Access.roles(Self.readers)
        return [
            Route(method: .get, template: "/v1/audit/entries", access: access) {
                try await entries($0)
            },
            Route(method: .get, template: "/v1/audit/checkpoint", access: access) { request in
                _ = try request.query()
                return Answer.text(try await checkpoint())
            },
            Route(method: .get, template: "/v1/audit/verifier-key", access: access) { request in
                _ = try request.query()
                return Answer.text(audit.verifierKey + "\n")
            },
            Route(method: .get, template: "/v1/audit/tile/{path...}", access: access) {
                try await tile($0)
            },
            Route(method: .post, template: "/v1/audit/exports", access: access) {
                try await export($0)
            },
        ]
    }

    private func entries(_ request: RouteRequest) async throws -> HTTPResponse {
        let query = try request.query(
            "from", "to", "act", "client", "stream", "derivedStream", "field", "purpose", "after",
            "limit")
        var act: Act?
        if let name = try query.text("act") {
            guard let known = Act(rawValue: name) else {
                let names = Act.allCases.map(\.rawValue).joined(separator: ", ")
                throw Problem.invalid("act", expected: "one of \(names)")
            }
            act = known
        }
        let filter = AuditFilter(
            from: try query.time("from"), to: try query.time("to"), act: act,
            client: try query.text("client"), stream: try query.text("stream"),
            derivedStream: try query.text("derivedStream"), field: try query.text("field"),
            purpose: try query.integer("purpose", in: 0...63))
        let after = UInt64(try query.integer("after", in: 0...Int.max) ?? 0)
        let limit = try query.integer("limit", in: 1...1_000) ?? 100
        let page = try await store.readers.run { [audit] in
            try audit.entries(matching: filter, from: after, limit: limit)
        }
        // A line of the log is JSON already: it goes out as it stands there, byte for byte.
        var writer = JSONWriter()
        writer.raw("{\"items\":[")
        for (index, entry) in page.lines.enumerated() {
            if index > 0 { writer.raw(",") }
            writer.raw(entry.line)
        }
        writer.raw("],\"next\":\(page.next),\"isComplete\":\(page.isComplete)}")
        return HTTPResponse(
            status: 200, headers: [("content-type", "application/json")], body: writer.bytes)
    }

    private func checkpoint() async throws -> String {
        try await store.readers.run { [audit] in try audit.checkpoint() }
    }

    private func tile(_ request: RouteRequest) async throws -> HTTPResponse {
        _ = try request.query()
        let path = "tile/" + request.parameter("path")
        let bytes = try await store.readers.run { [audit] in try audit.tile(path) }
        guard let bytes else {
            throw Problem.notFound(
                "The log has no such tile yet, or the path is not one of tlog-tiles.")
        }
        return HTTPResponse(
            status: 200, headers: [("content-type", "application/octet-stream")], body: bytes)
    }

    /// Puts on record that the log is taken out, and gives the checkpoint behind that entry to
    /// begin with.
    private func export(_ request: RouteRequest) async throws -> HTTPResponse {
        _ = try request.query()
        try await audit.append(.by(try request.principal(), .auditExported))
        return Answer.text(try await checkpoint())
    }
}
