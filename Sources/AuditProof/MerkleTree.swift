import Crypto

/// The Merkle tree of RFC 6962, section 2.1, over SHA-256: pure functions; where stored hashes are
/// needed, the caller gives a closure that reads them.
///
///     leaf hash = SHA-256(0x00 ‖ leaf)          node hash = SHA-256(0x01 ‖ left ‖ right)
///     root of the empty tree = SHA-256()
package enum MerkleTree {
    /// The root of a tree without leaves.
    package static let emptyRoot = TreeHash(SHA256().finalize())

    package static func leafHash(_ leaf: UnsafeRawBufferPointer) -> TreeHash {
        var hasher = SHA256()
        withUnsafeBytes(of: UInt8(0)) { hasher.update(bufferPointer: $0) }
        hasher.update(bufferPointer: leaf)
        return TreeHash(hasher.finalize())
    }

    package static func leafHash(_ leaf: some Sequence<UInt8>) -> TreeHash {
        let bytes = Array(leaf)
        return bytes.withUnsafeBytes { leafHash($0) }
    }

    package static func nodeHash(_ left: TreeHash, _ right: TreeHash) -> TreeHash {
        var hasher = SHA256()
        withUnsafeBytes(of: UInt8(1)) { hasher.update(bufferPointer: $0) }
        left.withUnsafeBytes { hasher.update(bufferPointer: $0) }
        right.withUnsafeBytes { hasher.update(bufferPointer: $0) }
        return TreeHash(hasher.finalize())
    }

    /// The root of the tree of the first `size` leaves, from at most 64 stored hashes.
    ///
    /// - Parameter reading: gives the hash of a perfect subtree below `size`; what it throws comes
    ///   through.
    package static func rootHash<Failure: Error>(
        size: UInt64, reading: (NodePosition) throws(Failure) -> TreeHash
    ) throws(Failure) -> TreeHash {
        guard size > 0 else { return emptyRoot }
        return try subtreeHash(0, size, reading: reading)
    }

    /// The perfect subtrees that together cover the leaves `low..<high`, left to right; `low` is a
    /// multiple of the largest power of two that is not above `high - low`.
    static func perfectSubtrees(_ low: UInt64, _ high: UInt64) -> [NodePosition] {
        var positions: [NodePosition] = []
        var start = low
        while start < high {
            let level = 63 - (high - start).leadingZeroBitCount
            positions.append(NodePosition(level: level, index: start >> UInt64(level)))
            start += 1 << UInt64(level)
        }
        return positions
    }

    /// MTH(D[low:high]) of RFC 6962: the perfect subtrees hashed together from the right.
    static func subtreeHash<Failure: Error>(
        _ low: UInt64, _ high: UInt64, reading: (NodePosition) throws(Failure) -> TreeHash
    ) throws(Failure) -> TreeHash {
        let positions = perfectSubtrees(low, high)
        var hash = try reading(positions[positions.count - 1])
        for position in positions.dropLast().reversed() {
            hash = nodeHash(try reading(position), hash)
        }
        return hash
    }

    /// The largest power of two that is smaller than `count`; `count` is at least 2.
    static func splitPoint(_ count: UInt64) -> UInt64 {
        1 << UInt64(63 - (count - 1).leadingZeroBitCount)
    }
}
