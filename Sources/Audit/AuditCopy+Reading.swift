package import Store

/// Single entries of the audit log in a copy of the database.
extension AuditCopy {
    /// Whether the log has an entry of this index. One read.
    package static func hasEntry(
        _ index: UInt64, in copy: StoredCopy
    ) throws(StoreError) -> Bool {
        try copy.readAudit(AuditFamily.leafKey(index)) != nil
    }

    /// The entries of one act from `index` on, ascending; looks at `countMax` entries at most.
    package static func entries(
        _ act: Act, of copy: StoredCopy, from index: UInt64, lookingAt countMax: UInt64
    ) throws(StoreError) -> [AuditLine] {
        let matcher = LeafMatcher(AuditFilter(act: act))
        var lines: [AuditLine] = []
        var next = index
        try copy.scanAudit(from: AuditFamily.leafKey(index)) { key, value throws(StoreError) in
            guard AuditFamily.leafIndex(key) == next else { return false }
            let leaf = try AuditFamily.leaf(value, index: next)
            if matcher.matches(leaf) {
                lines.append(AuditLine(sequence: next, line: String(decoding: leaf, as: UTF8.self)))
            }
            next += 1
            return next - index < countMax
        }
        return lines
    }
}
