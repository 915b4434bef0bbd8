import AuditProof
import Crypto
import Foundation

extension SignedNoteTests {
    /// Signs any text, which `CheckpointSigner` would not.
    static func sign(
        _ text: String, with name: String, seed: UInt8, keyID: UInt32
    ) throws -> SignedNote.Signature {
        let key = try Curve25519.Signing.PrivateKey(
            rawRepresentation: [UInt8](repeating: seed, count: 32))
        return .init(
            name: name, keyID: keyID, bytes: Array(try key.signature(for: Data(text.utf8))))
    }
}
