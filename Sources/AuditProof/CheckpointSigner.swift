import Crypto
import Foundation

/// Signs a log's checkpoints with its Ed25519 key. The private key stays in memory that swift-crypto
/// clears when the signer goes; it is neither printed nor encoded.
package struct CheckpointSigner: Sendable {
    /// What verifiers need; `description` is its text form.
    package let key: VerifierKey
    private let privateKey: Curve25519.Signing.PrivateKey

    /// - Parameters:
    ///   - name: the log's origin and the key's name, like `example.com/audit`.
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

    /// The log's origin.
    package var name: String { key.name }

    /// `name+hex8+base64`, as every signed-note tool reads it.
    package var verifierKey: String { key.description }

    /// The signed note of this checkpoint. Costs one Ed25519 signature, some 30 µs.
    ///
    /// - Throws: `NoteError.invalidName` if the checkpoint's origin is not this signer's name.
    package func sign(_ checkpoint: Checkpoint) throws(NoteError) -> String {
        guard checkpoint.origin == name else { throw .invalidName }
        let text = checkpoint.text
        let bytes: [UInt8]
        do {
            bytes = Array(try privateKey.signature(for: Array(text.utf8)))
        } catch {
            throw .malformedKey("the key cannot sign")
        }
        let signature = SignedNote.Signature(name: name, keyID: key.keyID, bytes: bytes)
        return SignedNote(text: text, signatures: [signature]).serialized
    }
}
