import AuditProof
import Foundation

/// A log made in memory: the files of an export, which tests may damage. It builds the tiles by the
/// definition of tlog-tiles (a hash in a tile is the root of the subtree below), not by the writer.
struct SampleLog {
    static let origin = "log.example/audit"
    static let startMilliseconds: Int64 = 1_795_428_000_000

    static func signer(_ seed: UInt8 = 7, name: String = origin) throws -> CheckpointSigner {
        try CheckpointSigner(name: name, privateKey: [UInt8](repeating: seed, count: 32))
    }

    let signer: CheckpointSigner
    private(set) var leaves: [[UInt8]]
    var files: [String: [UInt8]] = [:]

    init(
        size: Int, seed: UInt8 = 7, leaf: (Int) -> [UInt8] = { SampleLog.leaf($0) }
    ) throws {
        signer = try Self.signer(seed)
        leaves = (0..<size).map(leaf)
        try build()
    }

    /// A log that changed its key with these entries, in ascending order; the key after the n-th
    /// change has the seed `seed + n`.
    init(size: Int, rotatingAt places: [Int]) throws {
        let seeds = (0...places.count).map { UInt8(7 + $0) }
        let keys = try seeds.map { try Self.signer($0) }
        signer = keys[places.count]
        leaves = (0..<size).map { index in
            guard let number = places.firstIndex(of: index) else { return Self.leaf(index) }
            return Self.rotationLeaf(index, number: number + 1, keys[number], keys[number + 1])
        }
        try build()
        for (number, place) in places.enumerated() {
            files["rotations/\(number + 1)"] = try rotationProof(
                at: place, by: [keys[number], keys[number + 1]])
        }
    }

    /// - Parameter said: the index that the entry says of itself, if not its own.
    static func rotationLeaf(
        _ index: Int, number: Int, _ old: CheckpointSigner, _ new: CheckpointSigner,
        saying said: UInt64? = nil
    ) -> [UInt8] {
        var leaf: [UInt8] = []
        LeafHeader.append(
            number: said ?? UInt64(index), milliseconds: startMilliseconds + Int64(index),
            to: &leaf)
        return leaf
            + Array(
                #","act":"auditKeyRotated","detail":{"key":"\#(new.verifierKey)","number":"\#(number)","overlapDays":"0","previous":"\#(old.verifierKey)"}}"#
                    .utf8)
    }

    /// The proof of the entry in the tree that ends with it.
    func rotationProof(at place: Int, by signers: [CheckpointSigner]) throws -> [UInt8] {
        let size = UInt64(place + 1)
        let hashes = leaves.map { MerkleTree.leafHash($0) }
        let path = MerkleTree.inclusionProof(index: UInt64(place), size: size) {
            Self.root(hashes[Int($0.index) << $0.level..<Int($0.index + 1) << $0.level])
        }
        let tree = Checkpoint(
            origin: Self.origin, size: size, root: Self.root(hashes[..<Int(size)]))
        let note = try signers[0].sign(tree, with: Array(signers.dropFirst()))
        return Array(
            EntryProof(
                entry: leaves[place], index: UInt64(place), hashes: path ?? [],
                note: Array(note.utf8)
            ).text.utf8)
    }

    init(leaves: [[UInt8]]) throws {
        signer = try Self.signer()
        self.leaves = leaves
        try build()
    }

    static func leaf(_ index: Int, number: Int? = nil, at time: Int64? = nil) -> [UInt8] {
        var leaf: [UInt8] = []
        LeafHeader.append(
            number: UInt64(number ?? index),
            milliseconds: time ?? startMilliseconds + Int64(index), to: &leaf)
        return leaf + Array(#","act":"release","stream":"demo","events":\#(index)}"#.utf8)
    }

    /// The recursive definition of RFC 6962, section 2.1.
    static func root(_ hashes: ArraySlice<TreeHash>) -> TreeHash {
        if hashes.isEmpty { return MerkleTree.emptyRoot }
        if hashes.count == 1, let only = hashes.first { return only }
        var split = 1
        while split * 2 < hashes.count { split *= 2 }
        let middle = hashes.startIndex + split
        return MerkleTree.nodeHash(root(hashes[..<middle]), root(hashes[middle...]))
    }

    var root: TreeHash { Self.root(leaves.map { MerkleTree.leafHash($0) }[...]) }

    /// A signed note for the first `size` entries.
    func checkpoint(size: Int? = nil) throws -> [UInt8] {
        let size = size ?? leaves.count
        let root = Self.root(leaves[..<size].map { MerkleTree.leafHash($0) }[...])
        let checkpoint = Checkpoint(origin: signer.name, size: UInt64(size), root: root)
        return Array(try signer.sign(checkpoint).utf8)
    }

    static func bundle(_ leaves: [[UInt8]]) -> [UInt8] {
        var bytes: [UInt8] = []
        for leaf in leaves { leaf.withUnsafeBytes { EntryBundle.append($0, to: &bytes) } }
        return bytes
    }

    /// Entries of the bundle at this path, to change them.
    func entries(_ path: String) -> [[UInt8]] {
        EntryBundle.contents(of: files[path] ?? []).entries.map { Array($0) }
    }

    func verify(
        older: [[UInt8]] = [], trusting key: VerifierKey? = nil
    ) -> VerificationReport {
        verify(older: older, knowing: KnownKeys(key ?? signer.key))
    }

    func verify(older: [[UInt8]] = [], knowing keys: KnownKeys) -> VerificationReport {
        let files = files
        let source = LogVerifier.Source(
            read: { (path, limit) throws(LogVerifier.ReadFailure) in
                guard let bytes = files[path] else { return nil }
                guard bytes.count <= limit else { throw .init(reason: "too long") }
                return bytes
            },
            list: { files.keys.filter { $0.hasPrefix("tile/") } })
        return LogVerifier.verify(
            source: source, keys: keys, olderCheckpoints: older)
    }

    func write(to directory: URL) throws {
        try FileManager.default.createDirectory(at: directory, withIntermediateDirectories: true)
        for (path, bytes) in files {
            let file = directory.appendingPathComponent(path)
            try FileManager.default.createDirectory(
                at: file.deletingLastPathComponent(), withIntermediateDirectories: true)
            try Data(bytes).write(to: file)
        }
    }

    private mutating func build() throws {
        let hashes = leaves.map { MerkleTree.leafHash($0) }
        let leaves = leaves
        var built: [String: [UInt8]] = [:]
        TilePath.forEach(size: UInt64(leaves.count)) { tile in
            let first = Int(tile.firstIndex)
            switch tile.content {
            case .entries:
                built[tile.description] = Self.bundle(Array(leaves[first..<first + tile.width]))
            case .hashes:
                let span = 1 << tile.treeLevel
                built[tile.description] = (first..<first + tile.width).flatMap {
                    Self.root(hashes[$0 * span..<($0 + 1) * span]).bytes
                }
            }
        }
        files = built
        files["checkpoint"] = try checkpoint()
    }
}

/// A directory of its own that goes when the test ends.
final class TemporaryDirectory {
    let url: URL

    init() throws {
        url = FileManager.default.temporaryDirectory
            .appendingPathComponent("strm-audit-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: url, withIntermediateDirectories: true)
    }

    deinit {
        do {
            try FileManager.default.removeItem(at: url)
        } catch {
            // Left behind in the system's temporary directory, which the system clears.
        }
    }
}

/// SplitMix64: the same numbers for the same seed.
struct SeededGenerator: RandomNumberGenerator {
    private var state: UInt64

    init(seed: UInt64) { state = seed }

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return mixed ^ (mixed >> 31)
    }
}
