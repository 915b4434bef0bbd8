/// The column families and how each is tuned.
enum FamilyKind: String, CaseIterable {
    /// The engine's own first family: the format's version and other facts about the database.
    case meta = "default"
    case segments, keys, index, subjects, audit, catalog, cursors

    /// Looked up by single keys that are often absent: worth a bloom filter.
    var hasBloomFilter: Bool {
        switch self {
        case .keys, .index, .subjects: true
        case .meta, .segments, .audit, .catalog, .cursors: false
        }
    }

    /// One memtable, in bytes. Memory is taken as it is filled.
    var memtableBytes: Int {
        switch self {
        case .keys, .index: 32 << 20
        case .audit, .segments, .subjects: 16 << 20
        case .meta, .catalog, .cursors: 4 << 20
        }
    }
}
