import Audit
import AuditProof
import Foundation
import Store
import Testing

@Suite("The audit log")
struct AuditLogTests {
    @Test("an appended entry stands in the log with its number and time when append returns")
    func append() async throws {
        let fixture = try AuditFixture()
        try await fixture.log.append(AuditEntry(act: .serverStarted))
        fixture.clock.now += 1500
        try await fixture.log.append(
            AuditEntry(
                act: .release, client: "acme-reader", role: "reader", stream: "demo",
                derivedStream: "demo-1-4", partition: 0,
                offsets: (first: Offset(rawValue: 17), last: Offset(rawValue: 42)),
                fields: ["customer/email", "session"], contracts: ["acme/click/1.0.0"],
                purposes: [1, 4], events: 26, keyLinks: 9, sealedFields: 1,
                detail: ["reason": "poll", "page": "1"]))
        #expect(
            try fixture.lines() == [
                #"{"n":0,"at":"2026-11-23T12:00:00.000Z","act":"serverStarted"}"#,
                #"{"n":1,"at":"2026-11-23T12:00:01.500Z","act":"release","client":"acme-reader","#
                    + #""role":"reader","stream":"demo","derivedStream":"demo-1-4","partition":0,"#
                    + #""offsets":[17,42],"fields":["customer/email","session"],"#
                    + #""contracts":["acme/click/1.0.0"],"purposes":[1,4],"events":26,"keyLinks":9,"#
                    + #""sealedFields":1,"detail":{"page":"1","reason":"poll"}}"#,
            ])
        #expect(fixture.log.size == 2)
    }

    @Test("an empty log has a signed checkpoint of the empty tree")
    func emptyLog() throws {
        let fixture = try AuditFixture()
        let checkpoint = try fixture.checkpoint()
        #expect(checkpoint.size == 0)
        #expect(checkpoint.root == MerkleTree.emptyRoot)
        #expect(try fixture.lines() == [])
    }

    @Test("an entry is in the same commit as the change that it records, or neither is")
    func sameCommit() async throws {
        let fixture = try AuditFixture()
        let key = DocumentKey(kind: "stream", name: "demo")
        func create() async throws -> CommitReceipt {
            try await fixture.store.commit([
                .putDocument(key, body: Array("{}".utf8), expectedRevision: nil),
                .audit(AuditLog.draft(AuditEntry(act: .streamCreated, stream: "demo"))),
            ])
        }
        let receipt = try await create()
        #expect(receipt.auditSizeAfter == 1)
        await #expect(throws: StoreError.conflict) { try await create() }
        #expect(fixture.log.size == 1)
        #expect(try fixture.lines().count == 1)
    }

    @Test("keys made are counted once a commit, before the entries of that commit")
    func keysMade() async throws {
        let fixture = try AuditFixture()
        _ = try await fixture.store.commit([
            .putKey(.random(), record: [1]), .putKey(.random(), record: [2]),
            .audit(AuditLog.draft(AuditEntry(act: .release))), .putKey(.random(), record: [3]),
        ])
        let lines = try fixture.lines()
        #expect(lines.count == 2)
        #expect(lines.first?.hasSuffix(#""act":"keysMade","keyLinks":3}"#) == true)
        #expect(lines.last?.hasSuffix(#""act":"release"}"#) == true)
        _ = try await fixture.store.commit([.putCursor(key: [1], value: [2])])
        #expect(fixture.log.size == 2)
    }

    @Test("times never fall when the clock goes back, also over a restart")
    func clockBack() async throws {
        let fixture = try AuditFixture()
        try await fixture.log.append(AuditEntry(act: .serverStarted))
        fixture.clock.now -= 3_600_000
        try await fixture.log.append(AuditEntry(act: .tokenIssued))
        try fixture.reopen()
        try await fixture.log.append(AuditEntry(act: .serverStarted))
        fixture.clock.now += 3_600_001
        try await fixture.log.append(AuditEntry(act: .serverStopped))
        let times = try fixture.lines().compactMap { LeafHeader($0.utf8)?.milliseconds }
        #expect(times == [0, 0, 0, 1].map { AuditFixture.noon + $0 })
    }

    @Test("entries from many tasks at once get numbers without gaps, and the tree holds them all")
    func concurrentAppends() async throws {
        let fixture = try AuditFixture()
        let log = fixture.log
        try await withThrowingTaskGroup(of: Void.self) { group in
            for number in 0..<300 {
                group.addTask {
                    try await log.append(AuditEntry(act: .tokenIssued, client: "c\(number)"))
                }
            }
            try await group.waitForAll()
        }
        let headers = try fixture.lines().map { LeafHeader($0.utf8)?.number }
        #expect(headers == (0..<300).map { UInt64($0) })
        let files = fixture.file("export")
        #expect(try log.export(to: files.path).size == 300)
        #expect(LogVerifier.verify(directory: files.path, key: fixture.signer.key).isIntact)
    }

    @Test("a restart finds the same tree and goes on, consistent with what was signed before")
    func restart() async throws {
        let fixture = try AuditFixture()
        try await fixture.records((0..<300).map { AuditEntry(act: .tokenIssued, events: $0) })
        let before = try fixture.log.checkpoint()
        try fixture.reopen()
        #expect(try fixture.log.checkpoint() == before)
        try await fixture.records((0..<300).map { AuditEntry(act: .release, events: $0) })
        let proof = try #require(try fixture.log.consistencyProof(oldSize: 300, newSize: 600))
        let old = try Checkpoint(parsing: Array(before.utf8), verifiedBy: fixture.signer.key)
        let new = try fixture.checkpoint()
        #expect(
            MerkleTree.verifyConsistency(
                oldSize: 300, oldRoot: old.root, newSize: 600, newRoot: new.root, proof: proof))
        let files = fixture.file("export")
        _ = try fixture.log.export(to: files.path)
        let report = LogVerifier.verify(
            directory: files.path, key: fixture.signer.key, olderCheckpoints: [Array(before.utf8)])
        #expect(report.problems == [])
        #expect(report.consistentSizes == [300])
    }

    @Test("every entry has an inclusion proof against the checkpoint")
    func inclusion() async throws {
        let fixture = try AuditFixture()
        try await fixture.records((0..<77).map { AuditEntry(act: .tokenIssued, events: $0) })
        let checkpoint = try fixture.checkpoint()
        for (index, line) in try fixture.lines().enumerated() {
            let proof = try #require(
                try fixture.log.inclusionProof(index: UInt64(index), size: 77))
            #expect(
                MerkleTree.verifyInclusion(
                    leafHash: MerkleTree.leafHash(line.utf8), index: UInt64(index), size: 77,
                    root: checkpoint.root, proof: proof))
        }
        #expect(try fixture.log.inclusionProof(index: 77, size: 77) == nil)
        #expect(try fixture.log.inclusionProof(index: 0, size: 78) == nil)
    }

    @Test("append gives up after its deadline; the entry that is written late stays well-formed")
    func deadline() async throws {
        let gate = GateObserver()
        let fixture = try AuditFixture(observer: gate, sleep: { _ in })
        gate.closes()
        await #expect(throws: StoreError.overloaded(retryAfterSeconds: 1)) {
            try await fixture.log.append(AuditEntry(act: .release))
        }
        #expect(fixture.log.size == 0)
        #expect(try fixture.checkpoint().size == 0)
        gate.opens()
        _ = try await fixture.store.commit([.putCursor(key: [1], value: [])])
        #expect(fixture.log.size == 1)
        #expect(try fixture.lines().count == 1)
    }

    @Test("append waits two seconds, no more")
    func deadlineLength() async throws {
        #expect(AuditLog.appendDeadline == .seconds(2))
    }

    @Test("append in a cancelled task ends without waiting, as overloaded")
    func cancelled() async throws {
        let gate = GateObserver()
        let fixture = try AuditFixture(observer: gate)
        gate.closes()
        let log = fixture.log
        let appending = Task { try await log.append(AuditEntry(act: .release)) }
        appending.cancel()
        await #expect(throws: StoreError.overloaded(retryAfterSeconds: 1)) {
            try await appending.value
        }
        gate.opens()
    }

    @Test("if the entry cannot be written, append throws and nothing is published")
    func failedWrite() async throws {
        let gate = GateObserver()
        let fixture = try AuditFixture(observer: gate)
        try await fixture.log.append(AuditEntry(act: .serverStarted))
        let before = try fixture.log.checkpoint()
        gate.fails(with: .io("test"))
        await #expect(throws: StoreError.self) {
            try await fixture.log.append(AuditEntry(act: .release))
        }
        await #expect(throws: StoreError.poisoned) {
            try await fixture.log.append(AuditEntry(act: .release))
        }
        #expect(fixture.log.size == 1)
        #expect(try fixture.log.checkpoint() == before)
        try fixture.reopen()
        #expect(fixture.log.size == 1)
        try await fixture.log.append(AuditEntry(act: .release))
        #expect(fixture.log.size == 2)
    }
}
