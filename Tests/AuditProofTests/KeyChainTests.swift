import AuditProof
import Foundation
import Testing

@Suite("A log that changed its key")
struct KeyChainTests {
    private static func keys() throws -> [CheckpointSigner] {
        try (7...9).map { try SampleLog.signer(UInt8($0)) }
    }

    private static func proofs(_ log: SampleLog) -> [[UInt8]] {
        (1...2).compactMap { log.files["rotations/\($0)"] }
    }

    @Test("any one of its keys leads to all others, and the log is intact by each")
    func everyKeyLeads() throws {
        let log = try SampleLog(size: 600, rotatingAt: [10, 400])
        for signer in try Self.keys() {
            let report = log.verify(trusting: signer.key)
            #expect(report.problems == [])
            #expect(report.entriesVerified == 600)
            let chain = try KeyChain(trusting: signer.key, rotations: Self.proofs(log))
            #expect(chain.terms.map(\.from) == [0, 11, 401])
            #expect(chain.terms.map(\.through) == [11, 401, nil])
        }
    }

    @Test("a key that the log never had leads nowhere")
    func strangerKey() throws {
        let log = try SampleLog(size: 600, rotatingAt: [10, 400])
        let stranger = try SampleLog.signer(99).key
        #expect(log.verify(trusting: stranger).problems == [.keys("\(ProofError.unknownKey)")])
    }

    @Test("checkpoints of each key's own time are believed, and older ones fit the log")
    func olderCheckpoints() throws {
        let keys = try Self.keys()
        let log = try SampleLog(size: 600, rotatingAt: [10, 400])
        let older = try [(0, 5), (0, 11), (1, 11), (1, 300), (2, 401), (2, 600)].map {
            try Self.note(log, size: $0.1, by: keys[$0.0])
        }
        let report = log.verify(older: older, trusting: keys[0].key)
        #expect(report.problems == [])
        #expect(report.consistentSizes == [5, 11, 11, 300, 401, 600])
    }

    @Test(
        "a key that was replaced signs nothing more that is believed, nor a new one what was before"
    )
    func outOfTerm() throws {
        let keys = try Self.keys()
        var log = try SampleLog(size: 600, rotatingAt: [10, 400])
        for (key, size) in [(0, 12), (1, 10), (1, 402), (2, 400)] {
            let note = try Self.note(log, size: size, by: keys[key])
            #expect(
                log.verify(older: [note], trusting: keys[0].key).problems == [
                    .olderCheckpoint(
                        number: 0, "\(CheckpointError.otherTerm(size: UInt64(size)))")
                ])
        }
        log.files["checkpoint"] = try Self.note(log, size: 600, by: keys[0])
        #expect(
            log.verify(trusting: keys[0].key).problems == [
                .checkpoint("\(CheckpointError.otherTerm(size: 600))")
            ])
    }

    @Test("both keys may sign for a while: the newer one counts")
    func overlap() throws {
        let keys = try Self.keys()
        var log = try SampleLog(size: 600, rotatingAt: [10, 400])
        let tree = Checkpoint(origin: SampleLog.origin, size: 600, root: log.root)
        log.files["checkpoint"] = Array(try keys[2].sign(tree, with: [keys[1]]).utf8)
        #expect(log.verify(trusting: keys[0].key).isIntact)
    }

    @Test("a change of the key counts only with both signatures, over the tree that ends with it")
    func badRotations() throws {
        let keys = try Self.keys()
        let log = try SampleLog(size: 600, rotatingAt: [10, 400])
        func problems(_ proof: [UInt8]) -> [VerificationReport.Problem] {
            var edited = log
            edited.files["rotations/1"] = proof
            return edited.verify(trusting: keys[0].key).problems
        }
        for signers in [[keys[0]], [keys[1]], [keys[0], keys[2]], [keys[2], keys[1]]] {
            let found = problems(try log.rotationProof(at: 10, by: signers))
            guard case .keys(let reason) = found.first, found.count == 1 else {
                Issue.record("\(found)")
                continue
            }
            #expect(reason.contains("rotation 1"))
        }
        // Another entry, and the right one under a larger tree.
        let other = try log.rotationProof(at: 11, by: [keys[0], keys[1]])
        #expect(problems(other).first != nil)
        var late = try EntryProof(parsing: log.files["rotations/1"] ?? [])
        late = EntryProof(
            entry: late.entry, index: late.index, hashes: late.hashes,
            note: try Self.note(log, size: 12, by: keys[0]))
        #expect(problems(Array(late.text.utf8)).first != nil)
    }

    @Test(
        "a proof of an entry with the last number of all is refused, whatever tree it is signed in")
    func lastNumber() throws {
        // Keys of one's own are enough to make it.
        let keys = try Self.keys()
        let entry = SampleLog.rotationLeaf(0, number: 1, keys[0], keys[1], saying: .max)
        let only = MerkleTree.leafHash(entry)
        let trees: [(size: UInt64, root: TreeHash)] = [
            (0, MerkleTree.emptyRoot), (1, only), (UInt64(Int64.max), only),
        ]
        for (size, root) in trees {
            let tree = Checkpoint(origin: SampleLog.origin, size: size, root: root)
            let proof = EntryProof(
                entry: entry, index: .max, hashes: [],
                note: Array(try keys[0].sign(tree, with: [keys[1]]).utf8))
            #expect(
                throws: ProofError.rotation(number: 1, "its tree does not end with its entry")
            ) {
                try KeyChain(trusting: keys[0].key, rotations: [Array(proof.text.utf8)])
            }
            #expect(throws: ProofError.notIncluded(index: .max, size: size)) {
                try proof.verified(by: KeyChain(keys[0].key))
            }
        }
    }

    @Test("an entry that names a new key without a proof is told")
    func unproven() throws {
        let keys = try Self.keys()
        let log = try SampleLog(size: 600, rotatingAt: [10, 400])
        // The holder of the second key leaves out the third, and signs on.
        var forged = log
        forged.files["rotations/2"] = nil
        forged.files["checkpoint"] = try Self.note(log, size: 600, by: keys[1])
        #expect(forged.verify(trusting: keys[0].key).problems == [.unprovenKey(index: 400)])
    }

    @Test("a log that is shorter than one of its own changes of the key is told")
    func shrunk() throws {
        let keys = try Self.keys()
        let log = try SampleLog(size: 600, rotatingAt: [10, 400])
        var short = try SampleLog(size: 300, rotatingAt: [10])
        short.files["rotations/2"] = log.files["rotations/2"]
        short.files["checkpoint"] = try Self.note(short, size: 300, by: keys[1])
        #expect(
            short.verify(trusting: keys[0].key).problems == [
                .shrunk(olderSize: 401, size: 300)
            ])
    }

    @Test("no proof is read before the one before it is found good")
    func oneByOne() throws {
        let keys = try Self.keys()
        let proofs = Self.proofs(try SampleLog(size: 600, rotatingAt: [10, 400]))
        var asked: [Int] = []
        let chain = try KeyChain(
            trusting: keys[0].key,
            rotation: { number in
                asked.append(number)
                return number <= proofs.count ? proofs[number - 1] : nil
            })
        #expect(chain.terms.count == 3)
        #expect(asked == [1, 2, 3])
        // However many files an export holds: nothing is read behind one that does not fit.
        var read: [String] = []
        let source = LogVerifier.Source(
            read: { (path, _) throws(LogVerifier.ReadFailure) in
                read.append(path)
                return proofs[1]
            }, list: { [] })
        let report = LogVerifier.verify(source: source, key: keys[0].key)
        #expect(
            report.problems == [
                .keys("\(ProofError.rotation(number: 1, "it is number 2"))")
            ])
        #expect(read == ["rotations/1"])
    }

    private static func note(
        _ log: SampleLog, size: Int, by signer: CheckpointSigner
    ) throws -> [UInt8] {
        let root = SampleLog.root(log.leaves[..<size].map { MerkleTree.leafHash($0) }[...])
        return Array(
            try signer.sign(
                Checkpoint(origin: SampleLog.origin, size: UInt64(size), root: root)
            ).utf8)
    }
}
