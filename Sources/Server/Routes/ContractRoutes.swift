import Audit
import Contracts
import HTTP
import Store

/// `/v1/contracts`: a contract is written as a draft, approved by a second person, activated (then
/// it is frozen), archived at the end (`ContractRoutes+LifeCycle`).
struct ContractRoutes: Sendable {
    static let writers: [Role] = [.author, .administrator, .dpo]
    static let yamlTypes = ["application/yaml", "application/x-yaml", "text/yaml"]

    let catalog: Catalog
    let loader: ContractLoader
    let store: Store
    let policy: ApprovalPolicy
    let comparisons = VersionComparisons()

    var routes: [Route] {
        let one = "/v1/contracts/{handle}/{name}/{version}"
        return [
            Route(method: .get, template: "/v1/contracts", access: .anyClient) { try list($0) },
            Route(method: .post, template: "/v1/contracts", access: .roles(Self.writers)) {
                try await create($0)
            },
            Route(
                method: .post, template: "/v1/contracts/compare",
                access: .roles(Self.writers + [.auditor])
            ) {
                try await compare($0)
            },
            Route(method: .get, template: one, access: .anyClient) { try await get($0) },
            Route(method: .delete, template: one, access: .roles(Self.writers)) {
                try await delete($0)
            },
            Route(method: .put, template: one, access: .roles(Self.writers)) {
                try await replace($0)
            },
        ] + lifeCycleRoutes(one)
    }

    private func list(_ request: RouteRequest) throws -> HTTPResponse {
        _ = try request.query()
        let records = catalog.snapshot.contracts.values.map(\.value)
            .sorted { $0.number < $1.number }
        return Answer.json(["items": .array(records.map { .object(Self.members($0)) })])
    }

    private func get(_ request: RouteRequest) async throws -> HTTPResponse {
        _ = try request.query()
        let entry = try entry(request)
        return Answer.json(
            .object(Self.membersWithDocument(entry.value) + (try await review(entry.value))))
    }

    private func create(_ request: RouteRequest) async throws -> HTTPResponse {
        let isDryRun = try request.query("dryRun").flag("dryRun") == true
        let caller = try request.principal()
        let (document, contract) = try await compile(request)
        try checkPurposes(document)
        let ref = document.ref.description
        if catalog.snapshot.contracts[ref] != nil {
            throw Problem.conflict(
                "There is a contract of this name and version. Raise the version, or replace the "
                    + "text of a draft with PUT.")
        }
        guard !isDryRun else { return try preview(document, contract) }
        let touched = try purposeMutations(contract)
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
            ] + touched,
            recording: .by(
                caller, .contractCreated, contracts: [ref], detail: Self.detail(record)))
        try await load()
        var answer = Answer.json(
            .object(Self.members(record) + (try await review(record))), status: 201)
        answer.headers.append(("location", "/v1/contracts/\(ref)"))
        return answer
    }

    /// Another text for a draft: what a rejection asked for, without a new version.
    private func replace(_ request: RouteRequest) async throws -> HTTPResponse {
        _ = try request.query()
        let caller = try request.principal()
        let entry = try entry(request)
        let (document, contract) = try await compile(request)
        guard document.ref.description == entry.value.ref else {
            throw Problem.invalid(
                "/ref", expected: "the reference of the path, \(entry.value.ref)")
        }
        try checkPurposes(document)
        let touched = try purposeMutations(contract)
        let number = try catalog.takeNumber("contract")
        var record = entry.value
        try record.replaceDraft(
            document: String(decoding: document.canonicalJSON(), as: UTF8.self),
            schemaRef: document.schemaRef.description, number: number.number,
            by: caller.actor)
        try await catalog.commit(
            [
                number.mutation,
                try Catalog.put(
                    record, kind: ContractRecord.kind, name: record.ref,
                    expectedRevision: entry.revision),
            ] + touched,
            recording: .by(
                caller, .contractChanged, contracts: [record.ref], detail: Self.detail(record)))
        try await load()
        return Answer.json(.object(Self.members(record) + (try await review(record))))
    }

    /// The document of the body, checked against its schema and compiled.
    private func compile(
        _ request: RouteRequest
    ) async throws -> (document: ContractDocument, contract: Contract) {
        let (bytes, isYAML) = try Self.documentBody(request)
        // Compiling a schema and its regular expressions may take milliseconds: not on the pool of
        // tasks.
        return try await store.readers.run {
            () throws -> (document: ContractDocument, contract: Contract) in
            do throws(ContractError) {
                let document = try Self.parse(bytes, isYAML: isYAML)
                return (document, try Contract(document: document, number: 0, isNew: true))
            } catch {
                throw Problem(error)
            }
        }
    }

    private func checkPurposes(_ document: ContractDocument) throws(Problem) {
        let snapshot = catalog.snapshot
        for place in document.levelPlaces where snapshot.purposes[place.level] == nil {
            throw .unmapped([place.level], at: place.pointer)
        }
    }

    /// Refuses a contract with a level that has no purpose.
    /// - Returns: what keeps those purposes from being deleted at the same moment.
    func purposeMutations(_ contract: Contract) throws -> [Mutation] {
        let snapshot = catalog.snapshot
        guard let levels = ConsentLevels(contract.piiFields.map(\.level)) else { return [] }
        try snapshot.checkPurposes(levels, at: "/fieldMetadata")
        return try snapshot.touchPurposes(levels)
    }

    private func delete(_ request: RouteRequest) async throws -> HTTPResponse {
        _ = try request.query()
        let entry = try entry(request)
        guard entry.value.state == .draft else {
            throw Problem.conflict(
                "Only a draft can be deleted: events that name an active or archived contract "
                    + "need it to be read.")
        }
        try entry.value.checkAuthor(try request.principal().actor)
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

    /// The event loops see the new state before the answer leaves.
    func load() async throws { try await loader.load(catalog, store) }

    func entry(
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
            ("editedBy", .array((record.editedBy ?? []).map(WireValue.string))),
        ] + (record.approval.map { [("approval", $0.wire)] } ?? [])
    }

    /// What a reviewer should know.
    func warnings(_ record: ContractRecord) -> [(name: String, value: WireValue)] {
        loader.registry.contract(number: record.number).map(warnings) ?? []
    }

    func warnings(_ contract: Contract) -> [(name: String, value: WireValue)] {
        let items = contract.warnings.map { warning -> WireValue in
            [
                "pointer": .string(warning.pointer), "rule": .string(warning.rule),
                "text": .string(warning.text),
            ]
        }
        return [("warnings", .array(items))]
    }

    static func membersWithDocument(
        _ record: ContractRecord
    ) -> [(name: String, value: WireValue)] {
        members(record) + [("document", .json(Array(record.document.utf8)))]
    }
}
