import Audit
import AuditProof
import Contracts
import Crypto
import HTTP
import Store

/// `/v1/purposes`: the purpose map, which gives each consent level a name, a legal basis and an
/// owner. A level that is not in it is refused in contracts, in derived streams and in events.
struct PurposeRoutes: Sendable {
    static let managers: [Role] = [.dpo, .administrator]
    /// Name and owner, and the description, in characters.
    private static let nameCharactersMax = 100
    private static let descriptionCharactersMax = 1_000

    let catalog: Catalog
    let loader: ContractLoader
    let store: Store
    let registry: ContractRegistry
    let policy: ApprovalPolicy

    var routes: [Route] {
        let one = "/v1/purposes/{level}"
        return [
            Route(method: .get, template: "/v1/purposes", access: .anyClient) { try list($0) },
            Route(method: .get, template: one, access: .anyClient) { try get($0) },
            Route(method: .put, template: one, access: .roles(Self.managers)) {
                try await put($0)
            },
            Route(method: .delete, template: one, access: .roles(Self.managers)) {
                try await delete($0)
            },
        ]
    }

    private func list(_ request: RouteRequest) throws -> HTTPResponse {
        _ = try request.query()
        let all = catalog.snapshot.purposes.sorted { $0.key < $1.key }
        return Answer.json(["items": .array(all.map { Self.shown($0.value.value) })])
    }

    private func get(_ request: RouteRequest) throws -> HTTPResponse {
        _ = try request.query()
        return Answer.json(Self.shown(try entry(request).value))
    }

    private func put(_ request: RouteRequest) async throws -> HTTPResponse {
        _ = try request.query()
        let level = try Self.level(request)
        let body = try request.object("name", "description", "legalBasis", "owner")
        let caller = try request.principal()
        let bases = PurposeRecord.LegalBasis.allCases.map(\.rawValue).joined(separator: ", ")
        guard let basis = PurposeRecord.LegalBasis(rawValue: try body.requiredText("legalBasis"))
        else { throw Problem.invalid("/legalBasis", expected: "one of \(bases)") }
        let record = PurposeRecord(
            level: level,
            name: try Self.line(
                try body.requiredText("name"), "/name", Self.nameCharactersMax),
            description: try Self.line(
                try body.requiredText("description"), "/description",
                Self.descriptionCharactersMax),
            legalBasis: basis,
            owner: try Self.line(
                try body.requiredText("owner"), "/owner", Self.nameCharactersMax),
            changedAt: request.now, changedBy: caller.clientID)
        let old = catalog.snapshot.purposes[level]
        // Approvals rest on what the level stands for: then it is not an administrator's to change.
        if old != nil, !users(of: level).isEmpty { try policy.checkDecider(caller.actor) }
        try await catalog.commit(
            [
                try Catalog.put(
                    record, kind: PurposeRecord.kind, name: String(level),
                    expectedRevision: old?.revision)
            ],
            recording: .by(
                caller, .purposeSet, purposes: [level],
                detail: [
                    // What it stood for when something was released is asked of the log later.
                    "name": record.name, "legalBasis": basis.rawValue, "owner": record.owner,
                    "description-sha256": HexText.text(
                        SHA256.hash(data: Array(record.description.utf8))),
                ]))
        try await load()
        return Answer.json(Self.shown(record), status: old == nil ? 201 : 200)
    }

    private func delete(_ request: RouteRequest) async throws -> HTTPResponse {
        _ = try request.query()
        let entry = try entry(request)
        let level = entry.value.level
        let users = users(of: level)
        guard users.isEmpty else {
            throw Problem.conflict(
                "It is in use: \(users.prefix(5).joined(separator: ", ")). Archive or delete "
                    + "what uses it first.")
        }
        try await catalog.commit(
            [
                Catalog.delete(
                    kind: PurposeRecord.kind, name: String(level),
                    expectedRevision: entry.revision)
            ],
            recording: .by(try request.principal(), .purposeDeleted, purposes: [level]))
        try await load()
        return Answer.noContent
    }

    /// Contracts that are not archived and derived streams, whose fields or levels name the level.
    private func users(of level: Int) -> [String] {
        let snapshot = catalog.snapshot
        let contracts = snapshot.contracts.values.map(\.value).filter { record in
            record.state != .archived
                && registry.contract(number: record.number)?.piiFields
                    .contains { $0.level == level } ?? true
        }
        let derived = snapshot.derivedStreams.values.map(\.value)
            .filter { $0.levels.contains(level) }
        return contracts.map { "contract \($0.ref)" }.sorted()
            + derived.map { "derived stream \($0.name)" }.sorted()
    }

    /// The event loops know the new map before the answer leaves.
    private func load() async throws { try await loader.load(catalog, store) }

    private func entry(
        _ request: RouteRequest
    ) throws(Problem) -> CatalogSnapshot.Entry<PurposeRecord> {
        guard let entry = catalog.snapshot.purposes[try Self.level(request)] else {
            throw .notFound("This level has no purpose.")
        }
        return entry
    }

    private static func level(_ request: RouteRequest) throws(Problem) -> Int {
        let text = request.parameter("level")
        guard let level = Int(text), String(level) == text,
            (0...ConsentLevels.levelMax).contains(level)
        else { throw .invalid("level", expected: "0 to \(ConsentLevels.levelMax)") }
        return level
    }

    /// One line of text that people read: not empty, no control characters.
    static func line(
        _ text: String, _ pointer: String, _ charactersMax: Int
    ) throws(Problem) -> String {
        let isPlain = text.unicodeScalars.allSatisfy { $0.properties.generalCategory != .control }
        guard isPlain, (1...charactersMax).contains(text.count),
            text.contains(where: { !$0.isWhitespace })
        else {
            throw .invalid(
                pointer, expected: "1 to \(charactersMax) characters on one line")
        }
        return text
    }

    static func shown(_ record: PurposeRecord) -> WireValue {
        [
            "level": .integer(Int64(record.level)), "name": .string(record.name),
            "description": .string(record.description),
            "legalBasis": .string(record.legalBasis.rawValue), "owner": .string(record.owner),
            "changedAt": .string(WireTime.format(record.changedAt)),
            "changedBy": .string(record.changedBy),
        ]
    }
}
