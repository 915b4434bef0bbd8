/// The open database with its fixed families. Day families come and go: the partition table and
/// the committer hold them.
final class Engine: Sendable {
    let database: Database
    let meta: ColumnFamily
    let segments: ColumnFamily
    let keys: ColumnFamily
    let index: ColumnFamily
    let subjects: ColumnFamily
    let audit: ColumnFamily
    let catalog: ColumnFamily
    let cursors: ColumnFamily

    init(database: Database, families: [ColumnFamily]) throws(StoreError) {
        func family(_ kind: FamilyKind) throws(StoreError) -> ColumnFamily {
            guard let found = families.first(where: { $0.name == kind.rawValue }) else {
                throw .corrupt("the family \(kind.rawValue) is missing")
            }
            return found
        }
        self.database = database
        meta = try family(.meta)
        segments = try family(.segments)
        keys = try family(.keys)
        index = try family(.index)
        subjects = try family(.subjects)
        audit = try family(.audit)
        catalog = try family(.catalog)
        cursors = try family(.cursors)
    }

    var fixedFamilies: [ColumnFamily] {
        [meta, segments, keys, index, subjects, audit, catalog, cursors]
    }
}
