/// What a consent level stands for, as the catalog keeps it (kind `purpose`, by the level's number).
package struct PurposeRecord: Sendable, Codable, Equatable {
    package static let kind = "purpose"

    /// Why processing for a purpose is lawful: the six of article 6(1) of the GDPR, in its order.
    package enum LegalBasis: String, Sendable, Codable, CaseIterable {
        case consent, contract, legalObligation, vitalInterests, publicTask, legitimateInterests
    }

    /// 0...63
    package var level: Int
    package var name: String
    package var description: String
    package var legalBasis: LegalBasis
    /// The person or department that answers for it.
    package var owner: String
    package var changedAt: Milliseconds
    package var changedBy: String

    package init(
        level: Int, name: String, description: String, legalBasis: LegalBasis, owner: String,
        changedAt: Milliseconds, changedBy: String
    ) {
        self.level = level
        self.name = name
        self.description = description
        self.legalBasis = legalBasis
        self.owner = owner
        self.changedAt = changedAt
        self.changedBy = changedBy
    }
}
