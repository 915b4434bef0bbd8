import Store

extension Problem {
    /// An act on a contract or derived stream that is not possible.
    init(_ error: LifeCycleError) {
        switch error {
        case .wrongState(let needed, let found):
            self = .conflict(
                "It must be \(needed.joined(separator: " or ")) for this; it is \(found).")
        case .notDecider(let isAdministrator):
            let more =
                isAdministrator
                ? " An administrator decides only where governance.singlePerson is set." : ""
            self = .forbidden("Deciding about this needs the role dpo.\(more)")
        case .ownWork:
            self = .forbidden("Who wrote it or asked for it does not approve it: another dpo must.")
        case .notAuthor:
            self = .forbidden("An author may change only what this client wrote or asked for.")
        }
    }

    static let notApproved = Problem(
        slug: "not-approved", status: 403, title: "The derived stream is not approved",
        detail: "A data protection officer must approve it before it can be read.")

    /// Levels without a purpose, in a contract or a derived stream; `pointer` says where.
    static func unmapped(_ levels: [Int], at pointer: String) -> Problem {
        let list = levels.map(String.init).joined(separator: ", ")
        return Problem(
            slug: "unmapped-level", status: 400, title: "A consent level has no purpose",
            detail:
                "Level \(list) is not in the purpose map: PUT /v1/purposes/\(levels.first ?? 0).",
            members: [
                ("pointer", .string(pointer)),
                ("levels", .array(levels.map { .integer(Int64($0)) })),
            ])
    }
}

extension Principal {
    var actor: ApprovalPolicy.Actor { ApprovalPolicy.Actor(client: clientID, role: role) }
}
