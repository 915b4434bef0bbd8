/// The place of a hash in the Merkle tree: at `level` 0 stand the leaf hashes, the node (l, i)
/// covers the leaves `i << l ..< (i + 1) << l`. Only perfect subtrees have a position.
///
/// The stored hash index is the dense numbering that Go's `golang.org/x/mod/sumdb/tlog` uses: the
/// hashes in the order in which an append-only writer completes them (Crosby and Wallach,
/// "Efficient Data Structures for Tamper-Evident Logging", section 3.3):
///
///     size     hashes that the last leaf completed              stored hash indexes
///     1        (0,0)                                            0
///     2        (0,1) (1,0)                                      1 2
///     3        (0,2)                                            3
///     4        (0,3) (1,1) (2,0)                                4 5 6
package struct NodePosition: Hashable, Sendable {
    package let level: Int
    package let index: UInt64

    package init(level: Int, index: UInt64) {
        precondition(level >= 0 && level < 64, "a tree level is between 0 and 63")
        self.level = level
        self.index = index
    }

    /// The inverse of `storedHashIndex`.
    package init(storedHashIndex stored: UInt64) {
        // Leaf i stands at an index between 2i - log2(i) and 2i, so the walk is at most 64 steps.
        var leaf = stored / 2
        var leafStored = NodePosition(level: 0, index: leaf).storedHashIndex
        while true {
            let nextStored = leafStored + 1 + UInt64((leaf + 1).trailingZeroBitCount)
            if nextStored > stored { break }
            leaf += 1
            leafStored = nextStored
        }
        let level = Int(stored - leafStored)
        self.init(level: level, index: leaf >> UInt64(level))
    }

    /// Go's `StoredHashIndex(level, n)`.
    package var storedHashIndex: UInt64 {
        // The node is written right after the last leaf that it covers and the nodes below it.
        var leaf = index
        for _ in 0..<level { leaf = 2 * leaf + 1 }
        var stored: UInt64 = 0
        while leaf > 0 {
            stored += leaf
            leaf >>= 1
        }
        return stored + UInt64(level)
    }

    /// Go's `StoredHashCount(n)`: how many hashes a tree of that size has stored.
    package static func storedHashCount(size: UInt64) -> UInt64 {
        guard size > 0 else { return 0 }
        return NodePosition(level: 0, index: size - 1).storedHashIndex + 1
            + UInt64(size.trailingZeroBitCount)
    }
}
