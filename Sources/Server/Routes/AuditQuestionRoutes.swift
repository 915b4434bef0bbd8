import Audit
import AuditProof
import HTTP
import Store

/// `/v1/audit/readers`, `reads`, `purposes`, `decisions`: who got what, and who decided it, each
/// answer with what it rests on.
///
/// A question looks at all entries between its times, in slices on the store's reader threads; one
/// runs at a time for each request, and a stop ends it.
struct AuditQuestionRoutes: Sendable {
    let audit: AuditLog
    let store: Store
    let catalog: Catalog

    var routes: [Route] {
        let access = Route.Access.roles(AuditRoutes.readers)
        func route(
            _ path: String, _ handle: @escaping Route.Handler
        ) -> Route {
            Route(
                method: .get, template: "/v1/audit/\(path)", access: access, work: .longPoll,
                handle: handle)
        }
        return [
            route("readers") { try await readers($0) }, route("reads") { try await reads($0) },
            route("purposes") { try await purposes($0) },
            route("decisions") { try await decisions($0) },
        ]
    }

    /// Who read a field.
    private func readers(_ request: RouteRequest) async throws -> HTTPResponse {
        let query = try request.query(
            "field", "from", "to", "client", "stream", "derivedStream", "purpose", "act")
        guard let field = try query.text("field") else {
            throw Problem.invalid("field", expected: "the path of a field, as its contract has it")
        }
        var filter = try filter(query)
        if let name = try query.text("act") {
            filter.acts = [try Self.act(name, "act", of: Self.readActs)]
        }
        let uses = try await audit.uses(
            matching: filter, ofField: field, countsSequences: true)
        return Answer.json(Self.answer(uses, filter, [("field", .string(field))]))
    }

    /// What was read, by a client or by all.
    private func reads(_ request: RouteRequest) async throws -> HTTPResponse {
        let query = try request.query(
            "client", "from", "to", "stream", "derivedStream", "purpose", "field", "act")
        var filter = try filter(query)
        if let name = try query.text("act") {
            filter.acts = [try Self.act(name, "act", of: Self.readActs)]
        }
        let uses = try await audit.uses(
            matching: filter, ofField: try query.text("field"), countsSequences: true)
        return Answer.json(Self.answer(uses, filter, [("client", .optional(filter.client))]))
    }

    /// For which purposes fields were opened.
    private func purposes(_ request: RouteRequest) async throws -> HTTPResponse {
        let query = try request.query(
            "from", "to", "client", "stream", "derivedStream", "purpose", "field")
        var filter = try filter(query)
        filter.acts = [.release, .keysExported]
        let meanings = try await audit.purposeMeanings()
        let uses = try await audit.uses(
            matching: filter, ofField: try query.text("field"), splitBy: meanings,
            countsSequences: false)
        let known = catalog.snapshot.purposes
        let items = LevelUses.all(of: uses, meanings).map {
            $0.wire(declared: known[$0.level]?.value)
        }
        return Answer.json([
            "items": .array(items),
            "keysExported": .array(
                uses.uses.filter { $0.way.act == .keysExported }.map { WireValue($0) }),
            "isCut": .bool(uses.isCut), "unknownEntries": WireValue(uses.unknown),
            "basis": WireValue(uses.basis),
            "notKnown": .texts(AuditLimits.ofReads(filter) + [AuditLimits.oldPurposes]),
        ])
    }

    /// Who decided what: entries as they stand in the log, page by page.
    private func decisions(_ request: RouteRequest) async throws -> HTTPResponse {
        let query = try request.query(
            "from", "to", "client", "stream", "derivedStream", "purpose", "field", "act", "after",
            "limit")
        var filter = try filter(query)
        filter.field = try query.text("field")
        filter.acts = Act.decisions
        if let name = try query.text("act") {
            filter.acts = [try Self.act(name, "act", of: Act.decisions)]
        }
        let after = UInt64(try query.integer("after", in: 0...Int.max) ?? 0)
        let limit = try query.integer("limit", in: 1...1_000) ?? 100
        let (audit, wanted) = (audit, filter)
        let tree = audit.tree
        // The answer says on which tree it rests: entries that came since are not in it.
        let page = try await store.readers.run {
            try audit.entries(
                matching: wanted, from: after, before: tree.size, limit: limit)
        }
        var writer = JSONWriter()
        writer.raw("{\"items\":[")
        for (index, entry) in page.lines.enumerated() {
            if index > 0 { writer.raw(",") }
            writer.raw(entry.line)
        }
        writer.raw("],\"next\":\(page.next),\"isComplete\":\(page.isComplete),")
        writer.raw("\"logSize\":\(tree.size),\"logRoot\":\"\(tree.root.base64)\"}")
        return HTTPResponse(
            status: 200, headers: [("content-type", "application/json")], body: writer.bytes)
    }

    private static let readActs: [Act] = [
        .release, .subjectAccessed, .keysExported, .rejectionShown,
    ]

    static func act(
        _ name: String, _ parameter: String, of known: [Act]
    ) throws(Problem) -> Act {
        guard let act = known.first(where: { $0.rawValue == name }) else {
            let names = known.map(\.rawValue).joined(separator: ", ")
            throw .invalid(parameter, expected: "one of \(names)")
        }
        return act
    }

    private func filter(_ query: QueryParameters) throws(Problem) -> AuditFilter {
        AuditFilter(
            from: try query.time("from"), to: try query.time("to"),
            client: try query.text("client"), stream: try query.text("stream"),
            derivedStream: try query.text("derivedStream"),
            purpose: try query.integer("purpose", in: 0...63))
    }

    private static func answer(
        _ uses: AuditUses, _ filter: AuditFilter, _ asked: [(name: String, value: WireValue)]
    ) -> WireValue {
        .object(
            asked + [
                ("uses", .array(uses.uses.map { WireValue($0) })), ("isCut", .bool(uses.isCut)),
                ("unknownEntries", WireValue(uses.unknown)), ("basis", WireValue(uses.basis)),
                ("notKnown", .texts(AuditLimits.ofReads(filter))),
            ])
    }
}
