/// A contract, as the catalog keeps it (kind `contract`, by its reference).
package struct ContractRecord: Sendable, Codable, Equatable {
    package static let kind = "contract"

    /// draft → inReview → approved → active → archived; a rejected one is a draft again, an
    /// archived one can be active again. From `active` on the document never changes.
    package enum State: String, Sendable, Codable, Equatable, CaseIterable {
        case draft, inReview, approved, active, archived
    }

    /// `handle/name/version`.
    package var ref: String
    package var schemaRef: String
    /// Stored in each event's record; never used twice.
    package var number: UInt32
    package var state: State
    /// Canonical JSON.
    package var document: String
    package var createdAt: Milliseconds
    package var createdBy: String
    /// The clients that changed the draft or asked for its review, beside `createdBy`; nil in
    /// records from before there were reviews.
    package var editedBy: [String]?
    /// The last decision about it; nil if it was never reviewed.
    package var approval: Approval?
    /// The client that archived it last; nil while it is not archived, or was before this was noted.
    package var archivedBy: String?

    package init(
        ref: String, schemaRef: String, number: UInt32, state: State, document: String,
        createdAt: Milliseconds, createdBy: String
    ) {
        self.ref = ref
        self.schemaRef = schemaRef
        self.number = number
        self.state = state
        self.document = document
        self.createdAt = createdAt
        self.createdBy = createdBy
    }

    /// Everyone who had a hand in it, each once: none of them is a second person.
    package var authors: [String] {
        [createdBy] + (editedBy ?? []).filter { $0 != createdBy }
    }

    /// Notes that a client changed the draft or asked for its review.
    package mutating func noteAuthor(_ client: String) {
        guard !authors.contains(client) else { return }
        editedBy = (editedBy ?? []) + [client]
    }
}
