import Foundation
import Testing

@testable import Privacy

/// Tink's own library (PyPI `tink`) on the other side.
@Suite struct TinkTests {
    private struct Answer: Decodable {
        var opened: [String]
        var sealed: [String]
    }

    /// Reads a keyset, our ciphertexts and plaintexts; writes what Tink makes of them. Hexadecimal
    /// for plaintexts, so that any bytes pass.
    private static let program = """
        import base64, json, sys
        from tink import daead, json_proto_keyset_format, secret_key_access
        question = json.load(sys.stdin)
        daead.register()
        handle = json_proto_keyset_format.parse(
            json.dumps(question["keyset"]), secret_key_access.TOKEN)
        primitive = handle.primitive(daead.DeterministicAead)
        def opens(sealed, *associated):
            try:
                return primitive.decrypt_deterministically(sealed, *associated).hex()
            except Exception:
                return "refused"
        def as_it_is(sealed):
            return sealed, b""
        tink_form = as_it_is
        if not question.get("asItIs"):
            # The reader that docs/exports.md gives to users.
            sys.dont_write_bytecode = True
            sys.path.insert(0, question["example"])
            from open_bucket import tink_form
        opened = [
            opens(*tink_form(base64.b64decode(text, validate=True)))
            for text in question["sealed"]]
        sealed = [
            base64.b64encode(
                primitive.encrypt_deterministically(bytes.fromhex(text), b"")).decode()
            for text in question["plain"]]
        json.dump({"opened": opened, "sealed": sealed}, sys.stdout)
        """

    @Test func `Tink opens the random form with the nonce as associated data, and never as it is`()
        throws
    {
        var generator = SeededGenerator(1_124)
        let key = KeyFixture(bytes: generator.bytes(64), id: 0x8000_0001)
        let plaintexts = (Array(0...40) + [1_000, 65_537]).map { generator.bytes($0) }
        let sealed = plaintexts.enumerated().map { index, plaintext in
            let nonce = UInt128(truncatingIfNeeded: generator.next()) << 64 | UInt128(index)
            return String(decoding: key.seal(plaintext, nonce: nonce), as: UTF8.self)
        }
        let question: [String: Any] = [
            "keyset": keyset(key), "sealed": sealed, "plain": [String](),
            "example": Repository.root.appending(path: "Examples/exports").path,
        ]
        #expect(try ask(question).opened == plaintexts.map(hexadecimal))
        let raw = try ask(question.merging(["asItIs": true]) { $1 }).opened
        #expect(Set(raw) == ["refused"])
    }

    /// The data key as a Tink JSON keyset: AesSivKey, field 2 (key_value) of 64 bytes.
    private func keyset(_ key: KeyFixture) -> [String: Any] {
        [
            "primaryKeyId": Int(key.id),
            "key": [
                [
                    "keyData": [
                        "typeUrl": "type.googleapis.com/google.crypto.tink.AesSivKey",
                        "value": Data([0x12, 0x40] + key.bytes).base64EncodedString(),
                        "keyMaterialType": "SYMMETRIC",
                    ],
                    "status": "ENABLED",
                    "keyId": Int(key.id),
                    "outputPrefixType": "TINK",
                ] as [String: Any]
            ],
        ]
    }

    private func ask(_ question: [String: Any]) throws -> Answer {
        let process = Process()
        process.executableURL = Repository.python
        process.arguments = ["-c", Self.program]
        let input = Pipe()
        let output = Pipe()
        process.standardInput = input
        process.standardOutput = output
        try process.run()
        input.fileHandleForWriting.write(try JSONSerialization.data(withJSONObject: question))
        try input.fileHandleForWriting.close()
        let answer = output.fileHandleForReading.readDataToEndOfFile()
        process.waitUntilExit()
        try #require(process.terminationStatus == 0)
        return try JSONDecoder().decode(Answer.self, from: answer)
    }

    @Test("Tink opens what we seal, we open what Tink seals, and the bytes are the same")
    func bothWays() throws {
        var generator = SeededGenerator(1_123)
        for id: UInt32 in [1, 0x8000_0000, .max] {
            let key = KeyFixture(bytes: generator.bytes(64), id: id)
            let lengths = Array(0...70) + [127, 128, 129, 1_000, 65_537]
            let plaintexts = lengths.map { generator.bytes($0) }
            let ours = plaintexts.map { String(decoding: key.seal($0), as: UTF8.self) }
            let answer = try ask([
                "keyset": keyset(key), "sealed": ours, "plain": plaintexts.map(hexadecimal),
                "asItIs": true,
            ])
            #expect(answer.opened == plaintexts.map(hexadecimal))
            #expect(answer.sealed == ours)
            for (text, plaintext) in zip(answer.sealed, plaintexts) {
                #expect(try key.open(Array(text.utf8)) == plaintext)
            }
        }
    }
}
