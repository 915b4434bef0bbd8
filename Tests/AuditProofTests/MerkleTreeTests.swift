import AuditProof
import Testing

@Suite("The Merkle tree of RFC 6962")
struct MerkleTreeTests {
    /// The leaves and roots that Certificate Transparency's own tests publish.
    static let leaves: [[UInt8]] = [
        [], [0x00], [0x10], [0x20, 0x21], [0x30, 0x31], [0x40, 0x41, 0x42, 0x43],
        [0x50, 0x51, 0x52, 0x53, 0x54, 0x55, 0x56, 0x57], (0x60...0x6F).map { UInt8($0) },
    ]
    static let roots = [
        "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
        "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
        "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
        "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
        "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
        "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
        "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
        "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
        "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
    ]

    static func hexadecimal(_ hash: TreeHash) -> String {
        hash.bytes.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
    }

    /// A tree of `size` leaves with all its stored hashes, by stored hash index.
    struct Tree {
        var frontier = MerkleFrontier()
        var stored: [TreeHash] = []
        var roots = [MerkleTree.emptyRoot]
        var leafHashes: [TreeHash] = []

        init(size: Int) {
            for index in 0..<size {
                let hash = MerkleTree.leafHash([UInt8(index & 0xFF), UInt8(index >> 8)])
                leafHashes.append(hash)
                frontier.append(leafHash: hash) { position, hash in
                    precondition(position.storedHashIndex == UInt64(stored.count))
                    stored.append(hash)
                }
                roots.append(frontier.root)
            }
        }

        func read(_ position: NodePosition) -> TreeHash { stored[Int(position.storedHashIndex)] }
    }

    @Test("roots of the published leaves are the published roots", arguments: 0...8)
    func publishedRoots(size: Int) {
        var frontier = MerkleFrontier()
        for leaf in Self.leaves[..<size] { frontier.append(leafHash: MerkleTree.leafHash(leaf)) }
        #expect(Self.hexadecimal(frontier.root) == Self.roots[size])
    }

    @Test("stored hashes are numbered as Go's tlog numbers them")
    func storedHashIndexes() {
        let drawn: [(level: Int, index: UInt64, stored: UInt64)] = [
            (0, 0, 0), (0, 1, 1), (1, 0, 2), (0, 2, 3), (0, 3, 4), (1, 1, 5), (2, 0, 6), (0, 4, 7),
            (0, 5, 8), (1, 2, 9), (0, 6, 10), (0, 7, 11), (1, 3, 12), (2, 1, 13), (3, 0, 14),
        ]
        for (level, index, stored) in drawn {
            #expect(NodePosition(level: level, index: index).storedHashIndex == stored)
        }
        for stored: UInt64 in 0..<5000 {
            #expect(NodePosition(storedHashIndex: stored).storedHashIndex == stored)
        }
        let far = NodePosition(level: 5, index: 123_456_789_012)
        #expect(NodePosition(storedHashIndex: far.storedHashIndex) == far)
    }

    @Test("an appender stores exactly as many hashes as the size says")
    func storedHashCount() {
        for size in 0...130 {
            let count = NodePosition.storedHashCount(size: UInt64(size))
            #expect(Int(count) == Tree(size: size).stored.count)
        }
    }

    @Test("root by definition, root of the frontier and root from stored hashes agree")
    func rootsAgree() {
        let tree = Tree(size: 300)
        for size in 0...300 {
            let defined = SampleLog.root(tree.leafHashes[..<size])
            #expect(tree.roots[size] == defined)
            #expect(MerkleTree.rootHash(size: UInt64(size), reading: tree.read) == defined)
            let resumed = MerkleFrontier(size: UInt64(size), reading: tree.read)
            #expect(resumed.root == defined)
        }
    }

    @Test("a frontier that is read back goes on like the one that wrote")
    func frontierResumes() {
        let tree = Tree(size: 200)
        for size in [0, 1, 2, 3, 7, 64, 127, 199] {
            var resumed = MerkleFrontier(size: UInt64(size), reading: tree.read)
            for hash in tree.leafHashes[size...] { resumed.append(leafHash: hash) }
            #expect(resumed.root == tree.frontier.root)
            #expect(resumed.size == 200)
        }
    }

    @Test("every inclusion proof holds, and no other leaf, place, size or root passes")
    func inclusion() throws {
        let tree = Tree(size: 40)
        for size in 1...40 {
            for index in 0..<size {
                let proof = try #require(
                    MerkleTree.inclusionProof(
                        index: UInt64(index), size: UInt64(size), reading: tree.read))
                func holds(
                    leaf: Int? = nil, at place: Int? = nil, in total: Int? = nil,
                    root: TreeHash? = nil, proof changed: [TreeHash]? = nil
                ) -> Bool {
                    MerkleTree.verifyInclusion(
                        leafHash: tree.leafHashes[leaf ?? index], index: UInt64(place ?? index),
                        size: UInt64(total ?? size), root: root ?? tree.roots[size],
                        proof: changed ?? proof)
                }
                #expect(holds())
                #expect(!holds(leaf: (index + 1) % 40))
                #expect(!holds(root: tree.roots[size - 1]))
                #expect(!holds(proof: proof + [tree.roots[1]]))
                #expect(!holds(at: size))
                if !proof.isEmpty {
                    #expect(!holds(proof: Array(proof.dropLast())))
                    #expect(!holds(proof: Array(proof.dropFirst())))
                    #expect(!holds(at: (index + 1) % size))
                }
            }
        }
        #expect(MerkleTree.inclusionProof(index: 5, size: 5, reading: tree.read) == nil)
    }

    @Test("every consistency proof holds, and no other sizes or roots pass")
    func consistency() throws {
        let tree = Tree(size: 40)
        for newSize in 1...40 {
            for oldSize in 1...newSize {
                let proof = try #require(
                    MerkleTree.consistencyProof(
                        oldSize: UInt64(oldSize), newSize: UInt64(newSize), reading: tree.read))
                func holds(old: TreeHash, new: TreeHash, proof changed: [TreeHash]) -> Bool {
                    MerkleTree.verifyConsistency(
                        oldSize: UInt64(oldSize), oldRoot: old, newSize: UInt64(newSize),
                        newRoot: new, proof: changed)
                }
                let old = tree.roots[oldSize]
                let new = tree.roots[newSize]
                #expect(holds(old: old, new: new, proof: proof))
                #expect(!holds(old: tree.roots[oldSize - 1], new: new, proof: proof))
                #expect(!holds(old: old, new: tree.roots[newSize - 1], proof: proof))
                #expect(!holds(old: old, new: new, proof: proof + [old]))
                if !proof.isEmpty {
                    #expect(!holds(old: old, new: new, proof: Array(proof.dropLast())))
                }
            }
        }
        #expect(MerkleTree.consistencyProof(oldSize: 0, newSize: 5, reading: tree.read) == nil)
        #expect(MerkleTree.consistencyProof(oldSize: 6, newSize: 5, reading: tree.read) == nil)
    }

    @Test("a hash has 32 bytes and one base64 form")
    func treeHashForms() {
        let hash = MerkleTree.emptyRoot
        #expect(TreeHash(hash.bytes) == hash)
        #expect(TreeHash(base64: hash.base64) == hash)
        #expect(hash.base64 == "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=")
        for wrong in ["", "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFV=", hash.base64 + "\n"] {
            #expect(TreeHash(base64: wrong) == nil)
        }
        #expect(TreeHash([UInt8](repeating: 0, count: 31)) == nil)
        #expect(TreeHash([UInt8](repeating: 0, count: 33)) == nil)
    }
}
