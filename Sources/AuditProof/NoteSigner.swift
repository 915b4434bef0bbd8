import Crypto
import Foundation

/// Signs texts as C2SP signed notes with an Ed25519 key. The private key stays in memory that
/// swift-crypto clears when the signer goes; it is neither printed nor encoded.
package struct NoteSigner: Sendable {
    /// What verifiers need; `description` is its text form.
    package let key: VerifierKey
    private let privateKey: Curve25519.Signing.PrivateKey

    /// - Parameters:
    ///   - name: the key's name, like `example.com/audit`. The key's id depends on it, so one seed
    ///     under two names is two keys to a verifier.
    ///   - privateKey: 32 bytes, the Ed25519 seed of RFC 8032.
    /// - Throws: `NoteError.invalidName`, or `malformedKey` if there are not 32 bytes.
    package init(name: String, privateKey seed: [UInt8]) throws(NoteError) {
        guard seed.count == 32 else { throw .malformedKey("an Ed25519 seed has 32 bytes") }
        do {
            privateKey = try Curve25519.Signing.PrivateKey(rawRepresentation: seed)
        } catch {
            throw .malformedKey("not an Ed25519 seed")
        }
        key = try VerifierKey(name: name, publicKey: Array(privateKey.publicKey.rawRepresentation))
    }

    /// The same private key under another name.
    package func named(_ name: String) throws(NoteError) -> NoteSigner {
        try NoteSigner(name: name, privateKey: Array(privateKey.rawRepresentation))
    }

    /// The note of a text of one or more lines, each ended by a newline. Costs one Ed25519
    /// signature, some 30 µs.
    package func sign(_ text: String) throws(NoteError) -> SignedNote {
        let bytes: [UInt8]
        do {
            bytes = Array(try privateKey.signature(for: Array(text.utf8)))
        } catch {
            throw .malformedKey("the key cannot sign")
        }
        let signature = SignedNote.Signature(name: key.name, keyID: key.keyID, bytes: bytes)
        return SignedNote(text: text, signatures: [signature])
    }
}
