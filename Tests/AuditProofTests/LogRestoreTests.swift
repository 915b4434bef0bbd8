import AuditProof
import Foundation
import Testing

@Suite("A log that says why older checkpoints do not fit")
struct LogRestoreTests {
    private static func restored(_ index: Int, _ act: String = "storeRestored") -> [UInt8] {
        var leaf: [UInt8] = []
        LeafHeader.append(
            number: UInt64(index), milliseconds: SampleLog.startMilliseconds + Int64(index),
            to: &leaf)
        let detail = #"{"abandonedAuditSize":"57","auditSize":"\#(index)","backup":"b"}"#
        return leaf + Array(#","act":"\#(act)","detail":\#(detail)}"#.utf8)
    }

    @Test("the report names an older state that a setting let in, and does not call it a backup")
    func accepted() throws {
        let log = try SampleLog(size: 40) {
            $0 == 30 ? Self.restored(30, "olderStateAccepted") : SampleLog.leaf($0)
        }
        let restore = try #require(log.verify().restores.first)
        #expect(!restore.isOfBackup)
        #expect(restore.description.contains("a log of 30 entries was accepted by a setting"))
        let directory = try TemporaryDirectory()
        try log.write(to: directory.url)
        let output = try OtherVerifier.run(
            OtherVerifier.python.program,
            [OtherVerifier.python.options[0], "--key", log.signer.verifierKey, directory.url.path])
        #expect(output.status == 0)
        #expect(
            String(decoding: output.output, as: UTF8.self)
                .contains("restored: entry 30: a state with a log of 30 entries was accepted"))
    }

    @Test("the report names each backup that was brought back, the keys and who signed")
    func restores() throws {
        let log = try SampleLog(size: 40) { $0 == 30 ? Self.restored(30) : SampleLog.leaf($0) }
        let report = log.verify()
        #expect(report.isIntact)
        #expect(report.restores.map(\.size) == [30])
        #expect(report.restores.first?.abandonedSize == 57)
        #expect(report.restores.first?.description.contains("entry 30") == true)
        #expect(report.keyCount == 1)
        #expect(report.signers == [log.signer.key])
        let directory = try TemporaryDirectory()
        try log.write(to: directory.url)
        let output = try OtherVerifier.run(
            OtherVerifier.python.program,
            [OtherVerifier.python.options[0], "--key", log.signer.verifierKey, directory.url.path])
        #expect(output.status == 0)
        let text = String(decoding: output.output, as: UTF8.self)
        #expect(text.contains("restored: entry 30: a backup with a log of 30 entries"))
    }

    @Test("that lacks a change of the key which is known says that a restore may be why")
    func withoutTheChange() throws {
        let changed = try SampleLog(size: 60, rotatingAt: [40])
        let keys = try (7...8).map { try SampleLog.signer(UInt8($0)).key }
        let known = try KnownKeys(
            keys, rotations: [try #require(changed.files["rotations/1"])])
        let plain = try SampleLog(size: 40).verify(knowing: known)
        #expect(plain.changedSince == 41)
        #expect(plain.changeNote?.contains("ask for today's") == true)
        let restored = try SampleLog(size: 40) {
            $0 == 30 ? Self.restored(30) : SampleLog.leaf($0)
        }.verify(knowing: known)
        #expect(restored.isIntact)
        #expect(restored.changeNote?.contains("a restore may be why") == true)
        #expect(changed.verify(knowing: known).changeNote == nil)
    }

    @Test("a log with two changes of its key counts three, and names the one that signed")
    func keys() throws {
        let log = try SampleLog(size: 40, rotatingAt: [10, 20])
        let report = log.verify(trusting: try SampleLog.signer().key)
        #expect(report.isIntact)
        #expect(report.keyCount == 3)
        #expect(report.signers == [log.signer.key])
    }

    @Test("a witness's key without a checkpoint that it signed is wrong usage")
    func witnessAlone() throws {
        let log = try SampleLog(size: 3)
        let directory = try TemporaryDirectory()
        try log.write(to: directory.url)
        let output = try OtherVerifier.run(
            OtherVerifier.python.program,
            [
                OtherVerifier.python.options[0], "--key", log.signer.verifierKey, "--witness",
                log.signer.verifierKey, directory.url.path,
            ])
        #expect(output.status == 2)
    }
}
