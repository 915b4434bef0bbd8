package import AuditProof
package import Store

/// One entry as it stands in the log.
package struct AuditLine: Sendable, Hashable {
    package let sequence: UInt64
    /// One line of JSON, ASCII, without a newline.
    package let line: String
}

/// What one call of `entries` found.
package struct AuditPage: Sendable {
    /// Ascending by sequence.
    package let lines: [AuditLine]
    /// Where the next call goes on.
    package let next: UInt64
    /// No entry that was durable when the call began lies behind `next`, or none within the time.
    package let isComplete: Bool
}

/// Reading. These calls block: run them on `store.readers`.
extension AuditLog {
    /// A call of `entries` looks at no more entries than this.
    package static let scanCountMax = 20_000
    /// A call of `entries` gives back no more bytes than this, but at least one line.
    package static let pageByteCountMax = 4 << 20

    /// Entries that agree with the filter, from `from` on, oldest first.
    ///
    /// Bounded in cost, whatever the filter: a call may find nothing and still not be complete. Go
    /// on at `next` until `isComplete`. A lower bound in time costs some 20 reads, not a scan.
    ///
    /// - Parameters:
    ///   - end: entries from it on are not looked at; nil: all that are durable are.
    ///   - limit: lines at most, at least 1.
    package func entries(
        matching filter: AuditFilter, from: UInt64, before end: UInt64? = nil, limit: Int
    ) throws(StoreError) -> AuditPage {
        let size = min(self.size, end ?? .max)
        let start = try firstIndex(notBefore: filter.from, in: min(from, size)..<size)
        let matcher = LeafMatcher(filter)
        var lines: [AuditLine] = []
        var byteCount = 0
        var next = start
        var isComplete = start >= size
        if !isComplete {
            try AuditRecovery.scan(store, from: AuditFamily.leafKey(start)) {
                key, value throws(StoreError) in
                guard next < size else {
                    isComplete = true
                    return false
                }
                let leaf = try Self.leaf(key, value, expected: next)
                guard Self.isBefore(filter.to, leaf) else {
                    isComplete = true
                    return false
                }
                if matcher.matches(leaf) {
                    if !lines.isEmpty, byteCount + leaf.count > Self.pageByteCountMax {
                        return false
                    }
                    byteCount += leaf.count
                    let line = String(decoding: leaf, as: UTF8.self)
                    lines.append(AuditLine(sequence: next, line: line))
                }
                next += 1
                return lines.count < max(1, limit) && next - start < UInt64(Self.scanCountMax)
            }
        }
        return AuditPage(lines: lines, next: next, isComplete: isComplete || next >= size)
    }

    /// The bytes of a tile or entry bundle, by its tlog-tiles path: `tile/0/000`, `tile/entries/000`,
    /// `tile/0/x001/067.p/8`. nil if the path is none, or the durable tree does not have all of it.
    package func tile(_ path: String) throws(StoreError) -> [UInt8]? {
        guard let tile = TilePath(path), tile.isCovered(bySize: size) else { return nil }
        return try read(tile)
    }

    /// The proof that entry `index` is in the tree of `size` entries; nil unless
    /// `index < size <= self.size`.
    package func inclusionProof(index: UInt64, size: UInt64) throws(StoreError) -> [TreeHash]? {
        guard size <= self.size else { return nil }
        let store = store
        return try MerkleTree.inclusionProof(index: index, size: size) {
            position throws(StoreError) in try AuditRecovery.readHash(position, store)
        }
    }

    /// The proof that the tree of `oldSize` entries is a prefix of that of `newSize`; nil unless
    /// `0 < oldSize <= newSize <= self.size`.
    package func consistencyProof(
        oldSize: UInt64, newSize: UInt64
    ) throws(StoreError) -> [TreeHash]? {
        guard newSize <= self.size else { return nil }
        let store = store
        return try MerkleTree.consistencyProof(oldSize: oldSize, newSize: newSize) {
            position throws(StoreError) in try AuditRecovery.readHash(position, store)
        }
    }

    /// The caller has checked that the durable tree covers the tile.
    func read(_ tile: TilePath) throws(StoreError) -> [UInt8] {
        switch tile.content {
        case .entries: try readBundle(tile)
        case .hashes: try readHashes(tile)
        }
    }

    private func readBundle(_ tile: TilePath) throws(StoreError) -> [UInt8] {
        var bundle: [UInt8] = []
        var index = tile.firstIndex
        let end = tile.firstIndex + UInt64(tile.width)
        try AuditRecovery.scan(store, from: AuditFamily.leafKey(index)) {
            key, value throws(StoreError) in
            EntryBundle.append(try Self.leaf(key, value, expected: index), to: &bundle)
            index += 1
            return index < end
        }
        guard index == end else { throw .corrupt("audit entry \(index) is missing") }
        return bundle
    }

    private func readHashes(_ tile: TilePath) throws(StoreError) -> [UInt8] {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(tile.width * TreeHash.byteCount)
        var index = tile.firstIndex
        let end = tile.firstIndex + UInt64(tile.width)
        let first = NodePosition(level: tile.treeLevel, index: index)
        try AuditRecovery.scan(store, from: AuditFamily.hashKey(first)) {
            key, value throws(StoreError) in
            let expected = NodePosition(level: first.level, index: index)
            guard AuditFamily.position(key) == expected, value.count == TreeHash.byteCount else {
                throw .corrupt("hash \(index) of level \(first.level) of the audit log")
            }
            bytes += value
            index += 1
            return index < end
        }
        guard index == end else {
            throw .corrupt("hash \(index) of level \(first.level) of the audit log")
        }
        return bytes
    }

    static func leaf(
        _ key: UnsafeRawBufferPointer, _ value: UnsafeRawBufferPointer, expected index: UInt64
    ) throws(StoreError) -> UnsafeRawBufferPointer {
        guard AuditFamily.leafIndex(key) == index else {
            throw .corrupt("audit entry \(index) is missing")
        }
        return try AuditFamily.leaf(value, index: index)
    }

    static func isBefore(_ end: Milliseconds?, _ leaf: UnsafeRawBufferPointer) -> Bool {
        guard let end, let header = LeafHeader(leaf) else { return true }
        return header.milliseconds < end
    }

    /// Times never fall, so the first entry of a time is found by halving.
    func firstIndex(
        notBefore time: Milliseconds?, in range: Range<UInt64>
    ) throws(StoreError) -> UInt64 {
        guard let time else { return range.lowerBound }
        var low = range.lowerBound
        var high = range.upperBound
        while low < high {
            let middle = low + (high - low) / 2
            guard let value = try store.readAudit(AuditFamily.leafKey(middle)),
                let header = LeafHeader(value.dropFirst())
            else { throw .corrupt("audit entry \(middle) is missing or damaged") }
            if header.milliseconds < time { low = middle + 1 } else { high = middle }
        }
        return low
    }
}
