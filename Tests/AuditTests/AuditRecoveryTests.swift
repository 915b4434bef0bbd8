import AuditProof
import Foundation
import Store
import Testing

@testable import Audit

@Suite("Recovery of the audit log")
struct AuditRecoveryTests {
    func fixture(entries count: Int) async throws -> AuditFixture {
        let fixture = try AuditFixture()
        try await fixture.records((0..<count).map { AuditEntry(act: .tokenIssued, events: $0) })
        return fixture
    }

    @Test("any size is found again", arguments: [0, 1, 2, 3, 4, 5, 255, 256, 257, 1000])
    func sizes(count: Int) async throws {
        let fixture = try await fixture(entries: count)
        let before = try fixture.checkpoint()
        try fixture.reopen()
        #expect(fixture.log.size == UInt64(count))
        #expect(try fixture.checkpoint() == before)
    }

    @Test("a store that died without closing is recovered as well")
    func withoutClose() async throws {
        let fixture = try await fixture(entries: 10)
        let copy = fixture.file("copy")
        try FileManager.default.createDirectory(at: copy, withIntermediateDirectories: false)
        for part in ["data", "keys"] {
            try FileManager.default.copyItem(
                at: fixture.file(part), to: copy.appendingPathComponent(part))
        }
        let store = try AuditFixture.open(copy, fixture.clock)
        defer { store.close() }
        let log = try AuditLog(store: store, signer: fixture.signer)
        #expect(try log.checkpoint() == fixture.log.checkpoint())
    }

    @Test("a changed entry in the last tile is noticed at the start")
    func changedEntry() async throws {
        let fixture = try await fixture(entries: 300)
        var leaf = Array(try fixture.lines()[270].utf8)
        leaf[leaf.count - 2] ^= 1
        try await fixture.tampers(
            key: AuditFamily.leafKey(270), value: AuditFamily.leafValue(leaf))
        #expect(throws: StoreError.corrupt("audit entry 270 is not the one whose hash is stored")) {
            try fixture.reopen()
        }
    }

    @Test("a changed hash that the tree needs is noticed at the start")
    func changedHash() async throws {
        for position in [
            NodePosition(level: 0, index: 299), NodePosition(level: 2, index: 74),
            NodePosition(level: 3, index: 36),
        ] {
            let fixture = try await fixture(entries: 300)
            try await fixture.tampers(
                key: AuditFamily.hashKey(position), value: MerkleTree.leafHash([1]).bytes)
            #expect(throws: StoreError.self) { try fixture.reopen() }
        }
    }

    @Test("a changed hash of the old part of the tree is noticed by the watermark's root")
    func changedOldHash() async throws {
        let fixture = try await fixture(entries: 300)
        try await fixture.tampers(
            key: AuditFamily.hashKey(NodePosition(level: 8, index: 0)),
            value: MerkleTree.leafHash([1]).bytes)
        #expect {
            try fixture.reopen()
        } throws: { error in
            if case StoreError.olderThanWatermark = error { true } else { false }
        }
    }

    @Test("a hash of the wrong length, or a leaf of an unknown version, is noticed")
    func wrongShapes() async throws {
        let short = try await fixture(entries: 5)
        try await short.tampers(
            key: AuditFamily.hashKey(NodePosition(level: 0, index: 4)), value: [1, 2, 3])
        #expect(throws: StoreError.self) { try short.reopen() }
        let unknown = try await fixture(entries: 5)
        try await unknown.tampers(key: AuditFamily.leafKey(4), value: [9] + Array("{}".utf8))
        #expect(throws: StoreError.self) { try unknown.reopen() }
    }

    @Test("an entry beyond a gap is noticed, so that a hole in the middle is no shorter log")
    func gap() async throws {
        let fixture = try await fixture(entries: 5)
        try await fixture.tampers(
            key: AuditFamily.leafKey(9), value: AuditFamily.leafValue(Array("{}".utf8)))
        #expect(throws: StoreError.corrupt("audit entry 5 is missing, but entry 9 is there")) {
            try fixture.reopen()
        }
    }

    @Test("a hash without its entry is noticed: the last entry was taken away")
    func hashWithoutEntry() async throws {
        let fixture = try await fixture(entries: 5)
        try await fixture.tampers(
            key: AuditFamily.hashKey(NodePosition(level: 0, index: 5)),
            value: MerkleTree.emptyRoot.bytes)
        #expect(throws: StoreError.corrupt("audit entry 5 is missing, but its hash is there")) {
            try fixture.reopen()
        }
    }

    @Test("a data directory older than its watermark is refused, unless the operator accepts it")
    func olderState() async throws {
        let fixture = try await fixture(entries: 5)
        try fixture.reopen()
        fixture.store.close()
        let backup = fixture.file("backup")
        try FileManager.default.copyItem(at: fixture.file("data"), to: backup)
        try fixture.reopen()
        try await fixture.log.append(AuditEntry(act: .release))
        fixture.store.close()
        try FileManager.default.removeItem(at: fixture.file("data"))
        try FileManager.default.copyItem(at: backup, to: fixture.file("data"))
        #expect {
            try fixture.reopen()
        } throws: { error in
            if case StoreError.olderThanWatermark = error { true } else { false }
        }
    }

    @Test("a watermark of a longer log, or of another one, does not agree; a shorter one does")
    func watermarks() async throws {
        let fixture = try await fixture(entries: 100)
        let recovered = try AuditRecovery.recover(fixture.store)
        func compare(_ watermark: [UInt8]) throws {
            try AuditRecovery.compare(recovered.frontier, with: watermark, in: fixture.store)
        }
        let own = fixture.log.watermark()
        #expect(own.count == 41)
        try compare(own)
        try compare([])
        var shorter = MerkleFrontier()
        for line in try fixture.lines()[..<60] {
            shorter.append(leafHash: MerkleTree.leafHash(line.utf8))
        }
        try compare(AuditWatermark(size: 60, root: shorter.root).bytes)
        for wrong in [
            AuditWatermark(size: 101, root: recovered.frontier.root),
            AuditWatermark(size: 60, root: recovered.frontier.root),
            AuditWatermark(size: 100, root: shorter.root),
            AuditWatermark(size: .max, root: shorter.root),
        ] {
            #expect {
                try compare(wrong.bytes)
            } throws: { error in
                if case StoreError.olderThanWatermark = error { true } else { false }
            }
        }
        for damaged in [Array(own.dropLast()), own + [0], [2] + own.dropFirst()] {
            #expect(throws: StoreError.corrupt("the audit part of the watermark cannot be read")) {
                try compare(damaged)
            }
        }
    }

    @Test("the watermark says what is durable, not what is being written")
    func watermarkFollows() async throws {
        let fixture = try await fixture(entries: 3)
        let mark = try #require(AuditWatermark(fixture.log.watermark()))
        #expect(mark.size == 3)
        #expect(mark.root == (try fixture.checkpoint()).root)
        var writes = StagedWrites()
        fixture.log.stage(
            [AuditLog.draft(AuditEntry(act: .release))], keysMade: 0, at: AuditFixture.noon,
            into: &writes)
        #expect(AuditWatermark(fixture.log.watermark()) == mark)
        #expect(fixture.log.size == 3)
        #expect(writes.auditSizeAfter == 4)
        #expect(
            writes.audit.map(\.key) == [
                AuditFamily.leafKey(3), AuditFamily.hashKey(NodePosition(level: 0, index: 3)),
                AuditFamily.hashKey(NodePosition(level: 1, index: 1)),
                AuditFamily.hashKey(NodePosition(level: 2, index: 0)),
            ])
    }
}
