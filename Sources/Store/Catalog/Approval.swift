/// What became of a request that a second person decides, kept with what was asked for.
package struct Approval: Sendable, Codable, Equatable {
    package enum State: String, Sendable, Codable {
        case pending, approved, rejected
    }

    package var state: State
    /// The client that decided last; nil while nobody has.
    package var decidedBy: String?
    package var decidedAt: Milliseconds?
    /// Why it was rejected, in the words of who decided.
    package var reason: String?
    /// Who decided had asked for it: allowed by the settings of a single-person installation only.
    package var isSelfApproved: Bool

    package static let pending = Approval(state: .pending)

    package init(
        state: State, decidedBy: String? = nil, decidedAt: Milliseconds? = nil,
        reason: String? = nil, isSelfApproved: Bool = false
    ) {
        self.state = state
        self.decidedBy = decidedBy
        self.decidedAt = decidedAt
        self.reason = reason
        self.isSelfApproved = isSelfApproved
    }
}
