import Audit
import HTTP
import Store

/// `/v1/clients`: who may use the server. Administrators only.
struct ClientRoutes: Sendable {
    let catalog: Catalog
    let secrets: ClientSecrets

    var routes: [Route] {
        [
            Route(method: .get, template: "/v1/clients", access: .roles([.administrator])) {
                try list($0)
            },
            Route(method: .post, template: "/v1/clients", access: .roles([.administrator])) {
                try await create($0)
            },
            Route(
                method: .get, template: "/v1/clients/{client}", access: .roles([.administrator])
            ) { try get($0) },
            Route(
                method: .delete, template: "/v1/clients/{client}",
                access: .roles([.administrator])
            ) { try await delete($0) },
        ]
    }

    private func list(_ request: RouteRequest) throws -> HTTPResponse {
        _ = try request.query()
        let records = catalog.snapshot.clients.values.map(\.value)
            .sorted { ($0.createdAt, $0.id) < ($1.createdAt, $1.id) }
        return Answer.json(["items": .array(records.map(Self.shown))])
    }

    private func get(_ request: RouteRequest) throws -> HTTPResponse {
        _ = try request.query()
        return Answer.json(Self.shown(try entry(request).value))
    }

    private func create(_ request: RouteRequest) async throws -> HTTPResponse {
        _ = try request.query()
        let body = try request.object("role", "scope")
        let names = Role.allCases.map(\.rawValue).joined(separator: ", ")
        guard let role = Role(rawValue: try body.requiredText("role")) else {
            throw Problem.invalid("/role", expected: "one of \(names)")
        }
        let scope = try body.text("scope")
        let touched = try scopeMutations(role, scope)
        let caller = try request.principal()
        let client = try NewClient(role: role, scope: scope, secrets: secrets, now: request.now)
        try await catalog.commit(
            [client.mutation] + touched,
            recording: .by(
                caller, .clientCreated, stream: scope,
                detail: ["client": client.record.id, "role": role.rawValue]))
        var answer = Answer.secret(client.shown, status: 201)
        answer.headers.append(("location", "/v1/clients/\(client.record.id)"))
        return answer
    }

    /// Checks that role and scope belong together.
    /// - Returns: what keeps the stream from being deleted at the same moment.
    private func scopeMutations(_ role: Role, _ scope: String?) throws -> [Mutation] {
        let snapshot = catalog.snapshot
        switch role {
        case .author, .auditor, .dpo, .administrator:
            guard scope == nil else {
                throw Problem.invalid("/scope", expected: "nothing for the role \(role.rawValue)")
            }
            return []
        case .sender, .streamOwner, .reader:
            guard let scope else {
                throw Problem.invalid("/scope", expected: "the name of a stream")
            }
            if let stream = snapshot.streams[scope] {
                return [
                    try Catalog.put(
                        stream.value, kind: StreamDefinition.kind, name: scope,
                        expectedRevision: stream.revision)
                ]
            }
            if let derived = snapshot.derivedStreams[scope] {
                guard role == .reader else {
                    throw Problem.invalid(
                        "/scope", expected: "a stream that is not derived for \(role.rawValue)")
                }
                return [
                    try Catalog.put(
                        derived.value, kind: DerivedStreamDefinition.kind, name: scope,
                        expectedRevision: derived.revision)
                ]
            }
            throw Problem.notFound("There is no stream of the name given in scope.")
        }
    }

    private func delete(_ request: RouteRequest) async throws -> HTTPResponse {
        _ = try request.query()
        let entry = try entry(request)
        let caller = try request.principal()
        let administrators = catalog.snapshot.clients.values.filter {
            $0.value.role == .administrator && !$0.value.isDisabled
        }
        guard entry.value.role != .administrator || administrators.count > 1 else {
            throw Problem.conflict("This is the last administrator. Make another one first.")
        }
        var mutations = [
            Catalog.delete(
                kind: ClientRecord.kind, name: entry.value.id, expectedRevision: entry.revision)
        ]
        // Two administrators that delete each other at the same moment: one of them stays.
        if entry.value.role == .administrator,
            let other = administrators.first(where: { $0.value.id != entry.value.id })
        {
            mutations.append(
                try Catalog.put(
                    other.value, kind: ClientRecord.kind, name: other.value.id,
                    expectedRevision: other.revision))
        }
        try await catalog.commit(
            mutations,
            recording: .by(
                caller, .clientDeleted, stream: entry.value.scope,
                detail: ["client": entry.value.id, "role": entry.value.role.rawValue]))
        return Answer.noContent
    }

    private func entry(
        _ request: RouteRequest
    ) throws(Problem) -> CatalogSnapshot.Entry<ClientRecord> {
        guard let entry = catalog.snapshot.clients[request.parameter("client")] else {
            throw .notFound("There is no client of this id.")
        }
        return entry
    }

    private static func shown(_ record: ClientRecord) -> WireValue {
        [
            "clientId": .string(record.id), "role": .string(record.role.rawValue),
            "scope": .optional(record.scope),
            "createdAt": .string(WireTime.format(record.createdAt)),
            "isDisabled": .bool(record.isDisabled),
        ]
    }
}
