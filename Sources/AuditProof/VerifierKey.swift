import Crypto
import Foundation

/// The public half of a log's signing key, as the C2SP signed-note format names it: a key name and
/// an Ed25519 public key.
///
///     <name>+<key id, 8 hex digits>+base64(0x01 ‖ 32-byte public key)
///     key id = first 4 bytes of SHA-256(name ‖ 0x0A ‖ 0x01 ‖ public key), big-endian
package struct VerifierKey: Hashable, Sendable, CustomStringConvertible {
    package let name: String
    package let keyID: UInt32
    /// 32 bytes, RFC 8032.
    package let publicKey: [UInt8]

    /// The byte that the signed-note specification gives to Ed25519.
    static let ed25519: UInt8 = 0x01

    /// - Throws: `NoteError.malformedKey` if the text is not of the form above, names another
    ///   algorithm than Ed25519, or holds a key id that is not that of the key.
    package init(_ text: String) throws(NoteError) {
        // The name holds no plus; base64 may, so only the first two separate.
        let parts = text.split(separator: "+", maxSplits: 2, omittingEmptySubsequences: false)
        guard parts.count == 3 else { throw .malformedKey("three parts joined by + are expected") }
        let name = String(parts[0])
        let idText = String(parts[1])
        let keyText = String(parts[2])
        guard let data = Data(base64Encoded: keyText), data.base64EncodedString() == keyText,
            data.count == 33, data.first == Self.ed25519
        else { throw .malformedKey("the key is not the base64 of an Ed25519 key") }
        try self.init(name: name, publicKey: Array(data.dropFirst()))
        guard idText == hexadecimalKeyID else {
            throw .malformedKey("the key id does not belong to this name and key")
        }
    }

    /// - Parameter publicKey: 32 bytes.
    package init(name: String, publicKey: [UInt8]) throws(NoteError) {
        guard Self.isValidName(name) else { throw .invalidName }
        guard publicKey.count == 32 else { throw .malformedKey("an Ed25519 key has 32 bytes") }
        self.name = name
        self.publicKey = publicKey
        var hasher = SHA256()
        let material = Array(name.utf8) + [0x0A, Self.ed25519] + publicKey
        material.withUnsafeBytes { hasher.update(bufferPointer: $0) }
        keyID = hasher.finalize().withUnsafeBytes {
            UInt32(bigEndian: $0.loadUnaligned(as: UInt32.self))
        }
    }

    package var description: String {
        let key = Data([Self.ed25519] + publicKey).base64EncodedString()
        return "\(name)+\(hexadecimalKeyID)+\(key)"
    }

    func isSignature(_ signature: [UInt8], of text: [UInt8]) -> Bool {
        guard signature.count == 64,
            let key = try? Curve25519.Signing.PublicKey(rawRepresentation: publicKey)
        else { return false }
        return key.isValidSignature(signature, for: text)
    }

    /// A key name is not empty and holds neither white space, nor control characters, nor a plus.
    static func isValidName(_ name: String) -> Bool {
        !name.isEmpty
            && name.unicodeScalars.allSatisfy {
                !$0.properties.isWhitespace && $0.value >= 0x20 && $0 != "+"
            }
    }

    private var hexadecimalKeyID: String { Self.hexadecimal(keyID) }

    /// A key id as it stands between the name and the key: 8 digits.
    package static func hexadecimal(_ keyID: UInt32) -> String {
        let text = String(keyID, radix: 16)
        return String(repeating: "0", count: 8 - text.count) + text
    }
}
