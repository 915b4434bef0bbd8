/// What an append-only writer must remember of the tree: the roots of its perfect subtrees, at most
/// 64 hashes. Appending costs two hashes on average.
package struct MerkleFrontier: Sendable {
    /// How many leaves there are.
    package private(set) var size: UInt64
    /// The perfect subtrees from left to right, so from large to small: one for each 1 bit of `size`.
    private var peaks: [TreeHash]

    /// The frontier of the empty tree.
    package init() {
        size = 0
        peaks = []
    }

    /// The frontier of a stored tree, from at most 64 reads.
    package init<Failure: Error>(
        size: UInt64, reading: (NodePosition) throws(Failure) -> TreeHash
    ) throws(Failure) {
        self.size = size
        var peaks: [TreeHash] = []
        for position in MerkleTree.perfectSubtrees(0, size) { peaks.append(try reading(position)) }
        self.peaks = peaks
    }

    /// Adds a leaf and tells each hash that this completes: the leaf's own first, then the subtrees
    /// that end with it, upwards. Their stored hash indexes are consecutive.
    package mutating func append(
        leafHash: TreeHash, completed: (NodePosition, TreeHash) -> Void = { _, _ in }
    ) {
        var hash = leafHash
        var position = NodePosition(level: 0, index: size)
        completed(position, hash)
        while position.index & 1 == 1, let left = peaks.popLast() {
            hash = MerkleTree.nodeHash(left, hash)
            position = NodePosition(level: position.level + 1, index: position.index >> 1)
            completed(position, hash)
        }
        peaks.append(hash)
        size += 1
    }

    /// The root of the tree as it is now.
    package var root: TreeHash {
        guard var hash = peaks.last else { return MerkleTree.emptyRoot }
        for peak in peaks.dropLast().reversed() { hash = MerkleTree.nodeHash(peak, hash) }
        return hash
    }
}
