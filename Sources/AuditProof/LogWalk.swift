/// One walk over the files of a log, from the first entry to the last, that fills a report.
///
/// The hashes of the level 0 tiles carry the walk: if they give the signed root, each of them is
/// authentic, and an entry that does not match is named exactly. Where a level 0 tile is missing,
/// the entries' own hashes stand in for it.
struct LogWalk {
    private(set) var report: VerificationReport
    private let source: LogVerifier.Source
    private let checkpoint: Checkpoint
    /// Ascending by size; a cursor for those that are still to be compared.
    private var older: ArraySlice<Checkpoint>
    /// The trees that end with an entry that changes the key; the same.
    private var handovers: ArraySlice<Checkpoint>
    /// Sizes of those trees.
    private let handoverSizes: Set<UInt64>
    private var frontier = MerkleFrontier()
    /// Tiles above level 0 that are being filled: computed hashes, by tile level.
    private var upperTiles: [Int: [TreeHash]] = [:]
    private var lastMilliseconds: Int64 = 0
    /// A hash is missing, so that nothing can be said about the root and the upper tiles any more.
    private var isBroken = false
    private var entriesMatching: UInt64 = 0

    init(
        source: LogVerifier.Source, checkpoint: Checkpoint, older: [Checkpoint],
        handovers: [Checkpoint], report: VerificationReport
    ) {
        self.source = source
        self.checkpoint = checkpoint
        self.older = older.sorted { $0.size < $1.size }[...]
        self.handovers = handovers[...]
        handoverSizes = Set(handovers.map(\.size))
        self.report = report
    }

    mutating func run() {
        compareOlderCheckpoints()
        var index: UInt64 = 0
        while let bundle = TilePath.tile(.entries, index: index, size: checkpoint.size) {
            visit(bundle)
            if report.isFull { return }
            index += 1
        }
        if !isBroken {
            checkUnfinishedTiles()
            let root = frontier.root
            if root != checkpoint.root {
                report.add(.root(signed: checkpoint.root.base64, computed: root.base64))
            } else {
                report.entriesVerified = entriesMatching
            }
        }
        checkForOtherFiles()
    }

    /// One bundle of entries and the level 0 tile beside it.
    private mutating func visit(_ bundle: TilePath) {
        let tile = TilePath(
            content: .hashes(level: 0), index: bundle.index, width: bundle.width)
        let entries = readEntries(bundle)
        let hashes = readHashes(tile)
        var leafHashes: [TreeHash] = []
        for (position, entry) in entries.enumerated() where position < bundle.width {
            let index = bundle.firstIndex + UInt64(position)
            let hash = MerkleTree.leafHash(entry)
            leafHashes.append(hash)
            if let hashes, position < hashes.count, hashes[position] != hash {
                report.add(.entryChanged(index: index))
            } else {
                entriesMatching += 1
            }
            checkHeader(entry, index: index)
        }
        let usable = hashes ?? (leafHashes.count == bundle.width ? leafHashes : [])
        guard usable.count == bundle.width else {
            isBroken = true
            return
        }
        guard !isBroken else { return }
        for hash in usable {
            append(hash)
            compareOlderCheckpoints()
        }
    }

    private mutating func checkHeader(_ entry: ArraySlice<UInt8>, index: UInt64) {
        guard let header = LeafHeader(entry), entry.last == 0x7D, !entry.contains(0x0A) else {
            report.add(.entryNumber(index: index, found: nil))
            return
        }
        if header.number != index {
            report.add(.entryNumber(index: index, found: header.number))
        }
        if header.milliseconds < lastMilliseconds { report.add(.entryTime(index: index)) }
        lastMilliseconds = max(lastMilliseconds, header.milliseconds)
        if !EntryShape.holds(for: entry) { report.add(.entryShape(index: index)) }
        // A new key that nobody vouches for: its proof was left out, or there never was one.
        if KeyRotation.isOne(entry), !handoverSizes.contains(index + 1) {
            report.add(.unprovenKey(index: index))
        }
        if report.restores.count < VerificationReport.problemCountMax,
            let restore = LogRestore(entry)
        {
            report.restores.append(restore)
        }
    }

    private mutating func append(_ hash: TreeHash) {
        var completed: [(Int, TreeHash)] = []
        frontier.append(leafHash: hash) { position, hash in
            if position.level > 0, position.level % 8 == 0 {
                completed.append((position.level / 8, hash))
            }
        }
        for (level, hash) in completed {
            upperTiles[level, default: []].append(hash)
            if upperTiles[level, default: []].count == TilePath.fullWidth { checkUpperTile(level) }
        }
    }

    private mutating func checkUnfinishedTiles() {
        for level in upperTiles.keys.sorted() { checkUpperTile(level) }
    }

    /// Compares a tile above level 0 with what the leaves below it gave.
    private mutating func checkUpperTile(_ level: Int) {
        guard let computed = upperTiles.removeValue(forKey: level), !computed.isEmpty else {
            return
        }
        let count = frontier.size >> UInt64(8 * level)
        let index = (count - 1) / UInt64(TilePath.fullWidth)
        let tile = TilePath(
            content: .hashes(level: level), index: index, width: computed.count)
        guard let stored = readHashes(tile) else { return }
        for (position, pair) in zip(stored, computed).enumerated() where pair.0 != pair.1 {
            let first = (tile.firstIndex + UInt64(position)) << UInt64(8 * level)
            report.add(
                .hashChanged(
                    tile.description, position: position, firstEntry: first,
                    endEntry: first + 1 << UInt64(8 * level)))
        }
    }

    private mutating func compareOlderCheckpoints() {
        while let next = older.first, next.size == frontier.size {
            older = older.dropFirst()
            if frontier.root == next.root {
                report.consistentSizes.append(next.size)
            } else {
                report.add(.rewritten(olderSize: next.size))
            }
        }
        while let next = handovers.first, next.size == frontier.size {
            handovers = handovers.dropFirst()
            if frontier.root != next.root { report.add(.rewritten(olderSize: next.size)) }
        }
    }

    /// The entries as far as they can be read; what is wrong with the file is reported.
    private mutating func readEntries(_ path: TilePath) -> [ArraySlice<UInt8>] {
        guard let bytes = read(path, byteCountMax: EntryBundle.byteCountMax) else { return [] }
        let contents = EntryBundle.contents(of: bytes)
        if contents.isDamaged || contents.entries.count != path.width {
            report.add(
                .wrongCount(
                    path.description, expected: path.width, found: contents.entries.count,
                    isCutShort: contents.isDamaged))
        }
        return contents.entries
    }

    /// nil if the tile is not there or not of the right length, which is reported.
    private mutating func readHashes(_ path: TilePath) -> [TreeHash]? {
        let byteCountMax = TilePath.fullWidth * TreeHash.byteCount
        guard let bytes = read(path, byteCountMax: byteCountMax) else { return nil }
        guard bytes.count == path.width * TreeHash.byteCount else {
            report.add(
                .wrongCount(
                    path.description, expected: path.width,
                    found: bytes.count / TreeHash.byteCount,
                    isCutShort: bytes.count % TreeHash.byteCount != 0))
            return nil
        }
        return stride(from: 0, to: bytes.count, by: TreeHash.byteCount).compactMap {
            TreeHash(bytes[$0..<$0 + TreeHash.byteCount])
        }
    }

    private mutating func read(_ path: TilePath, byteCountMax: Int) -> [UInt8]? {
        do {
            if let bytes = try source.read(path.description, byteCountMax) { return bytes }
            report.add(.missingFile(path.description))
        } catch {
            report.add(.unreadableFile(path.description, reason: error.reason))
        }
        return nil
    }

    /// A file that the checkpoint does not cover could be taken for evidence: it is named.
    private mutating func checkForOtherFiles() {
        let paths: [String]
        do {
            paths = try source.list()
        } catch {
            report.add(.unreadableFile("tile", reason: error.reason))
            return
        }
        for path in paths.sorted() {
            if let tile = TilePath(path),
                TilePath.tile(tile.content, index: tile.index, size: checkpoint.size) == tile
            {
                continue
            }
            report.add(.uncoveredFile(path))
        }
    }
}
