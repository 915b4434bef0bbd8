/// A contract, as the catalog keeps it (kind `contract`, by its reference).
package struct ContractRecord: Sendable, Codable, Equatable {
    package static let kind = "contract"

    package enum State: String, Sendable, Codable, Equatable {
        case draft, active, archived
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
}
