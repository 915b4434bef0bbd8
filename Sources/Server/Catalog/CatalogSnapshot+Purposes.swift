import Contracts
import Store

extension CatalogSnapshot {
    /// The consent levels that have a purpose.
    var purposeLevels: ConsentLevels { ConsentLevels(purposes.keys) ?? ConsentLevels() }

    /// Refuses levels that nobody has given a purpose.
    func checkPurposes(_ levels: ConsentLevels, at pointer: String) throws(Problem) {
        let unmapped = levels.levels.filter { purposes[$0] == nil }
        guard unmapped.isEmpty else { throw .unmapped(unmapped, at: pointer) }
    }

    /// Changes nothing, but conflicts with whoever deletes one of these purposes at the same
    /// moment.
    func touchPurposes(_ levels: ConsentLevels) throws -> [Mutation] {
        try levels.levels.compactMap { level in
            try purposes[level].map { entry in
                try Catalog.put(
                    entry.value, kind: PurposeRecord.kind, name: String(level),
                    expectedRevision: entry.revision)
            }
        }
    }

    /// `[{"level":1,"name":"Analytics"},…]`; a level whose purpose is gone has no name.
    func shownPurposes(_ levels: ConsentLevels) -> WireValue {
        .array(
            levels.levels.map { level in
                [
                    "level": .integer(Int64(level)),
                    "name": .optional(purposes[level]?.value.name),
                ]
            })
    }
}
