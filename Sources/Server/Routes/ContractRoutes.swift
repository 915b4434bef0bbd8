import Audit
import Contracts
import HTTP
import Store

/// `/v1/contracts`: a contract is created as a draft, activated once (then it is frozen), archived
/// at the end.
struct ContractRoutes: Sendable {
    static let managers: [Role] = [.administrator, .dpo]
    static let yamlTypes = ["application/yaml", "application/x-yaml", "text/yaml"]

    let catalog: Catalog
    let loader: ContractLoader
    let store: Store

    var routes: [Route] {
        let one = "/v1/contracts/{handle}/{name}/{version}"
        return [
            Route(method: .get, template: "/v1/contracts", access: .anyClient) { try list($0) },
            Route(method: .post, template: "/v1/contracts", access: .roles(Self.managers)) {
                try await create($0)
            },
            Route(method: .get, template: one, access: .anyClient) { try get($0) },
            Route(method: .delete, template: one, access: .roles(Self.managers)) {
                try await delete($0)
            },
            Route(method: .post, template: one + "/activate", access: .roles(Self.managers)) {
                try await move($0, from: .draft, to: .active, act: .contractActivated)
            },
            Route(method: .post, template: one + "/archive", access: .roles(Self.managers)) {
                try await move($0, from: .active, to: .archived, act: .contractArchived)
            },
        ]
    }

    private func list(_ request: RouteRequest) throws -> HTTPResponse {
        _ = try request.query()
        let records = catalog.snapshot.contracts.values.map(\.value)
            .sorted { $0.number < $1.number }
        return Answer.json(["items": .array(records.map { .object(Self.members($0)) })])
    }

    private func get(_ request: RouteRequest) throws -> HTTPResponse {
        _ = try request.query()
        let entry = try entry(request)
        return Answer.json(.object(try Self.membersWithDocument(entry.value)))
    }

    private func create(_ request: RouteRequest) async throws -> HTTPResponse {
        _ = try request.query()
        let caller = try request.principal()
        let type = request.mediaType ?? "application/json"
        guard type == "application/json" || Self.yamlTypes.contains(type) else {
            throw Problem.unsupportedMediaType(["application/json", "application/yaml"])
        }
        let bytes = request.http.body
        let isYAML = type != "application/json"
        // Compiling a schema and its regular expressions may take milliseconds: not on the pool of
        // tasks.
        let document = try await store.readers.run { () throws -> ContractDocument in
            do throws(ContractError) {
                let document =
                    isYAML ? try ContractDocument(yaml: bytes) : try ContractDocument(json: bytes)
                _ = try Contract(document: document, number: 0)
                return document
            } catch {
                throw Problem(error)
            }
        }
        let ref = document.ref.description
        if catalog.snapshot.contracts[ref] != nil {
            throw Problem.conflict(
                "There is a contract of this name and version. Raise the version.")
        }
        let number = try catalog.takeNumber("contract")
        let record = ContractRecord(
            ref: ref, schemaRef: document.schemaRef.description, number: number.number,
            state: .draft, document: String(decoding: document.canonicalJSON(), as: UTF8.self),
            createdAt: request.now, createdBy: caller.clientID)
        try await catalog.commit(
            [
                number.mutation,
                try Catalog.put(
                    record, kind: ContractRecord.kind, name: ref, expectedRevision: nil),
            ], recording: .by(caller, .contractCreated, contracts: [ref]))
        try await load()
        var answer = Answer.json(.object(Self.members(record)), status: 201)
        answer.headers.append(("location", "/v1/contracts/\(ref)"))
        return answer
    }

    private func delete(_ request: RouteRequest) async throws -> HTTPResponse {
        _ = try request.query()
        let entry = try entry(request)
        guard entry.value.state == .draft else {
            throw Problem.conflict(
                "Only a draft can be deleted: events that name an active or archived contract "
                    + "need it to be read.")
        }
        try await catalog.commit(
            [
                Catalog.delete(
                    kind: ContractRecord.kind, name: entry.value.ref,
                    expectedRevision: entry.revision)
            ],
            recording: .by(
                try request.principal(), .contractDeleted, contracts: [entry.value.ref]))
        try await load()
        return Answer.noContent
    }

    private func move(
        _ request: RouteRequest, from: ContractRecord.State, to: ContractRecord.State, act: Act
    ) async throws -> HTTPResponse {
        _ = try request.query()
        let entry = try entry(request)
        guard entry.value.state == from else {
            throw Problem.conflict(
                "The contract must be \(from.rawValue) for this; "
                    + "it is \(entry.value.state.rawValue)."
            )
        }
        var record = entry.value
        record.state = to
        try await catalog.commit(
            [
                try Catalog.put(
                    record, kind: ContractRecord.kind, name: record.ref,
                    expectedRevision: entry.revision)
            ], recording: .by(try request.principal(), act, contracts: [record.ref]))
        try await load()
        return Answer.json(.object(Self.members(record)))
    }

    /// The event loops see the new state before the answer leaves.
    private func load() async throws {
        try await store.readers.run { [loader, catalog] in try loader.load { catalog.snapshot } }
    }

    private func entry(
        _ request: RouteRequest
    ) throws(Problem) -> CatalogSnapshot.Entry<ContractRecord> {
        let ref = ["handle", "name", "version"].map(request.parameter).joined(separator: "/")
        guard let entry = catalog.snapshot.contracts[ref] else {
            throw .notFound("There is no contract of this handle, name and version.")
        }
        return entry
    }

    static func members(_ record: ContractRecord) -> [(name: String, value: WireValue)] {
        [
            ("ref", .string(record.ref)), ("schemaRef", .string(record.schemaRef)),
            ("state", .string(record.state.rawValue)), ("number", .integer(Int64(record.number))),
            ("createdAt", .string(WireTime.format(record.createdAt))),
            ("createdBy", .string(record.createdBy)),
        ]
    }

    static func membersWithDocument(
        _ record: ContractRecord
    ) throws -> [(name: String, value: WireValue)] {
        do {
            return members(record) + [
                ("document", try WireParser.parse(Array(record.document.utf8)))
            ]
        } catch {
            throw StoreError.corrupt("the document of contract \(record.ref)")
        }
    }
}
