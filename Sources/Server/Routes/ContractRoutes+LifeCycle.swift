import Audit
import Contracts
import Crypto
import HTTP
import Store

// Review, approve, reject, activate, archive, reactivate. What leads where, and who may, is decided
// by `ContractRecord.apply`.

extension ContractRoutes {
    /// A reason is for people: so many characters at most.
    static let reasonCharactersMax = 500

    func lifeCycleRoutes(_ one: String) -> [Route] {
        func route(
            _ verb: String, _ roles: [Role] = Self.writers,
            _ act: @escaping @Sendable (RouteRequest) throws -> ContractRecord.Act
        ) -> Route {
            Route(method: .post, template: "\(one)/\(verb)", access: .roles(roles)) {
                try await perform(try act($0), nil, $0)
            }
        }
        let deciders: [Role] = [.dpo, .administrator]
        return [
            route("review") { _ in .submit },
            Route(method: .post, template: one + "/approve", access: .roles(deciders)) {
                try await perform(.approve, try Self.approved("number", $0), $0)
            },
            route("reject", deciders) { .reject(reason: try Self.reason($0)) },
            route("activate") { _ in .activate },
            route("archive") { _ in .archive },
            route("reactivate") { _ in .reactivate },
        ]
    }

    /// - Parameter number: of the text that the caller has looked at; another text may have taken
    ///   its place since.
    private func perform(
        _ act: ContractRecord.Act, _ number: Int?, _ request: RouteRequest
    ) async throws -> HTTPResponse {
        _ = try request.query()
        let entry = try entry(request)
        guard number == nil || number == Int(entry.value.number) else {
            throw Problem.conflict(
                "The text has changed: it has the number \(entry.value.number) now. Look at it again."
            )
        }
        let caller = try request.principal()
        var record = entry.value
        try record.apply(act, by: caller.actor, at: request.now, policy)
        var mutations = [
            try Catalog.put(
                record, kind: ContractRecord.kind, name: record.ref,
                expectedRevision: entry.revision)
        ]
        // Its purposes may have gone while it was archived.
        if record.state == .active, let contract = loader.registry.contract(number: record.number) {
            mutations += try purposeMutations(contract)
        }
        var detail = Self.detail(record)
        if act == .approve, record.approval?.isSelfApproved == true {
            detail["selfApproved"] = "single-person installation"
        }
        try await catalog.commit(
            mutations,
            recording: try Self.entry(.by(caller, Self.act(act), detail: detail), record))
        try await load()
        return Answer.json(.object(Self.members(record) + (try await review(record))))
    }

    /// Which fields the contract makes personal, and for which purposes, stands in the entry, so
    /// that who decided on a field is found by its name, also when the contract is gone.
    private static func entry(_ entry: AuditEntry, _ record: ContractRecord) throws -> AuditEntry {
        let personal = try ContractDocument(json: Array(record.document.utf8)).personalFields
        var entry = entry
        entry.contracts = [record.ref]
        entry.fields = Set(personal.map { AuditFilter.fieldName($0.path) }).sorted()
        entry.purposes = Set(personal.map(\.level)).sorted()
        return entry
    }

    private static func act(_ act: ContractRecord.Act) -> Act {
        switch act {
        case .submit: .contractSubmitted
        case .approve: .contractApproved
        case .reject: .contractRejected
        case .activate: .contractActivated
        case .archive: .contractArchived
        case .reactivate: .contractReactivated
        }
    }

    /// Which text an entry of the audit log is about: its number, which is never given twice, and
    /// the hash of its canonical form.
    static func detail(_ record: ContractRecord) -> [String: String] {
        let digest = SHA256.hash(data: Array(record.document.utf8))
        return [
            "number": String(record.number),
            "sha256": digest.map { byte in
                let text = String(byte, radix: 16)
                return text.count == 1 ? "0" + text : text
            }.joined(),
        ]
    }

    /// What the caller says that they approve: the number of a contract's text, or of a derived
    /// stream.
    static func approved(_ name: String, _ request: RouteRequest) throws -> Int {
        guard let number = try request.object(name).integer(name, in: 0...Int(UInt32.max)) else {
            throw Problem.invalid(
                "/\(name)", expected: "the \(name) that it had when you looked at it")
        }
        return number
    }

    static func reason(_ request: RouteRequest) throws -> String {
        try PurposeRoutes.line(
            try request.object("reason").requiredText("reason"), "/reason", reasonCharactersMax)
    }
}

extension Approval {
    var wire: WireValue {
        var members: [(name: String, value: WireValue)] = [("state", .string(state.rawValue))]
        if let decidedBy { members.append(("decidedBy", .string(decidedBy))) }
        if let decidedAt { members.append(("decidedAt", .string(WireTime.format(decidedAt)))) }
        if let reason { members.append(("reason", .string(reason))) }
        members.append(("isSelfApproved", .bool(isSelfApproved)))
        return .object(members)
    }
}
