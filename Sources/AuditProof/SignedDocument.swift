import Foundation

/// A JSON document that proves who wrote it: an object of two members, the value under a name of
/// its kind, and `signature`, the signature line of a C2SP signed note whose text is the value as
/// `CanonicalJSON` and one newline.
///
///     {"receipt":{…},"signature":"— <key name> base64(4-byte key id ‖ Ed25519 signature)"}
///
/// White space and the order of members do not matter to who verifies it: the value is written
/// canonically again, and that text is what is signed.
package enum SignedDocument {
    /// Why a document is not taken. Descriptions are safe to show.
    package enum Failure: Error, Hashable, Sendable, CustomStringConvertible {
        case malformed(String)
        /// Signed by a key that was not given; `key` is what the signature names.
        case unknownKey(key: String)
        /// The text was altered, or the signature was.
        case badSignature

        package var description: String {
            switch self {
            case .malformed(let reason): "not a signed document: \(reason)"
            case .unknownKey(let key): "signed by another key than the given: \(key)"
            case .badSignature: "the signature does not fit the text: it was altered"
            }
        }
    }

    /// One line, with its newline.
    package static func bytes(
        of value: CanonicalJSON, named name: String, signedBy signer: NoteSigner
    ) throws(NoteError) -> [UInt8] {
        let canonical = value.text
        let note = try signer.sign(canonical + "\n").serialized
        // The last line of the note, without its newline.
        let line = String(note.dropLast().split(separator: "\n").last ?? "")
        return Array(
            ("{\"\(name)\":\(canonical),\"signature\":" + CanonicalJSON.string(line).text + "}\n")
                .utf8)
    }

    /// The value, and which of the keys signed it. Nothing of it is given before that is known.
    package static func verify(
        _ bytes: [UInt8], named name: String, keys: [VerifierKey]
    ) throws(Failure) -> (value: CanonicalJSON, key: VerifierKey) {
        let document = try CanonicalJSON.parse(bytes)
        guard case .object(let members) = document, members.count == 2,
            let value = members[name], let line = members["signature"]?.string
        else { throw .malformed("it has not the two members \(name) and signature") }
        let note = Array((value.text + "\n\n" + line + "\n").utf8)
        let signed: SignedNote
        do {
            signed = try SignedNote(parsing: note, byteCountMax: .max)
        } catch {
            throw .malformed("\(error)")
        }
        guard signed.signatures.count == 1, let signature = signed.signatures.first else {
            throw .malformed("it has not one signature")
        }
        let known = keys.first { $0.name == signature.name && $0.keyID == signature.keyID }
        guard let known else {
            throw .unknownKey(
                key: "\(signature.name)+\(VerifierKey.hexadecimal(signature.keyID))")
        }
        do {
            try signed.verify(with: known)
        } catch {
            throw .badSignature
        }
        return (value, known)
    }
}
