extension ContractRecord {
    /// What people do with a contract once it is written.
    package enum Act: Sendable, Equatable {
        /// Ask for approval: draft → inReview.
        case submit
        /// inReview → approved.
        case approve
        /// inReview, approved → draft.
        case reject(reason: String)
        /// approved → active.
        case activate
        /// active → archived.
        case archive
        /// archived → active. It was approved as it is, so nobody approves it again; but what
        /// somebody else archived, or nobody ever approved, its author alone does not bring back.
        case reactivate

        /// The states from which it leads on, and the one to which it leads.
        var step: (from: [State], to: State) {
            switch self {
            case .submit: ([.draft], .inReview)
            case .approve: ([.inReview], .approved)
            case .reject: ([.inReview, .approved], .draft)
            case .activate: ([.approved], .active)
            case .archive: ([.active], .archived)
            case .reactivate: ([.archived], .active)
            }
        }
    }

    /// Does the act, or says why it cannot be done; a record that throws is unchanged.
    package mutating func apply(
        _ act: Act, by actor: ApprovalPolicy.Actor, at now: Milliseconds, _ policy: ApprovalPolicy
    ) throws(LifeCycleError) {
        var changed = self
        switch act {
        case .submit:
            try checkAuthor(actor)
            changed.noteAuthor(actor.client)
            changed.approval = .pending
        case .approve: changed.approval = try policy.approval(by: actor, of: authors, at: now)
        case .reject(let reason):
            changed.approval = try policy.rejection(by: actor, reason: reason, at: now)
        case .activate: try checkAuthor(actor)
        case .archive:
            try checkAuthor(actor)
            changed.archivedBy = actor.client
        case .reactivate:
            try checkAuthor(actor)
            if archivedBy != actor.client || approval?.state != .approved {
                try policy.checkDecider(actor)
            }
            changed.archivedBy = nil
        }
        let step = act.step
        guard step.from.contains(state) else {
            throw .wrongState(needed: step.from.map(\.rawValue), found: state.rawValue)
        }
        changed.state = step.to
        self = changed
    }

    /// Puts another text in place of a draft's. Its number changes, so that what was compiled of
    /// the old text is not taken for it.
    package mutating func replaceDraft(
        document: String, schemaRef: String, number: UInt32, by actor: ApprovalPolicy.Actor
    ) throws(LifeCycleError) {
        try checkAuthor(actor)
        guard state == .draft else {
            throw .wrongState(needed: [State.draft.rawValue], found: state.rawValue)
        }
        self.document = document
        self.schemaRef = schemaRef
        self.number = number
        noteAuthor(actor.client)
    }

    /// Authors keep to what they wrote; officers and administrators may act on all.
    package func checkAuthor(_ actor: ApprovalPolicy.Actor) throws(LifeCycleError) {
        guard actor.role != .author || authors.contains(actor.client) else { throw .notAuthor }
    }
}
