import Crypto
import Foundation

/// The public half of a witness's key, for cosignatures of C2SP tlog-cosignature, version 1:
///
///     <name>+<key id, 8 hex digits>+base64(0x04 ‖ 32-byte Ed25519 public key)
///     key id = first 4 bytes of SHA-256(name ‖ 0x0A ‖ 0x04 ‖ public key), big-endian
///
/// A cosignature is a signature line of a checkpoint's note whose bytes are a time and a signature:
///
///     u64 big-endian: seconds since 1970 │ 64 bytes: Ed25519 over
///         "cosignature/v1\n" ‖ "time <seconds>\n" ‖ the checkpoint's text
package struct CosignerKey: Hashable, Sendable, CustomStringConvertible {
    package let name: String
    package let keyID: UInt32
    /// 32 bytes, RFC 8032.
    package let publicKey: [UInt8]

    /// The byte that the specification gives to Ed25519 cosignatures.
    static let cosignature: UInt8 = 0x04

    /// - Throws: `NoteError.malformedKey` if the text is not of the form above, `invalidName`.
    package init(_ text: String) throws(NoteError) {
        let parts = text.split(separator: "+", maxSplits: 2, omittingEmptySubsequences: false)
        guard parts.count == 3 else { throw .malformedKey("three parts joined by + are expected") }
        let keyText = String(parts[2])
        guard let data = Data(base64Encoded: keyText), data.base64EncodedString() == keyText,
            data.count == 33, data.first == Self.cosignature
        else { throw .malformedKey("the key is not the base64 of a key for cosignatures") }
        name = String(parts[0])
        guard VerifierKey.isValidName(name) else { throw .invalidName }
        publicKey = Array(data.dropFirst())
        let digest = SHA256.hash(data: Array(name.utf8) + [0x0A] + data)
        keyID = digest.withUnsafeBytes { UInt32(bigEndian: $0.loadUnaligned(as: UInt32.self)) }
        guard description == text else {
            throw .malformedKey("the key id does not belong to this name and key")
        }
    }

    package var description: String {
        let key = Data([Self.cosignature] + publicKey).base64EncodedString()
        return name + "+" + VerifierKey.hexadecimal(keyID) + "+" + key
    }

    /// When the witness said that this note's tree is the largest that it has seen of the log:
    /// seconds since 1970. The latest, if it said so more than once.
    ///
    /// - Throws: `NoteError.notSigned`, or `badSignature` if any cosignature under this key's name
    ///   and id is not valid.
    package func cosigned(_ note: SignedNote) throws(NoteError) -> UInt64 {
        let ours = note.signatures.filter { $0.name == name && $0.keyID == keyID }
        guard !ours.isEmpty else { throw .notSigned }
        var latest: UInt64 = 0
        for signature in ours { latest = max(latest, try time(signature.bytes, note.text)) }
        return latest
    }

    private func time(_ bytes: [UInt8], _ text: String) throws(NoteError) -> UInt64 {
        guard bytes.count == 72,
            let key = try? Curve25519.Signing.PublicKey(rawRepresentation: publicKey)
        else { throw .badSignature }
        let time = bytes[..<8].reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
        let message = Array("cosignature/v1\ntime \(time)\n\(text)".utf8)
        guard time <= UInt64(Int64.max), key.isValidSignature(bytes[8...], for: message) else {
            throw .badSignature
        }
        return time
    }
}
