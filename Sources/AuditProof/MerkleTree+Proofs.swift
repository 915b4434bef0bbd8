/// Inclusion and consistency proofs (RFC 6962, sections 2.1.1 and 2.1.2). Proofs are made by the
/// recursive definitions of RFC 6962 and checked by the iterative algorithms of RFC 9162 (sections
/// 2.1.3.2 and 2.1.4.2), so that one check the other.
extension MerkleTree {
    /// Proves that leaf `index` is in the tree of `size` leaves: the hashes of the siblings, from
    /// the leaf up. nil unless `index < size`.
    package static func inclusionProof<Failure: Error>(
        index: UInt64, size: UInt64, reading: (NodePosition) throws(Failure) -> TreeHash
    ) throws(Failure) -> [TreeHash]? {
        guard index < size else { return nil }
        var proof: [TreeHash] = []
        try appendPath(index, 0, size, to: &proof, reading: reading)
        return proof
    }

    /// Proves that the tree of `oldSize` leaves is a prefix of the tree of `newSize` leaves.
    /// nil unless `0 < oldSize <= newSize` (nothing needs proof about the empty tree).
    package static func consistencyProof<Failure: Error>(
        oldSize: UInt64, newSize: UInt64, reading: (NodePosition) throws(Failure) -> TreeHash
    ) throws(Failure) -> [TreeHash]? {
        guard oldSize > 0, oldSize <= newSize else { return nil }
        var proof: [TreeHash] = []
        try appendSubproof(oldSize, 0, newSize, to: &proof, reading: reading)
        return proof
    }

    package static func verifyInclusion(
        leafHash: TreeHash, index: UInt64, size: UInt64, root: TreeHash, proof: [TreeHash]
    ) -> Bool {
        guard index < size else { return false }
        var node = index
        var last = size - 1
        var hash = leafHash
        for sibling in proof {
            if last == 0 { return false }
            if node & 1 == 1 || node == last {
                hash = nodeHash(sibling, hash)
                while node & 1 == 0 && node != 0 {
                    node >>= 1
                    last >>= 1
                }
            } else {
                hash = nodeHash(hash, sibling)
            }
            node >>= 1
            last >>= 1
        }
        return last == 0 && hash == root
    }

    package static func verifyConsistency(
        oldSize: UInt64, oldRoot: TreeHash, newSize: UInt64, newRoot: TreeHash, proof: [TreeHash]
    ) -> Bool {
        guard oldSize > 0, oldSize <= newSize else { return false }
        if oldSize == newSize { return proof.isEmpty && oldRoot == newRoot }
        // A proof from a perfect old tree leaves its root out, because the verifier has it.
        var path = proof[...]
        if oldSize & (oldSize - 1) == 0 { path = ([oldRoot] + proof)[...] }
        guard let seed = path.popFirst() else { return false }
        var node = oldSize - 1
        var last = newSize - 1
        while node & 1 == 1 {
            node >>= 1
            last >>= 1
        }
        var oldHash = seed
        var newHash = seed
        for sibling in path {
            if last == 0 { return false }
            if node & 1 == 1 || node == last {
                oldHash = nodeHash(sibling, oldHash)
                newHash = nodeHash(sibling, newHash)
                while node & 1 == 0 && node != 0 {
                    node >>= 1
                    last >>= 1
                }
            } else {
                newHash = nodeHash(newHash, sibling)
            }
            node >>= 1
            last >>= 1
        }
        return last == 0 && oldHash == oldRoot && newHash == newRoot
    }

    /// PATH(index, D[low:high]).
    private static func appendPath<Failure: Error>(
        _ index: UInt64, _ low: UInt64, _ high: UInt64, to proof: inout [TreeHash],
        reading: (NodePosition) throws(Failure) -> TreeHash
    ) throws(Failure) {
        guard high - low > 1 else { return }
        let middle = low + splitPoint(high - low)
        if index < middle {
            try appendPath(index, low, middle, to: &proof, reading: reading)
            proof.append(try subtreeHash(middle, high, reading: reading))
        } else {
            try appendPath(index, middle, high, to: &proof, reading: reading)
            proof.append(try subtreeHash(low, middle, reading: reading))
        }
    }

    /// SUBPROOF(oldSize, D[low:high], b) where b is true exactly while `low` is 0.
    private static func appendSubproof<Failure: Error>(
        _ oldSize: UInt64, _ low: UInt64, _ high: UInt64, to proof: inout [TreeHash],
        reading: (NodePosition) throws(Failure) -> TreeHash
    ) throws(Failure) {
        if oldSize == high {
            if low > 0 { proof.append(try subtreeHash(low, high, reading: reading)) }
            return
        }
        let middle = low + splitPoint(high - low)
        if oldSize <= middle {
            try appendSubproof(oldSize, low, middle, to: &proof, reading: reading)
            proof.append(try subtreeHash(middle, high, reading: reading))
        } else {
            try appendSubproof(oldSize, middle, high, to: &proof, reading: reading)
            proof.append(try subtreeHash(low, middle, reading: reading))
        }
    }
}
