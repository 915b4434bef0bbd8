package import Store

/// What is put on record: who did what, on what, for which purpose. It holds identifiers and counts,
/// never a value of an event: there is no member that takes one. Number and time are given when it
/// is committed.
package struct AuditEntry: Sendable {
    package var act: Act
    /// The id of the OAuth client that acted. A name that is not in the catalog came from outside:
    /// do not put it here, it may be anything.
    package var client: String?
    package var role: String?
    package var stream: String?
    package var derivedStream: String?
    package var partition: Int?
    /// The first and the last event that the act touched.
    package var offsets: (first: Offset, last: Offset)?
    /// Paths of the fields that were opened; of a decision on a contract, those that it makes
    /// personal. As `AuditFilter.fieldName` spells them. A path is there once for each contract of
    /// which it was opened.
    package var fields: [String]
    /// How many values of each of `fields` were opened, in the same order; empty for an act that
    /// opens none.
    package var values: [Int] = []
    /// The consent level of each of `fields`, in the same order; empty for an act that opens none.
    package var fieldLevels: [Int] = []
    /// Of which contract each of `fields` is: its place in `contracts`. Empty for an act that opens
    /// none.
    package var fieldContracts: [Int] = []
    /// `handle/name/version`.
    package var contracts: [String]
    /// Consent levels, each naming a purpose.
    package var purposes: [Int]
    /// How many events were handed out.
    package var events: Int?
    /// How many key links, so at most how many sequences, that concerned.
    package var keyLinks: Int?
    /// Fields that stayed sealed although the reader has a right to them: their key is gone.
    package var sealedFields: Int?
    /// What else belongs to the act: short words, numbers, names of the catalog. Keys are words of
    /// letters, digits, `-` and `_`. Never a value of an event, never text that a sender wrote.
    package var detail: [String: String]
    /// The sequences whose fields were handed out. Kept beside the entry for a limited time; the
    /// entry itself holds the hash.
    package var disclosures: Disclosures?

    package init(
        act: Act, client: String? = nil, role: String? = nil, stream: String? = nil,
        derivedStream: String? = nil, partition: Int? = nil,
        offsets: (first: Offset, last: Offset)? = nil, fields: [String] = [],
        contracts: [String] = [], purposes: [Int] = [], events: Int? = nil, keyLinks: Int? = nil,
        sealedFields: Int? = nil, detail: [String: String] = [:]
    ) {
        self.act = act
        self.client = client
        self.role = role
        self.stream = stream
        self.derivedStream = derivedStream
        self.partition = partition
        self.offsets = offsets
        self.fields = fields
        self.contracts = contracts
        self.purposes = purposes
        self.events = events
        self.keyLinks = keyLinks
        self.sealedFields = sealedFields
        self.detail = detail
    }
}
