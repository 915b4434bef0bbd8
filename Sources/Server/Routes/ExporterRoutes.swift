import Audit
import Buckets
import Contracts
import Export
import HTTP
import Query
import Store

/// `/v1/exporters`: periodic copies of streams and derived streams into buckets.
struct ExporterRoutes: Sendable {
    let catalog: Catalog
    let store: Store
    let exporters: Exporters
    let intervalSecondsMin: Int

    private static let readers: Route.Access = .roles([.administrator, .dpo, .auditor])
    private static let deciders: Route.Access = .roles([.administrator, .dpo])

    var routes: [Route] {
        [
            Route(method: .get, template: "/v1/exporters", access: Self.readers) { try list($0) },
            Route(method: .post, template: "/v1/exporters", access: Self.deciders) {
                try await create($0)
            },
            Route(method: .get, template: "/v1/exporters/{exporter}", access: Self.readers) {
                try get($0)
            },
            Route(method: .delete, template: "/v1/exporters/{exporter}", access: Self.deciders) {
                try await delete($0)
            },
            Route(
                method: .post, template: "/v1/exporters/{exporter}/pause", access: Self.deciders
            ) { try await setPaused(true, $0) },
            Route(
                method: .post, template: "/v1/exporters/{exporter}/resume", access: Self.deciders
            ) { try await setPaused(false, $0) },
        ]
    }

    private func list(_ request: RouteRequest) throws -> HTTPResponse {
        _ = try request.query()
        return Answer.json(["items": .array(exporters.statuses.map(shown))])
    }

    private func get(_ request: RouteRequest) throws -> HTTPResponse {
        _ = try request.query()
        guard let status = exporters.status(request.parameter("exporter")) else {
            throw Self.missing
        }
        return Answer.json(shown(status))
    }

    private func create(_ request: RouteRequest) async throws -> HTTPResponse {
        _ = try request.query()
        let body = try request.object(
            "name", "stream", "connector", "intervalSeconds", "pathPrefix",
            "includeExistingEvents", "compression", "batchBytesMax", "includeKeys")
        let caller = try request.principal()
        let snapshot = catalog.snapshot
        var definition = try definition(body, caller, request.now)
        guard let target = snapshot.target(definition.stream) else {
            throw Problem.notFound("There is no stream of the name given in stream.")
        }
        guard target.derived?.isApproved != false else { throw Problem.notApproved }
        guard let connector = snapshot.connectors[definition.connector] else {
            throw Problem.notFound("There is no connector of the name given in connector.")
        }
        definition.includesKeys = try keys(body, target)
        try refuseTaken(definition, snapshot)
        let source = target.source
        let includesExisting = try body.flag("includeExistingEvents") ?? false
        let progress = ExporterProgress(
            nextOffsets: source.partitionIDs.map {
                includesExisting ? Offset(rawValue: 0) : store.tail($0)
            })
        try await catalog.commit(
            [
                try Catalog.put(
                    definition, kind: ExporterDefinition.kind, name: definition.name,
                    expectedRevision: nil),
                try progress.mutation(definition.name, expectedRevision: nil),
                // Neither can be deleted at the same moment.
                try Catalog.put(
                    connector.value, kind: ConnectorRecord.kind, name: definition.connector,
                    expectedRevision: connector.revision),
                try touch(definition.stream, snapshot),
            ],
            recording: .by(
                caller, .exporterCreated, stream: source.name,
                derivedStream: target.derived?.name,
                purposes: target.derived?.levels.levels ?? [],
                detail: [
                    "exporter": definition.name, "connector": definition.connector,
                    "existing-events": String(includesExisting),
                    "keys": String(definition.includesKeys),
                ]))
        try update()
        guard let status = exporters.status(definition.name) else { throw Self.missing }
        var answer = Answer.json(shown(status), status: 201)
        answer.headers.append(("location", "/v1/exporters/\(definition.name)"))
        return answer
    }

    private func definition(
        _ body: BodyObject, _ caller: Principal, _ now: Milliseconds
    ) throws(Problem) -> ExporterDefinition {
        let stream = try body.requiredText("stream")
        let connector = try body.requiredText("connector")
        let name = try StreamName.check(
            try body.text("name") ?? "\(stream)-\(connector)", at: "/name")
        var definition = ExporterDefinition(
            name: name, stream: stream, connector: connector, createdAt: now,
            createdBy: caller.clientID)
        let shortest = intervalSecondsMin
        definition.intervalSeconds =
            try body.integer(
                "intervalSeconds", in: shortest...ExporterDefinition.intervalSecondsMax)
            ?? max(60, shortest)
        definition.batchBytesMax =
            try body.integer("batchBytesMax", in: ExporterDefinition.batchBytesRange)
            ?? ExporterDefinition.batchBytesDefault
        definition.pathPrefix = try body.text("pathPrefix") ?? ""
        guard definition.pathPrefix.isEmpty || ObjectName.isPathPrefix(definition.pathPrefix) else {
            throw .invalid(
                "/pathPrefix",
                expected: "parts of A-Z a-z 0-9 ! _ . * ' ( ) = - between single slashes, "
                    + "at most 512 bytes, the first a letter or digit, no ..")
        }
        if let text = try body.text("compression") {
            guard let compression = ExporterDefinition.Compression(rawValue: text) else {
                throw .invalid("/compression", expected: "one of none, gzip, zstd")
            }
            definition.compression = compression
        }
        return definition
    }

    private func keys(_ body: BodyObject, _ target: ReadTarget) throws(Problem) -> Bool {
        guard try body.flag("includeKeys") ?? false else { return false }
        guard case .stream(let stream) = target else {
            throw .invalid("/includeKeys", expected: "false for a derived stream")
        }
        guard stream.allowsKeyExport ?? false else {
            throw .forbidden(
                "A data protection officer has not allowed the export of this stream's keys.")
        }
        return true
    }

    private func refuseTaken(
        _ definition: ExporterDefinition, _ snapshot: CatalogSnapshot
    ) throws(Problem) {
        guard snapshot.exporters[definition.name] == nil else {
            throw .conflict("There is an exporter of this name.")
        }
        func place(_ exporter: ExporterDefinition) -> String? {
            snapshot.connectors[exporter.connector]?.value.location
                .place(prefix: exporter.pathPrefix)
        }
        // Not only by the same connector: two may lead to the same bucket.
        let others = snapshot.exporters(of: definition.stream)
        if let other = others.first(where: { place($0) == place(definition) }) {
            throw .conflict(
                "The exporter \(other.name) writes this stream there already. "
                    + "Choose another pathPrefix.")
        }
    }

    private func touch(_ name: String, _ snapshot: CatalogSnapshot) throws -> Mutation {
        if let stream = snapshot.streams[name] {
            return try Catalog.put(
                stream.value, kind: StreamDefinition.kind, name: name,
                expectedRevision: stream.revision)
        }
        guard let derived = snapshot.derivedStreams[name] else { throw Self.missing }
        return try Catalog.put(
            derived.value, kind: DerivedStreamDefinition.kind, name: name,
            expectedRevision: derived.revision)
    }

    private func setPaused(_ isPaused: Bool, _ request: RouteRequest) async throws -> HTTPResponse {
        _ = try request.query()
        var entry = try entry(request)
        // Also for one that is not paused but fails: it need not wait for its next try.
        if !isPaused { exporters.retry(entry.value.name) }
        guard entry.value.isPaused != isPaused else { return Answer.noContent }
        entry.value.isPaused = isPaused
        try await catalog.commit(
            [
                try Catalog.put(
                    entry.value, kind: ExporterDefinition.kind, name: entry.value.name,
                    expectedRevision: entry.revision)
            ],
            recording: record(isPaused ? .exporterPaused : .exporterResumed, entry.value, request))
        try update()
        return Answer.noContent
    }

    private func delete(_ request: RouteRequest) async throws -> HTTPResponse {
        _ = try request.query()
        let entry = try entry(request)
        let name = entry.value.name
        try await catalog.commit(
            [
                Catalog.delete(
                    kind: ExporterDefinition.kind, name: name, expectedRevision: entry.revision),
                .deleteDocument(ExporterProgress.key(name), expectedRevision: 0),
            ],
            recording: record(.exporterDeleted, entry.value, request))
        try update()
        return Answer.noContent
    }

    private func record(
        _ act: Act, _ exporter: ExporterDefinition, _ request: RouteRequest
    ) throws -> AuditEntry {
        // A stream cannot be deleted while it has an exporter, so there is one.
        let target = catalog.snapshot.target(exporter.stream)
        return .by(
            try request.principal(), act, stream: target?.source.name,
            derivedStream: target?.derived?.name, detail: ["exporter": exporter.name])
    }

    private func update() throws {
        try exporters.update { [catalog] in catalog.snapshot.exporters.values.map(\.value) }
    }

    private func entry(
        _ request: RouteRequest
    ) throws(Problem) -> CatalogSnapshot.Entry<ExporterDefinition> {
        guard let entry = catalog.snapshot.exporters[request.parameter("exporter")] else {
            throw Self.missing
        }
        return entry
    }

    private static let missing = Problem.notFound("There is no exporter of this name.")
}
