import AuditProof
import Foundation
import Testing

/// `verify_audit.py` and `verify_receipt.py`, given several keys.
@Suite("The verifiers that are not ours, of several keys,")
struct OtherVerifierKeysTests {
    private static func key(_ seed: UInt8) throws -> String {
        try SampleLog.signer(seed).verifierKey
    }

    private static func run(_ script: String, _ arguments: [String]) throws -> Int32 {
        let python = OtherVerifier.python
        let path = URL(filePath: python.options[0]).deletingLastPathComponent()
            .appendingPathComponent(script).path
        return try OtherVerifier.run(python.program, [path] + arguments).status
    }

    @Test("read each line of a file, and not the first one alone")
    func file() throws {
        let directory = try TemporaryDirectory()
        let genuine = directory.url.appendingPathComponent("genuine")
        let forged = directory.url.appendingPathComponent("forged")
        try SampleLog(size: 40, rotatingAt: [10]).write(to: genuine)
        // Of who holds the first key, which was replaced.
        try SampleLog(size: 40).write(to: forged)
        let keys = directory.url.appendingPathComponent("keys")
        let text = "\n\(try Self.key(7))\n\n\(try Self.key(8))  since 11\r\n"
        try Data(text.utf8).write(to: keys)
        let first = try Self.key(7)
        #expect(try Self.run("verify_audit.py", ["--key", first, forged.path]) == 0, "the control")
        #expect(try Self.run("verify_audit.py", ["--key", keys.path, genuine.path]) == 0)
        #expect(try Self.run("verify_audit.py", ["--key", keys.path, forged.path]) == 1)
        try Data("\n \n".utf8).write(to: keys)
        #expect(try Self.run("verify_audit.py", ["--key", keys.path, genuine.path]) == 2)
    }

    @Test("let the last one count for a proof that comes without the changes of the key")
    func proof() throws {
        let directory = try TemporaryDirectory()
        let log = try SampleLog(size: 40, rotatingAt: [10])
        let rotation = directory.url.appendingPathComponent("rotation")
        try Data(try #require(log.files["rotations/1"])).write(to: rotation)
        // An entry as the holder of the first key makes it up today.
        let forged = directory.url.appendingPathComponent("forged")
        try Data(
            try SampleLog(size: 40).rotationProof(at: 39, by: [try SampleLog.signer(7)])
        ).write(to: forged)
        let (first, second) = (try Self.key(7), try Self.key(8))
        func takes(_ keys: [String], _ arguments: [String] = []) throws -> Bool {
            try Self.run(
                "verify_audit.py",
                keys.flatMap { ["--key", $0] } + ["--proof", forged.path] + arguments) == 0
        }
        #expect(try takes([first]), "the control")
        #expect(try takes([second, first]))
        #expect(try !takes([first, second]))
        #expect(try !takes([first, second], ["--rotation", rotation.path]))
    }

    @Test("take no receipt beside a log that only a replaced one of them signed")
    func receipt() throws {
        let directory = try TemporaryDirectory()
        let receipt = try Self.receipt()
        let file = directory.url.appendingPathComponent("receipt.json")
        try Data(receipt).write(to: file)
        let hash = DocumentHash.sha256(receipt)
        let leaves = (0..<20).map { index in
            index == 12 ? Self.issued(12, sha256: hash) : SampleLog.leaf(index)
        }
        let log = directory.url.appendingPathComponent("log")
        try SampleLog(leaves: leaves).write(to: log)
        let (first, second) = (try Self.key(7), try Self.key(8))
        func verify(_ keys: [String]) throws -> Int32 {
            try Self.run("verify_receipt.py", [file.path] + keys + ["--entries", log.path])
        }
        #expect(try verify([first]) == 0, "the control")
        #expect(try verify([first, second]) == 1)
        #expect(try verify([second, first]) == 1)
    }

    private static func receipt() throws -> [UInt8] {
        let recipients: CanonicalJSON = .object(["items": .array([]), "isKnown": .boolean(true)])
        return try SignedDocument.bytes(
            of: .object([
                "kind": .string("erasure"), "erasure": .string("e1"), "reference": .null,
                "person": .string("p1"), "unusableSince": .string("t1"),
                "destroyedAt": .string("t2"), "destroyed": .object(["dataKeys": .integer(1)]),
                "recipients": recipients, "notCovered": .array([]),
            ]), named: "receipt",
            signedBy: NoteSigner(
                name: "streammachine.dev/receipts", privateKey: [UInt8](repeating: 7, count: 32)))
    }

    /// The entry that says which receipt was given out.
    private static func issued(_ index: Int, sha256: String) -> [UInt8] {
        var leaf: [UInt8] = []
        LeafHeader.append(
            number: UInt64(index), milliseconds: SampleLog.startMilliseconds + Int64(index),
            to: &leaf)
        let detail = #"{"erasure":"e1","sha256":"\#(sha256)"}"#
        return leaf + Array(#","act":"erasureReceiptIssued","detail":\#(detail)}"#.utf8)
    }
}
