import AuditProof
import Store

/// Finds the end of the stored log and checks what is there.
enum AuditRecovery {
    struct Recovered {
        var frontier: MerkleFrontier
        var lastMilliseconds: Milliseconds
    }

    /// - Throws: `.corrupt` if there is a gap, a hash without its leaf, or if the leaves of the last
    ///   tile are not those that the tree holds.
    static func recover(_ store: Store) throws(StoreError) -> Recovered {
        let size = try countLeaves(store)
        try checkNothingFollows(size, store)
        let frontier = try MerkleFrontier(size: size) { position throws(StoreError) in
            try readHash(position, store)
        }
        let lastMilliseconds = try checkLastTile(size, root: frontier.root, store)
        return Recovered(frontier: frontier, lastMilliseconds: lastMilliseconds)
    }

    /// Refuses a log that lost, or changed, entries that the watermark knows to have been durable.
    ///
    /// - Parameter watermark: what `AuditLog.watermark()` once gave; empty if there was none.
    /// - Throws: `.olderThanWatermark` with a message for the operator.
    static func compare(
        _ frontier: MerkleFrontier, with watermark: [UInt8], in store: Store
    ) throws(StoreError) {
        if watermark.isEmpty { return }
        guard let expected = AuditWatermark(watermark) else {
            throw .corrupt("the audit part of the watermark cannot be read")
        }
        guard frontier.size >= expected.size else {
            throw .olderThanWatermark(
                "the audit log has \(frontier.size) entries, but \(expected.size) were durable: "
                    + "the data directory is older than its watermark, or entries are lost")
        }
        let root = try MerkleTree.rootHash(size: expected.size) { position throws(StoreError) in
            try readHash(position, store)
        }
        guard root == expected.root else {
            throw .olderThanWatermark(
                "the first \(expected.size) entries of the audit log are not those that were "
                    + "durable: the data directory is another one than its watermark's")
        }
    }

    static func readHash(_ position: NodePosition, _ store: Store) throws(StoreError) -> TreeHash {
        guard let value = try store.readAudit(AuditFamily.hashKey(position)),
            let hash = TreeHash(value)
        else {
            throw .corrupt("hash \(position.index) of level \(position.level) of the audit log")
        }
        return hash
    }

    /// The smallest index without a leaf, by doubling and halving: 2 · log2(size) reads.
    private static func countLeaves(_ store: Store) throws(StoreError) -> UInt64 {
        func isThere(_ index: UInt64) throws(StoreError) -> Bool {
            try store.readAudit(AuditFamily.leafKey(index)) != nil
        }
        guard try isThere(0) else { return 0 }
        var present: UInt64 = 0
        var absent: UInt64 = 1
        while try isThere(absent) {
            present = absent
            absent *= 2
        }
        while absent - present > 1 {
            let middle = present + (absent - present) / 2
            if try isThere(middle) { present = middle } else { absent = middle }
        }
        return absent
    }

    /// If an entry in the middle is gone, the search above ends too early: then more entries follow.
    private static func checkNothingFollows(_ size: UInt64, _ store: Store) throws(StoreError) {
        var following: UInt64?
        try scan(store, from: AuditFamily.leafKey(size)) { key, _ in
            following = AuditFamily.leafIndex(key)
            return false
        }
        if let following {
            throw .corrupt("audit entry \(size) is missing, but entry \(following) is there")
        }
        try scan(store, from: AuditFamily.attachmentKey(size)) { key, _ in
            following = AuditFamily.attachmentIndex(key)
            return false
        }
        if let following {
            throw .corrupt("audit entry \(following) is missing, but what it disclosed is there")
        }
        let next = NodePosition(level: 0, index: size)
        guard try store.readAudit(AuditFamily.hashKey(next)) == nil else {
            throw .corrupt("audit entry \(size) is missing, but its hash is there")
        }
    }

    /// Hashes the leaves of the last tile again and compares each hash that follows from them.
    /// Gives the time of the last entry.
    private static func checkLastTile(
        _ size: UInt64, root: TreeHash, _ store: Store
    ) throws(StoreError) -> Milliseconds {
        guard size > 0 else { return 0 }
        let first = (size - 1) / UInt64(TilePath.fullWidth) * UInt64(TilePath.fullWidth)
        var frontier = try MerkleFrontier(size: first) { position throws(StoreError) in
            try readHash(position, store)
        }
        var lastMilliseconds: Milliseconds = 0
        for index in first..<size {
            guard let value = try store.readAudit(AuditFamily.leafKey(index)) else {
                throw .corrupt("audit entry \(index) is missing")
            }
            let leaf = value.dropFirst()
            guard value.first == AuditFamily.leafVersion, let header = LeafHeader(leaf),
                header.number == index, header.milliseconds >= lastMilliseconds
            else { throw .corrupt("audit entry \(index) does not begin as it must") }
            lastMilliseconds = header.milliseconds
            var completed: [(NodePosition, TreeHash)] = []
            frontier.append(leafHash: MerkleTree.leafHash(leaf)) { completed.append(($0, $1)) }
            for (position, hash) in completed {
                guard try readHash(position, store) == hash else {
                    throw .corrupt("audit entry \(index) is not the one whose hash is stored")
                }
            }
        }
        guard frontier.root == root else { throw .corrupt("the hashes of the audit log") }
        return lastMilliseconds
    }

    /// `Store.scanAudit` with its errors as `StoreError`: `visit` itself throws nothing else.
    static func scan(
        _ store: Store, from key: [UInt8],
        visit: (UnsafeRawBufferPointer, UnsafeRawBufferPointer) throws(StoreError) -> Bool
    ) throws(StoreError) {
        do {
            try store.scanAudit(from: key, visit: visit)
        } catch let error as StoreError {
            throw error
        } catch {
            throw .io("the audit log cannot be read")
        }
    }
}
