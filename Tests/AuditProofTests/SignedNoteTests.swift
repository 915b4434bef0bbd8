import AuditProof
import Foundation
import Testing

@Suite("Signed notes and checkpoints")
struct SignedNoteTests {
    // The key and note that golang.org/x/mod/sumdb/note publishes.
    static let verifierKey = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"
    static let privateKey = "AYEKFALVFGyNhPJEMzD1QIDr+Y7hfZx09iUvxdXHKDFz"
    static let text = """
        If you think cryptography is the answer to your problem,
        then you don't know what your problem is.

        """
    static let signature =
        "\u{2014} PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuG"
        + "UgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n"
    static let note = text + "\n" + signature

    @Test("the published note verifies with the published key, and is written the same way")
    func publishedNote() throws {
        let key = try VerifierKey(Self.verifierKey)
        let note = try SignedNote(parsing: Array(Self.note.utf8))
        try note.verify(with: key)
        #expect(note.text == Self.text)
        #expect(note.serialized == Self.note)
        #expect(key.description == Self.verifierKey)
    }

    @Test("a signer made from the published private key has the published verifier key")
    func publishedSigner() throws {
        let seed = try #require(Data(base64Encoded: Self.privateKey)).dropFirst()
        let signer = try CheckpointSigner(name: "PeterNeumann", privateKey: Array(seed))
        #expect(signer.verifierKey == Self.verifierKey)
    }

    @Test("every piece of a verifier key, and every key with one byte changed, is refused")
    func mangledKeys() {
        let bytes = Array(Self.verifierKey.utf8)
        for start in 0..<bytes.count {
            for end in start...bytes.count where start > 0 || end < bytes.count {
                let piece = String(decoding: bytes[start..<end], as: UTF8.self)
                #expect(throws: NoteError.self) { try VerifierKey(piece) }
            }
        }
        for place in 0..<bytes.count {
            var changed = bytes
            changed[place] += 1
            let text = String(decoding: changed, as: UTF8.self)
            #expect(throws: NoteError.self) { try VerifierKey(text) }
        }
    }

    @Test("a note whose text or signature is changed is refused")
    func changedNotes() throws {
        let key = try VerifierKey(Self.verifierKey)
        let changed = Self.note.replacingOccurrences(of: "cryptography", with: "cryptographY")
        let note = try SignedNote(parsing: Array(changed.utf8))
        #expect(throws: NoteError.badSignature) { try note.verify(with: key) }
        // A second, wrong signature under the known key spoils the note.
        let other = try SampleLog.signer(1, name: "PeterNeumann")
        var signatures = try SignedNote(parsing: Array(Self.note.utf8)).signatures
        signatures.append(
            .init(name: "PeterNeumann", keyID: key.keyID, bytes: [UInt8](repeating: 0, count: 64)))
        let spoiled = SignedNote(text: Self.text, signatures: signatures)
        #expect(throws: NoteError.badSignature) { try spoiled.verify(with: key) }
        let published = try SignedNote(parsing: Array(Self.note.utf8))
        #expect(throws: NoteError.notSigned) { try published.verify(with: other.key) }
    }

    @Test("signatures of unknown keys are ignored, also under the same name or the same id")
    func unknownSignatures() throws {
        let key = try VerifierKey(Self.verifierKey)
        let stranger = "\u{2014} stranger x08go/ZJkuBS\n\u{2014} PeterNeumann AAAAAAAA\n"
        let note = try SignedNote(
            parsing: Array((Self.text + "\n" + stranger + Self.signature).utf8))
        try note.verify(with: key)
        #expect(note.signatures.count == 3)
    }

    static let malformed: [(String, String)] = [
        ("empty", ""),
        ("no signature", text + "\n"),
        ("no blank line", text + signature),
        ("no last newline", String(note.dropLast())),
        ("hyphen instead of dash", note.replacingOccurrences(of: "\u{2014}", with: "-")),
        ("two spaces", note.replacingOccurrences(of: "\u{2014} P", with: "\u{2014}  P")),
        ("no name", note.replacingOccurrences(of: "\u{2014} PeterNeumann", with: "\u{2014} ")),
        ("plus in the name", note.replacingOccurrences(of: "PeterN", with: "Peter+N")),
        ("no base64", note.replacingOccurrences(of: "x08go/", with: "x08g*/")),
        ("unpadded base64", note.replacingOccurrences(of: "JnAM=", with: "JnAM")),
        ("loose base64", note.replacingOccurrences(of: "JnAM=", with: "JnAN=")),
        ("only a key id", text + "\n\u{2014} PeterNeumann x08gow==\n"),
        ("carriage return", note.replacingOccurrences(of: "problem,\n", with: "problem,\r\n")),
        ("control character", "\u{1}" + note),
        ("text after signatures", note + "more\n"),
        ("65 signatures", text + "\n" + String(repeating: signature, count: 65)),
        ("too long", String(repeating: "a", count: 65_536) + "\n" + note),
    ]

    @Test("what is not a signed note is refused", arguments: malformed)
    func malformedNote(name: String, note: String) {
        #expect(throws: NoteError.self) { try SignedNote(parsing: Array(note.utf8)) }
    }

    @Test("a note that is not UTF-8 is refused")
    func notUTF8() {
        #expect(throws: NoteError.self) { try SignedNote(parsing: [0xFF] + Array(Self.note.utf8)) }
    }

    @Test("a signed checkpoint reads back, and only with its own key")
    func checkpointRoundTrip() throws {
        let signer = try SampleLog.signer()
        let checkpoint = Checkpoint(
            origin: SampleLog.origin, size: 20_852_163, root: MerkleTree.leafHash([1]))
        let note = try signer.sign(checkpoint)
        #expect(note.hasPrefix("log.example/audit\n20852163\n"))
        #expect(try Checkpoint(parsing: Array(note.utf8), verifiedBy: signer.key) == checkpoint)
        let stranger = try SampleLog.signer(8)
        #expect(throws: CheckpointError.note(.notSigned)) {
            try Checkpoint(parsing: Array(note.utf8), verifiedBy: stranger.key)
        }
    }

    @Test("a signer does not sign for another log")
    func otherOrigin() throws {
        let checkpoint = Checkpoint(origin: "other", size: 0, root: MerkleTree.emptyRoot)
        #expect(throws: NoteError.invalidName) { try SampleLog.signer().sign(checkpoint) }
    }

    static let badTexts = [
        "log.example/audit\n1\n", "log.example/audit\n01\nROOT\n", "log.example/audit\n+1\nROOT\n",
        "log.example/audit\n-1\nROOT\n", "log.example/audit\n18446744073709551615\nROOT\n",
        "log.example/audit\n1\nAAAA\n", "log.example/audit\n0\nROOT\n", "other\n1\nROOT\n",
        "\n1\nROOT\n", "log.example/audit\n1 \nROOT\n", "log.example/audit\n1\nROOT\n\nmore\n",
    ]

    @Test("a validly signed text that is no checkpoint of this log is refused", arguments: badTexts)
    func signedNonsense(template: String) throws {
        let root = MerkleTree.leafHash([1]).base64
        let text = template.replacingOccurrences(of: "ROOT", with: root)
        let signer = try SampleLog.signer()
        let signature = try Self.sign(text, with: signer.name, seed: 7, keyID: signer.key.keyID)
        let note = SignedNote(text: text, signatures: [signature]).serialized
        #expect(throws: CheckpointError.self) {
            try Checkpoint(parsing: Array(note.utf8), verifiedBy: signer.key)
        }
    }

    @Test("a key name with spaces, control characters or plus is refused")
    func keyNames() {
        for name in ["", "a b", "a+b", "a\u{2003}b", "a\nb", "a\tb"] {
            #expect(throws: NoteError.self) { try SampleLog.signer(name: name) }
        }
    }
}
