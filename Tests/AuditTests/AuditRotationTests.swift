import Audit
import AuditProof
import Foundation
import Store
import Testing

@Suite("The audit log changes its key")
struct AuditRotationTests {
    private static func signer(_ number: UInt32) throws -> CheckpointSigner {
        try CheckpointSigner(
            name: AuditFixture.origin, privateKey: [UInt8](repeating: UInt8(5 + number), count: 32))
    }

    private static func rotate(
        _ log: AuditLog, to number: UInt32, overlapDays: Int = 0
    ) async throws -> SigningTerm {
        try await log.rotate(
            to: try signer(number), number: number, overlapDays: overlapDays,
            recording: AuditEntry(act: .auditKeyRotated, client: "c", role: "administrator"),
            with: [
                .putDocument(
                    DocumentKey(kind: "audit-key", name: String(number)), body: [1],
                    expectedRevision: nil)
            ])
    }

    /// Who signed the checkpoint of the log as it is now.
    private static func signers(_ log: AuditLog, upTo number: UInt32) throws -> [UInt32] {
        let note = Array(try log.checkpoint().utf8)
        return try (0...number).filter { number in
            do {
                _ = try Checkpoint(parsing: note, verifiedBy: try signer(number).key)
                return true
            } catch CheckpointError.note(.notSigned) {
                return false
            }
        }
    }

    @Test("both keys sign the tree that ends with the entry, the new one alone what is larger")
    func handover() async throws {
        let fixture = try AuditFixture()
        try await fixture.records((0..<7).map { AuditEntry(act: .release, events: $0) })
        #expect(try Self.signers(fixture.log, upTo: 1) == [0])
        let term = try await Self.rotate(fixture.log, to: 1)
        #expect(term.entry == 7)
        #expect(try Self.signers(fixture.log, upTo: 1) == [0, 1])
        #expect(fixture.log.verifierKey == (try Self.signer(1).verifierKey))
        try await fixture.records([AuditEntry(act: .serverStarted)])
        #expect(try Self.signers(fixture.log, upTo: 1) == [1])
        // What else is signed by the log's key is signed by the new one now.
        let name = "test/manifests"
        #expect(fixture.log.signer(named: name).key == (try Self.signer(1).named(name).key))
        // Trees of the old key's time are still signed by it.
        let old = try #require(try fixture.log.entryProof(2, size: 5))
        _ = try Checkpoint(parsing: old.note, verifiedBy: try Self.signer(0).key)
    }

    @Test("within the overlap both keys sign, by the log's own time")
    func overlap() async throws {
        let fixture = try AuditFixture()
        _ = try await Self.rotate(fixture.log, to: 1, overlapDays: 2)
        try await fixture.records([AuditEntry(act: .serverStarted)])
        #expect(try Self.signers(fixture.log, upTo: 1) == [0, 1])
        fixture.clock.now += 2 * 86_400_000
        try await fixture.records([AuditEntry(act: .serverStopped)])
        #expect(try Self.signers(fixture.log, upTo: 1) == [1])
    }

    @Test("proofs lead from the first key to the third, also after a restart")
    func chainAcrossRestart() async throws {
        let fixture = try AuditFixture()
        var rotations: [RecordedRotation] = []
        for number in UInt32(1)...2 {
            try await fixture.records((0..<40).map { AuditEntry(act: .release, events: $0) })
            rotations.append(
                RecordedRotation(
                    number: number, signer: try Self.signer(number), sizeBefore: fixture.log.size,
                    overlapDays: 0))
            _ = try await Self.rotate(fixture.log, to: number)
        }
        try await fixture.records([AuditEntry(act: .serverStopped)])
        let before = fixture.log.terms
        try fixture.reopen(rotations: rotations)
        #expect(fixture.log.terms.map(\.entry) == before.map(\.entry))
        #expect(fixture.log.terms.map(\.entry) == [nil, 40, 81])
        let proofs = try (UInt32(1)...2).map { number in
            Array(try #require(try fixture.log.rotationProof(number)).text.utf8)
        }
        #expect(try fixture.log.rotationProof(3) == nil)
        for number in UInt32(0)...2 {
            let chain = try KeyChain(trusting: try Self.signer(number).key, rotations: proofs)
            let note = Array(try fixture.log.checkpoint().utf8)
            #expect(try chain.checkpoint(note).size == 83)
        }
    }

    @Test("a catalog that names a key without its entry is damage")
    func noEntry() async throws {
        let fixture = try AuditFixture()
        try await fixture.records([AuditEntry(act: .serverStarted)])
        let rotation = RecordedRotation(
            number: 1, signer: try Self.signer(1), sizeBefore: 0, overlapDays: 0)
        #expect(throws: StoreError.self) { try fixture.reopen(rotations: [rotation]) }
    }

    @Test("of two changes at the same moment one is refused, and nothing of it is done")
    func race() async throws {
        let fixture = try AuditFixture()
        let log = fixture.log
        let outcomes = await withTaskGroup(of: Bool.self) { group in
            for _ in 0..<2 {
                group.addTask {
                    do {
                        _ = try await Self.rotate(log, to: 1)
                        return true
                    } catch {
                        return false
                    }
                }
            }
            return await group.reduce(into: []) { $0.append($1) }
        }
        #expect(outcomes.filter(\.self).count == 1)
        #expect(try fixture.lines(AuditFilter(act: .auditKeyRotated)).count == 1)
        _ = try await Self.rotate(fixture.log, to: 2)
        #expect(fixture.log.terms.count == 3)
    }

    @Test("a change whose commit fails leaves the old key")
    func failedCommit() async throws {
        let gate = GateObserver()
        let fixture = try AuditFixture(observer: gate)
        gate.fails(with: .io("test"))
        await #expect(throws: StoreError.self) { try await Self.rotate(fixture.log, to: 1) }
        #expect(fixture.log.terms.count == 1)
    }
}
