/// Who may decide about a contract or a derived stream that somebody asks for.
///
/// A data protection officer decides, and is not one of those who wrote it. An installation of a
/// single person may say so in its settings: then its administrator decides too, also about their
/// own, and the decision is marked.
package struct ApprovalPolicy: Sendable, Equatable {
    package var isSinglePerson: Bool

    package init(isSinglePerson: Bool) { self.isSinglePerson = isSinglePerson }

    /// Who acts: a client and its role.
    package struct Actor: Sendable {
        package var client: String
        package var role: Role

        package init(client: String, role: Role) {
            self.client = client
            self.role = role
        }
    }

    /// Whether the actor decides about requests at all.
    package func checkDecider(_ actor: Actor) throws(LifeCycleError) {
        switch actor.role {
        case .dpo: return
        case .administrator where isSinglePerson: return
        case .administrator: throw .notDecider(isAdministrator: true)
        case .sender, .reader, .streamOwner, .author, .auditor:
            throw .notDecider(isAdministrator: false)
        }
    }

    /// The approval of what `authors` wrote.
    package func approval(
        by actor: Actor, of authors: [String], at now: Milliseconds
    ) throws(LifeCycleError) -> Approval {
        try checkDecider(actor)
        let isOwn = authors.contains(actor.client)
        guard !isOwn || isSinglePerson else { throw .ownWork }
        return Approval(
            state: .approved, decidedBy: actor.client, decidedAt: now, isSelfApproved: isOwn)
    }

    /// The rejection of what was asked for. Who wrote it may reject it too: that opens nothing.
    package func rejection(
        by actor: Actor, reason: String, at now: Milliseconds
    ) throws(LifeCycleError) -> Approval {
        try checkDecider(actor)
        return Approval(
            state: .rejected, decidedBy: actor.client, decidedAt: now, reason: reason)
    }
}

/// Why an act is not possible now, or not for this actor.
package enum LifeCycleError: Error, Sendable, Equatable {
    /// What it must be for the act, and what it is.
    case wrongState(needed: [String], found: String)
    /// Only a data protection officer decides; an administrator does in a single-person
    /// installation.
    case notDecider(isAdministrator: Bool)
    /// Who wrote it does not approve it.
    case ownWork
    /// An author acts on contracts of their own only.
    case notAuthor
}
