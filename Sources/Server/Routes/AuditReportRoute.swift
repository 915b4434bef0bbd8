import Audit
import Contracts
import HTTP
import Query
import Store

/// `GET /v1/audit/report`: the record of processing of a period, as JSON or as one HTML document.
struct AuditReportRoute: Sendable {
    /// Decisions listed at most.
    static let decisionsMax = 1_000

    let audit: AuditLog
    let store: Store
    let catalog: Catalog
    let registry: ContractRegistry
    let query: Query

    var route: Route {
        Route(
            method: .get, template: "/v1/audit/report", access: .roles(AuditRoutes.readers),
            work: .longPoll
        ) { try await report($0) }
    }

    private func report(_ request: RouteRequest) async throws -> HTTPResponse {
        let query = try request.query("from", "to", "format")
        let format = try query.text("format") ?? "json"
        guard ["json", "html"].contains(format) else {
            throw Problem.invalid("format", expected: "json or html")
        }
        let from = try query.time("from")
        let to = try query.time("to")
        let observed = try await audit.period(from: from, to: to)
        let (decisions, areCut) = try await decisions(
            from, to, before: observed.uses.basis.size)
        let snapshot = catalog.snapshot
        var report = ProcessingReport(
            from: from, to: to ?? request.now, madeAt: request.now, catalog: snapshot,
            contracts: registry.snapshot().contracts, uses: observed.uses,
            fields: observed.fields, decisions: decisions, decisionsAreCut: areCut)
        let people = try await self.query.people(
            of: observed.fields.links, in: snapshot.streams.values.map(\.value.id))
        report.count(people)
        guard format == "html" else { return Answer.json(report.json) }
        return HTTPResponse(
            status: 200,
            headers: [
                ("content-type", "text/html; charset=utf-8"),
                (
                    "content-security-policy",
                    "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'"
                ),
                ("x-content-type-options", "nosniff"),
            ], body: Array(report.html.utf8))
    }

    /// Page after page, each on a reader thread.
    private func decisions(
        _ from: Milliseconds?, _ to: Milliseconds?, before end: UInt64
    ) async throws -> ([String], Bool) {
        var filter = AuditFilter(from: from, to: to)
        filter.acts = Act.decisions
        let wanted = filter
        var lines: [String] = []
        var next: UInt64 = 0
        while true {
            let start = next
            let limit = Self.decisionsMax + 1 - lines.count
            let page = try await store.readers.run { [audit] in
                try audit.entries(matching: wanted, from: start, before: end, limit: limit)
            }
            lines += page.lines.map(\.line)
            next = page.next
            if page.isComplete || lines.count > Self.decisionsMax { break }
            try Task.checkCancellation()
        }
        return (Array(lines.prefix(Self.decisionsMax)), lines.count > Self.decisionsMax)
    }
}
