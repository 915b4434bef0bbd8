import Audit
import Store

/// The releases for one consent level under one of its meanings, for the answer about purposes.
struct LevelUses {
    let level: Int
    /// nil: no decision about the level is on record.
    let meaning: PurposeMeanings.Meaning?
    /// No later decision is on record.
    let isLast: Bool
    let uses: [AuditUses.Use]

    private struct Key: Hashable, Comparable {
        var level: Int
        var meaning: Int?

        static func < (left: Self, right: Self) -> Bool {
            (left.level, left.meaning ?? -1) < (right.level, right.meaning ?? -1)
        }
    }

    /// Ascending by level, then in the order of the decisions.
    static func all(of uses: AuditUses, _ meanings: PurposeMeanings) -> [LevelUses] {
        var groups: [Key: [AuditUses.Use]] = [:]
        for use in uses.uses {
            guard let level = use.way.purposes.first, use.way.act == .release else { continue }
            groups[Key(level: level, meaning: use.way.meaning), default: []].append(use)
        }
        return groups.sorted { $0.key < $1.key }.map { key, uses in
            let known = meanings.byLevel[key.level] ?? []
            let index = key.meaning.flatMap { known.indices.contains($0) ? $0 : nil }
            return LevelUses(
                level: key.level, meaning: index.map { known[$0] },
                isLast: index.map { $0 == known.count - 1 } ?? true, uses: uses)
        }
    }

    /// - Parameter declared: as the catalog has it today.
    func wire(declared: PurposeRecord?) -> WireValue {
        // The last decision is what the catalog holds, whole: entries cut long names, and older
        // ones tell the legal basis alone.
        let today = isLast ? declared : nil
        return [
            "level": .integer(Int64(level)),
            "name": .optional(today?.name ?? meaning?.name),
            "legalBasis": .optional(today?.legalBasis.rawValue ?? meaning?.legalBasis),
            "owner": .optional(today?.owner ?? meaning?.owner),
            "isDeclared": .bool(today != nil),
            "decidedIn": meaning?.entry.map { .integer(Int64(clamping: $0)) } ?? .null,
            "since": .optional(meaning?.since.map { WireTime.format($0) }),
            "uses": .array(uses.map { WireValue($0) }),
        ]
    }
}
