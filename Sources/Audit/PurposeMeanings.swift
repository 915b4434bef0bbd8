package import Store

/// What the consent levels stood for at each entry of the log: a level may get another name or legal
/// basis, and what was released before stays released for what it stood for then.
package struct PurposeMeanings: Sendable, Equatable {
    /// A level as one decision left it.
    package struct Meaning: Sendable, Equatable {
        /// The entry of the decision, from which on it holds; nil: it held before the first.
        package var entry: UInt64?
        package var since: Milliseconds?
        /// nil: the level was deleted, or the decision is from before these were on record.
        package var name: String?
        package var legalBasis: String?
        package var owner: String?
        package var isDeleted = false

        fileprivate func isSame(as other: Meaning) -> Bool {
            name != nil && name == other.name && legalBasis == other.legalBasis
                && owner == other.owner && isDeleted == other.isDeleted
        }
    }

    /// In the order of the log; the first of each level is the one of before all decisions.
    package private(set) var byLevel: [Int: [Meaning]] = [:]

    /// Of a log without decisions.
    package init() {}

    /// How many decisions are looked at; what came before keeps the meaning of the first.
    package static let decisionsMax = 100_000

    /// Adds a decision, in the order of the log. Anything else changes nothing.
    mutating func add(_ entry: AuditLeaf) {
        guard let level = entry.purposes.first else { return }
        var meaning = Meaning(entry: entry.number, since: entry.at)
        switch entry.act {
        case Act.purposeSet.rawValue:
            meaning.name = entry.detail["name"]
            meaning.legalBasis = entry.detail["legalBasis"]
            meaning.owner = entry.detail["owner"]
        case Act.purposeDeleted.rawValue:
            meaning.isDeleted = true
        default: return
        }
        // The same record again, or another description, is no other meaning.
        if let last = byLevel[level]?.last, last.entry != nil, last.isSame(as: meaning) { return }
        byLevel[level, default: [Meaning()]].append(meaning)
    }

    /// Which of a level's meanings held when an entry was written; nil: no decision is on record.
    func index(ofLevel level: Int, atEntry number: UInt64) -> Int? {
        guard let meanings = byLevel[level] else { return nil }
        return meanings.lastIndex { $0.entry ?? 0 <= number } ?? 0
    }
}

extension AuditLog {
    /// All decisions about what levels stand for, from the beginning of the log. Reads the whole log
    /// in slices on `store.readers`.
    package func purposeMeanings() async throws(StoreError) -> PurposeMeanings {
        var filter = AuditFilter()
        filter.acts = [.purposeSet, .purposeDeleted]
        return try await ask(MeaningQuestion(), matching: filter).0.meanings
    }
}

private struct MeaningQuestion: AuditQuestion {
    var meanings = PurposeMeanings()
    private var count = 0

    var readsDisclosures: Bool { false }

    mutating func take(_ entry: AuditLeaf, _ told: DisclosureBytes?) {
        guard count < PurposeMeanings.decisionsMax else { return }
        count += 1
        meanings.add(entry)
    }
}
