package import AuditProof
package import Store

/// The audit log in a copy of the database.
package enum AuditCopy {
    /// Hashes every entry anew and compares each hash that follows with the stored one: what comes
    /// out is the tree of the entries that lie there. Costs a read of the whole log.
    /// - Throws: `.corrupt` naming the first entry that is missing, misplaced or not the one whose
    ///   hash is stored.
    package static func tree(
        of copy: StoredCopy
    ) throws(StoreError) -> (size: UInt64, root: TreeHash) {
        var frontier = MerkleFrontier()
        var last: Milliseconds = 0
        try copy.scanAudit(from: AuditFamily.leafKey(0)) { key, value throws(StoreError) in
            guard let index = AuditFamily.leafIndex(key) else { return false }
            guard index == frontier.size else {
                throw .corrupt("audit entry \(frontier.size) is missing")
            }
            let leaf = [UInt8](try AuditFamily.leaf(value, index: index))
            guard let header = LeafHeader(leaf[...]), header.number == index,
                header.milliseconds >= last
            else { throw .corrupt("audit entry \(index) does not begin as it must") }
            last = header.milliseconds
            var completed: [(NodePosition, TreeHash)] = []
            frontier.append(leafHash: MerkleTree.leafHash(leaf)) { completed.append(($0, $1)) }
            for (position, hash) in completed {
                guard try copy.readAudit(AuditFamily.hashKey(position)) == hash.bytes else {
                    throw .corrupt("audit entry \(index) is not the one whose hash is stored")
                }
            }
            return true
        }
        return (frontier.size, frontier.root)
    }

    /// The root that the first `size` entries had, from the stored hashes: a few reads.
    /// - Throws: `.corrupt` if the log is shorter.
    package static func root(
        of copy: StoredCopy, size: UInt64
    ) throws(StoreError) -> TreeHash {
        try MerkleTree.rootHash(size: size) { position throws(StoreError) in
            guard let value = try copy.readAudit(AuditFamily.hashKey(position)),
                let hash = TreeHash(value)
            else { throw .corrupt("the audit log has fewer than \(size) entries") }
            return hash
        }
    }
}
