import Audit
import Contracts
import FoundationEssentials
import HTTP
import Ingest
import Query
import Store

/// `/v1/streams/{stream}/rejections`: refused events that a stream keeps.
struct KeptRejectionRoutes: Sendable {
    let catalog: Catalog
    let store: Store
    let ingest: Ingest
    let query: Query

    static let path = "/v1/streams/{stream}/rejections"

    var routes: [Route] {
        [
            Route(
                method: .put, template: Self.path, access: .roles([.dpo])
            ) { try await decide($0) }
            .retryingConflicts(catalog),
            Route(
                method: .get, template: Self.path,
                access: .roles([.dpo, .administrator, .streamOwner])
            ) { try await list($0) },
            Route(
                method: .post, template: "\(Self.path)/show", access: .roles([.dpo])
            ) { try await show($0) },
        ]
    }

    /// Whether refused bodies are kept: the decision of a data protection officer, because nobody
    /// has checked what is in them.
    private func decide(_ request: RouteRequest) async throws -> HTTPResponse {
        _ = try request.query()
        guard let keeps = try request.object("keeps").flag("keeps") else {
            throw Problem.invalid("/keeps", expected: "true or false")
        }
        let caller = try request.principal()
        var entry = try entry(of: request)
        if keeps {
            // First: a crash in between leaves empty partitions, which the next decision finds.
            let partitions = entry.value.rejectionPartitions
            let retention = entry.value.retention
            try await store.readers.run { [store] in
                for partition in partitions {
                    try store.openPartition(partition, retention: retention)
                }
            }
        }
        entry.value.keepsRejections = keeps ? true : nil
        try await catalog.commit(
            [
                try Catalog.put(
                    entry.value, kind: StreamDefinition.kind, name: entry.value.name,
                    expectedRevision: entry.revision)
            ],
            recording: .by(
                caller, keeps ? .rejectionKeepingStarted : .rejectionKeepingStopped,
                stream: entry.value.name))
        return Answer.noContent
    }

    private func list(_ request: RouteRequest) async throws -> HTTPResponse {
        let query = try request.query("from", "limit", "cursor")
        let stream = try entry(of: request).value
        let start = try Self.offset(try query.text("cursor"), at: "cursor")
        let limit = try query.integer("limit", in: 1...Query.rejectionsMax) ?? 100
        let from = try query.time("from")
        // What was refused before this question is found by it.
        await ingest.keeper.settle()
        let page = try await self.query.rejections(
            of: stream, from: from, start: start, limit: limit)
        let statistics = ingest.keeper.statistics(of: stream.id)
        let notKept = statistics.notKept.sorted { $0.key < $1.key }.map {
            (name: $0.key.rawValue, value: WireValue.integer(Int64(clamping: $0.value)))
        }
        return Answer.json([
            "items": .array(page.items.map { .object(Self.members($0)) }),
            "nextCursor": page.isAtEnd ? .null : .string(page.next.description),
            "keeps": .bool(stream.keepsRejections ?? false),
            "notKept": .object(notKept),
        ])
    }

    private func show(_ request: RouteRequest) async throws -> HTTPResponse {
        _ = try request.query()
        guard let number = try request.object("offset").integer("offset", in: 0...Int.max) else {
            throw Problem.invalid("/offset", expected: "the offset of a kept event")
        }
        let caller = try request.principal()
        let stream = try entry(of: request).value
        await ingest.keeper.settle()
        let opened = try await query.showRejection(
            of: stream, offset: Offset(rawValue: UInt64(number)), to: caller.clientID,
            role: caller.role.rawValue)
        guard let opened else {
            throw Problem.notFound("No refused event is kept at this offset, or it has expired.")
        }
        var members = Self.members(opened.rejection)
        if let text = String(validating: opened.body.body, as: UTF8.self) {
            members += [("encoding", "utf-8"), ("body", .string(text))]
        } else {
            members += [
                ("encoding", "base64"),
                ("body", .string(Data(opened.body.body).base64EncodedString())),
            ]
        }
        return Answer.secret(.object(members))
    }

    /// The place that a cursor names; nil: the beginning.
    static func offset(_ cursor: String?, at parameter: String) throws(Problem) -> Offset {
        guard let cursor else { return Offset(rawValue: 0) }
        guard cursor.utf8.count <= 18, cursor.utf8.allSatisfy({ (0x30...0x39).contains($0) }),
            let number = UInt64(cursor)
        else { throw .invalid(parameter, expected: "a cursor that this stream gave") }
        return Offset(rawValue: number)
    }

    /// The stream of the request, if the caller may know of it.
    func entry(
        of request: RouteRequest
    ) throws(Problem) -> CatalogSnapshot.Entry<StreamDefinition> {
        let name = request.parameter("stream")
        if let scope = try request.principal().scope, scope != name {
            throw .forbidden("This client may see only the stream that it was made for.")
        }
        let snapshot = catalog.snapshot
        guard let entry = snapshot.streams[name] else {
            if snapshot.derivedStreams[name] != nil {
                throw .conflict("Events are refused by streams; this is a derived stream.")
            }
            throw .notFound("There is no stream of this name.")
        }
        return entry
    }

    private static func members(
        _ rejection: Query.Rejection
    ) -> [(name: String, value: WireValue)] {
        let about = rejection.about
        var members: [(name: String, value: WireValue)] = [
            ("offset", .integer(Int64(clamping: rejection.offset.rawValue))),
            ("rejectedAt", .string(WireTime.format(rejection.at))),
            ("client", .string(about.client)), ("contract", .string(about.contract)),
            ("kind", .string(about.kind)), ("rule", .string(about.rule)),
        ]
        if let ruleId = about.ruleId { members.append(("ruleId", .string(ruleId))) }
        return members + [
            ("place", .string(about.place)), ("bytes", .integer(Int64(about.byteCount))),
            ("isReplayed", .bool(rejection.isReplayed)),
        ]
    }
}
