import AuditProof
import Foundation
import Testing

@Suite("What is known of a log's keys")
struct KnownKeysTests {
    private static func keys() throws -> [CheckpointSigner] {
        try (7...9).map { try SampleLog.signer(UInt8($0)) }
    }

    private static func proofs(_ log: SampleLog) -> [[UInt8]] {
        (1...2).compactMap { log.files["rotations/\($0)"] }
    }

    /// A log that never changed its key, which whoever holds the first one can make at any time.
    private static func forgery(size: Int) throws -> SampleLog { try SampleLog(size: size) }

    @Test("takes no log of any size that a key which was replaced signed alone, without the proofs")
    func forgedByOldKey() throws {
        let keys = try Self.keys().map(\.key)
        for size in [5, 600] {
            let forged = try Self.forgery(size: size)
            // The control: who trusts the first key alone cannot tell.
            #expect(forged.verify(trusting: keys[0]).isIntact)
            for known in [[keys[0], keys[1]], keys] {
                let report = forged.verify(knowing: try KnownKeys(known))
                #expect(!report.isIntact)
                #expect(report.problems == [.keys("\(ProofError.leftOut(known[1]))")])
            }
            #expect(!forged.verify(trusting: keys[1]).isIntact)
        }
    }

    @Test("with the proofs takes what is no longer than the change, says so, and nothing longer")
    func forgedBesideProofs() throws {
        let keys = try Self.keys().map(\.key)
        let log = try SampleLog(size: 600, rotatingAt: [10, 400])
        let known = try KnownKeys(keys, rotations: Self.proofs(log))
        #expect(
            try Self.forgery(size: 600).verify(knowing: known).problems == [
                .checkpoint("\(CheckpointError.otherTerm(size: 600))")
            ])
        // As large as the tree in which the key was changed, and another one.
        #expect(
            try Self.forgery(size: 11).verify(knowing: known).problems == [
                .checkpoint("\(CheckpointError.otherTree(size: 11))")
            ])
        let early = try Self.forgery(size: 10).verify(knowing: known)
        #expect(early.isIntact)
        #expect(early.changedSince == 11)
        #expect(early.keyCount == 1)
        let middle = try SampleLog(size: 300, rotatingAt: [10]).verify(knowing: known)
        #expect(middle.isIntact)
        #expect(middle.changedSince == 401)
        #expect(middle.keyCount == 2)
    }

    @Test("does not let the newest key alone sign other entries from before it came")
    func forgedByNewKey() throws {
        let keys = try Self.keys()
        let log = try SampleLog(size: 600, rotatingAt: [10, 400])
        // Its holder leaves out the changes, and signs entries of its own making.
        var forged = try Self.forgery(size: 600)
        let tree = Checkpoint(origin: SampleLog.origin, size: 600, root: forged.root)
        forged.files["checkpoint"] = Array(try keys[2].sign(tree).utf8)
        #expect(forged.verify(trusting: keys[2].key).isIntact, "the control")
        #expect(!forged.verify(knowing: try KnownKeys(keys.map(\.key))).isIntact)
        let known = try KnownKeys(keys.map(\.key), rotations: Self.proofs(log))
        let report = forged.verify(knowing: known)
        #expect(report.problems.contains(.rewritten(olderSize: 11)))
        #expect(report.problems.contains(.rewritten(olderSize: 401)))
    }

    @Test("fits the log of today, with its proofs or without, and one that changed its key again")
    func genuine() throws {
        let keys = try Self.keys().map(\.key)
        var log = try SampleLog(size: 600, rotatingAt: [10, 400])
        let all = try KnownKeys(keys, rotations: Self.proofs(log))
        let early = try KnownKeys(
            Array(keys.prefix(2)), rotations: Array(Self.proofs(log).prefix(1)))
        for known in [try KnownKeys(keys), all, early] {
            let report = log.verify(knowing: known)
            #expect(report.problems == [])
            #expect(report.changedSince == nil)
            #expect(report.keyCount == 3)
        }
        log.files["rotations/1"] = nil
        log.files["rotations/2"] = nil
        #expect(log.verify(knowing: all).problems == [])
        #expect(!log.verify(knowing: early).isIntact)
    }

    @Test("refuses a log whose proof of a change is another one, though the old key signed it")
    func otherChange() throws {
        let keys = try Self.keys().map(\.key)
        let log = try SampleLog(size: 600, rotatingAt: [10, 400])
        let known = try KnownKeys(keys, rotations: Self.proofs(log))
        let other = try SampleLog(size: 600, rotatingAt: [11, 400])
        #expect(other.verify(trusting: keys[0]).isIntact, "the control")
        guard case .keys(let reason) = other.verify(knowing: known).problems.first else {
            Issue.record("it was taken")
            return
        }
        #expect(reason.contains("rotation 1"))
    }

    @Test("lets the newest key alone count for a proof that comes without the log")
    func withoutLog() throws {
        let signers = try Self.keys()
        let keys = signers.map(\.key)
        let log = try SampleLog(size: 600, rotatingAt: [10, 400])
        let forged = try Self.forgery(size: 600).checkpoint()
        #expect(throws: CheckpointError.note(.notSigned)) {
            try KnownKeys(keys).chainWithoutLog.checkpoint(forged)
        }
        let known = try KnownKeys(keys, rotations: Self.proofs(log))
        #expect(throws: CheckpointError.otherTerm(size: 600)) {
            try known.chainWithoutLog.checkpoint(forged)
        }
        #expect(try known.chainWithoutLog.checkpoint(log.checkpoint()).size == 600)
    }

    @Test("is nothing without a key, and proofs that do not lead to each key are refused")
    func incomplete() throws {
        let keys = try Self.keys().map(\.key)
        let log = try SampleLog(size: 600, rotatingAt: [10, 400])
        #expect(throws: ProofError.unknownKey) { try KnownKeys([]) }
        #expect(throws: ProofError.leftOut(keys[2])) {
            try KnownKeys(keys, rotations: Array(Self.proofs(log).prefix(1)))
        }
    }

    @Test("as several keys, all of them must be the log's, for the other verifier too")
    func otherVerifier() throws {
        let keys = try Self.keys().map(\.key)
        let directory = try TemporaryDirectory()
        let genuine = directory.url.appendingPathComponent("genuine")
        let forged = directory.url.appendingPathComponent("forged")
        try SampleLog(size: 600, rotatingAt: [10, 400]).write(to: genuine)
        try Self.forgery(size: 600).write(to: forged)
        let second = ["--key", keys[1].description]
        let python = OtherVerifier.python
        #expect(try python.run(keys[0], nil, second + [genuine.path]).status == 0)
        #expect(try python.run(keys[0], nil, [forged.path]).status == 0, "the control")
        #expect(try python.run(keys[0], nil, second + [forged.path]).status == 1)
    }
}
