import HTTP
import Ingest
import Store

/// What was refused: counts, for all who answer for the quality of data.
struct RejectionRoutes: Sendable {
    let ingest: Ingest
    let startedAt: Milliseconds

    var routes: [Route] {
        [
            Route(
                method: .get, template: "/v1/rejections",
                access: .roles([.author, .dpo, .administrator, .auditor, .streamOwner, .sender])
            ) { try counts($0) }
        ]
    }

    /// Whoever belongs to one stream sees the rows of that stream alone.
    private func counts(_ request: RouteRequest) throws -> HTTPResponse {
        let query = try request.query("stream", "client", "contract", "limit")
        var stream = try query.text("stream")
        if let scope = try request.principal().scope {
            guard stream == nil || stream == scope else {
                throw Problem.forbidden(
                    "This client may see only the stream that it was made for.")
            }
            stream = scope
        }
        let client = try query.text("client")
        let contract = try query.text("contract")
        let limit = try query.integer("limit", in: 1...RejectionCounts.rowsMax) ?? 1_000
        let rows = ingest.rejections.rows.filter { row in
            (stream == nil || row.key.stream == stream)
                && (client == nil || row.key.client == client)
                && (contract == nil || row.key.contract == contract)
        }
        return Answer.json([
            "since": .string(WireTime.format(startedAt)),
            "total": .integer(Int64(clamping: rows.reduce(UInt64(0)) { $0 + $1.row.count })),
            "items": .array(rows.prefix(limit).map { Self.item($0.key, $0.row) }),
        ])
    }

    private static func item(_ key: RejectionCounts.Key, _ row: RejectionCounts.Row) -> WireValue {
        var members: [(name: String, value: WireValue)] = [
            ("stream", .string(key.stream)), ("client", .string(key.client)),
            ("contract", .string(key.contract)), ("kind", .string(key.kind)),
            ("rule", .string(key.rule)),
        ]
        if !key.ruleId.isEmpty { members.append(("ruleId", .string(key.ruleId))) }
        members += [
            ("place", .string(key.place)), ("count", .integer(Int64(clamping: row.count))),
            ("firstAt", .string(WireTime.format(row.firstAt))),
            ("lastAt", .string(WireTime.format(row.lastAt))),
        ]
        return .object(members)
    }
}
