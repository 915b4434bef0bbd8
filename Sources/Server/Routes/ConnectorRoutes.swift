import Audit
import Buckets
import Export
import HTTP
import Store
import Vault

/// `/v1/connectors`: buckets that exporters may write to. A connector is tested when it is made,
/// and its credentials are never shown again.
struct ConnectorRoutes: Sendable {
    let catalog: Catalog
    let vault: Vault
    let store: Store
    let audit: AuditLog
    let exporters: Exporters

    private static let readers: Route.Access = .roles([.administrator, .dpo, .auditor])

    var routes: [Route] {
        [
            Route(method: .get, template: "/v1/connectors", access: Self.readers) {
                try list($0)
            },
            Route(method: .post, template: "/v1/connectors", access: .roles([.administrator])) {
                try await create($0)
            },
            Route(method: .get, template: "/v1/connectors/{connector}", access: Self.readers) {
                try get($0)
            },
            Route(
                method: .delete, template: "/v1/connectors/{connector}",
                access: .roles([.administrator])
            ) { try await delete($0) },
            Route(
                method: .post, template: "/v1/connectors/{connector}/test",
                access: .roles([.administrator])
            ) { try await test($0) },
            Route(
                method: .put, template: "/v1/connectors/{connector}/credentials",
                access: .roles([.administrator])
            ) { try await replaceCredentials($0) },
        ]
    }

    private func list(_ request: RouteRequest) throws -> HTTPResponse {
        _ = try request.query()
        let records = catalog.snapshot.connectors.values.map(\.value).sorted { $0.name < $1.name }
        return Answer.json(["items": .array(records.map(Self.shown))])
    }

    private func get(_ request: RouteRequest) throws -> HTTPResponse {
        _ = try request.query()
        return Answer.json(Self.shown(try entry(request).value))
    }

    private func create(_ request: RouteRequest) async throws -> HTTPResponse {
        _ = try request.query()
        let choice = try ConnectorChoice(request)
        let caller = try request.principal()
        guard catalog.snapshot.connectors[choice.name] == nil else {
            throw Problem.conflict("There is a connector of this name.")
        }
        do throws(BucketError) {
            try Connectors.check(choice.location, choice.credentials, exporters.context)
        } catch {
            throw Problem(connector: error)
        }
        // On record before anything is sent: the caller chose where to.
        try await audit.append(
            .by(
                caller, .connectorTested,
                detail: Self.detail(choice.name, choice.location)))
        try await probe(choice.location, choice.credentials)
        let (vault, now) = (vault, request.now)
        let record = try await store.readers.run {
            try ConnectorRecord(
                name: choice.name, location: choice.location, credentials: choice.credentials,
                vault: vault, createdAt: now, createdBy: caller.clientID)
        }
        try await catalog.commit(
            [
                try Catalog.put(
                    record, kind: ConnectorRecord.kind, name: record.name, expectedRevision: nil)
            ],
            recording: .by(
                caller, .connectorCreated, detail: Self.detail(record.name, record.location)))
        var answer = Answer.json(Self.shown(record), status: 201)
        answer.headers.append(("location", "/v1/connectors/\(record.name)"))
        return answer
    }

    /// Keys are rotated without a break: the new ones are tried first, exporters that use the
    /// connector keep their places, and take the new ones with their next batch.
    private func replaceCredentials(_ request: RouteRequest) async throws -> HTTPResponse {
        _ = try request.query()
        let entry = try entry(request)
        let old = entry.value
        let credentials = try ConnectorChoice.credentials(request, for: old.location)
        try await audit.append(
            .by(
                try request.principal(), .connectorTested,
                detail: Self.detail(old.name, old.location)))
        try await probe(old.location, credentials)
        let vault = vault
        let record = try await store.readers.run {
            try ConnectorRecord(
                name: old.name, location: old.location, credentials: credentials, vault: vault,
                createdAt: old.createdAt, createdBy: old.createdBy)
        }
        try await catalog.commit(
            [
                try Catalog.put(
                    record, kind: ConnectorRecord.kind, name: old.name,
                    expectedRevision: entry.revision)
            ],
            recording: .by(
                try request.principal(), .connectorRekeyed,
                detail: Self.detail(old.name, old.location)))
        for exporter in catalog.snapshot.exporters.values where exporter.value.connector == old.name
        {
            exporters.retry(exporter.value.name)
        }
        return Answer.noContent
    }

    private func probe(
        _ location: BucketLocation, _ credentials: BucketCredentials
    ) async throws(Problem) {
        do throws(BucketError) {
            try await Connectors.probe(location, credentials, exporters.context)
        } catch {
            throw Problem(connector: error)
        }
    }

    private func test(_ request: RouteRequest) async throws -> HTTPResponse {
        _ = try request.query()
        let record = try entry(request).value
        try await audit.append(
            .by(
                try request.principal(), .connectorTested,
                detail: Self.detail(record.name, record.location)))
        do throws(BucketError) {
            try await Connectors.probe(record, exporters.context)
        } catch {
            throw Problem(connector: error)
        }
        return Answer.noContent
    }

    private func delete(_ request: RouteRequest) async throws -> HTTPResponse {
        _ = try request.query()
        let entry = try entry(request)
        let name = entry.value.name
        let users = catalog.snapshot.exporters.values.map(\.value)
            .filter { $0.connector == name }.map(\.name).sorted()
        guard users.isEmpty else {
            throw Problem.conflict(
                "Exporters use it: \(users.joined(separator: ", ")). Delete them first.")
        }
        try await catalog.commit(
            [
                Catalog.delete(
                    kind: ConnectorRecord.kind, name: name, expectedRevision: entry.revision)
            ],
            recording: .by(
                try request.principal(), .connectorDeleted,
                detail: Self.detail(name, entry.value.location)))
        return Answer.noContent
    }

    private func entry(
        _ request: RouteRequest
    ) throws(Problem) -> CatalogSnapshot.Entry<ConnectorRecord> {
        guard let entry = catalog.snapshot.connectors[request.parameter("connector")] else {
            throw .notFound("There is no connector of this name.")
        }
        return entry
    }

    /// Where events go, for the audit log: it outlives the connector.
    private static func detail(_ name: String, _ location: BucketLocation) -> [String: String] {
        var detail = ["connector": name]
        switch location {
        case .s3(let location):
            detail["location"] = "s3://\(location.bucket)"
            detail["endpoint"] = location.endpoint
            detail["role"] = location.role?.arn
            detail["sts-endpoint"] = location.role?.stsEndpoint
        case .gcs(let location):
            detail["location"] = "gs://\(location.bucket)"
            detail["endpoint"] = location.endpoint
        case .local(let location): detail["location"] = "local:\(location.path)"
        }
        return detail
    }

    static func shown(_ record: ConnectorRecord) -> WireValue {
        var members: [(name: String, value: WireValue)] = [("name", .string(record.name))]
        switch record.location {
        case .s3(let location):
            members += [
                ("type", "s3"), ("bucket", .string(location.bucket)),
                ("region", .string(location.region)), ("endpoint", .optional(location.endpoint)),
                ("pathStyle", .bool(location.usesPathStyle)),
                ("roleArn", .optional(location.role?.arn)),
            ]
        case .gcs(let location):
            members += [
                ("type", "gcs"), ("bucket", .string(location.bucket)),
                ("endpoint", .optional(location.endpoint)),
            ]
        case .local(let location):
            members += [("type", "local"), ("path", .string(location.path))]
        }
        members += [
            ("credentials", .string(record.credentialKind)),
            ("createdAt", .string(WireTime.format(record.createdAt))),
            ("createdBy", .string(record.createdBy)),
        ]
        return .object(members)
    }
}

extension Problem {
    /// A bucket that cannot be used. Settings that are wrong in themselves name their member.
    init(connector error: BucketError) {
        if case .invalid(let pointer, let expected) = error {
            self = .invalid(pointer, expected: expected)
            return
        }
        self.init(
            slug: "connector-test-failed", status: 422, title: "The bucket cannot be used",
            detail: error.description)
    }
}
