import Foundation
import Testing

@testable import AuditProof

@Suite("Signed documents")
struct SignedDocumentTests {
    private static let seed = [UInt8](repeating: 7, count: 32)

    private static let value = CanonicalJSON.object([
        "b": .integer(-3), "a": .string("ä\n\"\u{1}"), "c": .array([.null, .boolean(true)]),
        "d": .object(["checkpoint": .string("name\n12\nroot\n\n\u{2014} name sig\n")]),
    ])

    private static func signer(_ name: String = "test/receipts") throws -> NoteSigner {
        try NoteSigner(name: name, privateKey: seed)
    }

    @Test("what was signed is genuine, in whatever layout it comes")
    func genuine() throws {
        let signer = try Self.signer()
        let bytes = try SignedDocument.bytes(of: Self.value, named: "receipt", signedBy: signer)
        #expect(bytes.last == 0x0A)
        let (value, key) = try SignedDocument.verify(bytes, named: "receipt", keys: [signer.key])
        #expect(value == Self.value)
        #expect(key == signer.key)

        let object = try JSONSerialization.jsonObject(with: Data(bytes))
        let pretty = try JSONSerialization.data(
            withJSONObject: object, options: [.prettyPrinted])
        let again = try SignedDocument.verify(
            [UInt8](pretty), named: "receipt", keys: [signer.key])
        #expect(again.value == Self.value)
    }

    @Test("every change of a byte is noticed")
    func altered() throws {
        let signer = try Self.signer()
        let bytes = try SignedDocument.bytes(of: Self.value, named: "receipt", signedBy: signer)
        for index in bytes.indices.dropLast() {
            for bit in [UInt8(1), 0x20] {
                var changed = bytes
                changed[index] ^= bit
                let verified = try? SignedDocument.verify(
                    changed, named: "receipt", keys: [signer.key])
                // Another text of the same value is the same document.
                if let verified { #expect(verified.value == Self.value, "byte \(index)") }
            }
        }
        let swapped = String(decoding: bytes, as: UTF8.self)
            .replacingOccurrences(of: "\"b\":-3", with: "\"b\":-4")
        #expect(throws: SignedDocument.Failure.badSignature) {
            try SignedDocument.verify(Array(swapped.utf8), named: "receipt", keys: [signer.key])
        }
    }

    @Test("a document of another kind, name or key is refused, and the key is named")
    func foreign() throws {
        let signer = try Self.signer()
        let bytes = try SignedDocument.bytes(of: Self.value, named: "receipt", signedBy: signer)
        let other = try Self.signer("test/manifests")
        #expect(throws: SignedDocument.Failure.self) {
            try SignedDocument.verify(bytes, named: "manifest", keys: [signer.key])
        }
        let text = "test/receipts+" + String(signer.key.keyID, radix: 16)
        #expect(throws: SignedDocument.Failure.unknownKey(key: text)) {
            try SignedDocument.verify(bytes, named: "receipt", keys: [other.key])
        }
        let found = try SignedDocument.verify(
            bytes, named: "receipt", keys: [other.key, signer.key])
        #expect(found.key == signer.key)
    }

    @Test(
        "text that two readers could understand in two ways is refused",
        arguments: [
            #"{"a":1,"a":2}"#, "{\"a\":1.5}", "{\"a\":1e3}", "{\"a\":01}", "{\"a\":-0}",
            "{\"ä\":1}", "{\"a\":9223372036854775808}", "{\"a\":1}x", "[1,]", "{\"a\" 1}",
            #"{"a":"\ud800"}"#, #"{"a":"\x"}"#, "\"\n\"", "nul", "",
            String(repeating: "[", count: 40) + String(repeating: "]", count: 40),
        ])
    func ambiguous(text: String) {
        #expect(throws: SignedDocument.Failure.self) {
            try CanonicalJSON.parse(Array(text.utf8))
        }
    }

    @Test("text in UTF-8 alone is read")
    func encoding() throws {
        #expect(throws: SignedDocument.Failure.self) {
            try CanonicalJSON.parse([0x22, 0xFF, 0x22])
        }
        let text = #" { "a" : "\u00e4\ud83d\ude00\/" } "#
        let read = try CanonicalJSON.parse(Array(text.utf8))
        #expect(read == .object(["a": .string("ä😀/")]))
    }
}
