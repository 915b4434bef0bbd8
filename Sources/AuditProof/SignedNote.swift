import Foundation

/// Why a signed note, or a key for one, is refused. Descriptions are safe to show.
package enum NoteError: Error, Hashable, Sendable, CustomStringConvertible {
    case malformed(String)
    case malformedKey(String)
    case invalidName
    /// The note carries no signature of the key that is asked for.
    case notSigned
    /// The note names the key, but the signature is not one of this text.
    case badSignature

    package var description: String {
        switch self {
        case .malformed(let reason): "not a signed note: \(reason)"
        case .malformedKey(let reason): "not a verifier key: \(reason)"
        case .invalidName: "a key name is not empty and holds no space, control character or +"
        case .notSigned: "not signed by this key"
        case .badSignature: "the signature is not valid for this text"
        }
    }
}

/// A text with signatures, in the C2SP signed-note format:
///
///     <text, one or more lines, each ended by a newline>
///     <empty line: the last one of the note>
///     — <key name> base64(4-byte big-endian key id ‖ signature)
///     …
///
/// UTF-8 without control characters but newline. The signature is over the text, its last newline
/// included. At most 64 KiB and 64 signatures are read.
package struct SignedNote: Sendable {
    package struct Signature: Hashable, Sendable {
        package let name: String
        package let keyID: UInt32
        package let bytes: [UInt8]

        package init(name: String, keyID: UInt32, bytes: [UInt8]) {
            self.name = name
            self.keyID = keyID
            self.bytes = bytes
        }
    }

    package static let byteCountMax = 65_536
    package static let signatureCountMax = 64

    /// With its last newline. Do not act on it before `verify` has returned.
    package let text: String
    package let signatures: [Signature]

    package init(text: String, signatures: [Signature]) {
        self.text = text
        self.signatures = signatures
    }

    /// - Parameter byteCountMax: of a note that did not come as one, more may be taken.
    /// - Throws: `NoteError.malformed` for anything but the format above.
    package init(
        parsing note: [UInt8], byteCountMax: Int = SignedNote.byteCountMax
    ) throws(NoteError) {
        guard note.count <= byteCountMax else { throw .malformed("longer than 64 KiB") }
        guard let whole = String(validating: note, as: UTF8.self) else {
            throw .malformed("not UTF-8")
        }
        guard note.allSatisfy({ $0 >= 0x20 || $0 == 0x0A }) else {
            throw .malformed("a control character")
        }
        guard note.last == 0x0A else { throw .malformed("the last line has no end") }
        // Lines are compared as bytes: Swift's Character would join newlines with what follows.
        let lines = whole.utf8.dropLast().split(separator: 0x0A, omittingEmptySubsequences: false)
        guard let blank = lines.lastIndex(where: { $0.isEmpty }), blank > 0 else {
            throw .malformed("no empty line before the signatures")
        }
        let signatureLines = lines[(blank + 1)...]
        guard !signatureLines.isEmpty else { throw .malformed("no signature") }
        guard signatureLines.count <= Self.signatureCountMax else {
            throw .malformed("more than 64 signatures")
        }
        var signatures: [Signature] = []
        for line in signatureLines { signatures.append(try Self.signature(Array(line))) }
        // Everything before the empty line, the newline before it included.
        self.text = String(decoding: whole.utf8[..<lines[blank].startIndex], as: UTF8.self)
        self.signatures = signatures
    }

    /// Returns if the text is signed by this key. Signatures of other keys are ignored.
    ///
    /// - Throws: `notSigned`, or `badSignature` if any signature under this key's name and id is
    ///   not valid.
    package func verify(with key: VerifierKey) throws(NoteError) {
        let ours = signatures.filter { $0.name == key.name && $0.keyID == key.keyID }
        guard !ours.isEmpty else { throw .notSigned }
        let bytes = Array(text.utf8)
        guard ours.allSatisfy({ key.isSignature($0.bytes, of: bytes) }) else {
            throw .badSignature
        }
    }

    /// The note as it is stored and sent.
    package var serialized: String {
        var result = text + "\n"
        for signature in signatures {
            let id = withUnsafeBytes(of: signature.keyID.bigEndian) { Array($0) }
            result += "\u{2014} \(signature.name) "
            result += Data(id + signature.bytes).base64EncodedString() + "\n"
        }
        return result
    }

    private static func signature(_ line: [UInt8]) throws(NoteError) -> Signature {
        let mark: [UInt8] = [0xE2, 0x80, 0x94, 0x20]
        guard line.starts(with: mark) else { throw .malformed("a signature line without its dash") }
        let parts = line.dropFirst(mark.count).split(
            separator: 0x20, omittingEmptySubsequences: false)
        guard parts.count == 2 else { throw .malformed("a signature line has a name and base64") }
        let name = String(decoding: parts[0], as: UTF8.self)
        let base64 = String(decoding: parts[1], as: UTF8.self)
        guard VerifierKey.isValidName(name) else { throw .invalidName }
        guard let data = Data(base64Encoded: base64), data.base64EncodedString() == base64,
            data.count > 4
        else { throw .malformed("a signature that is not base64") }
        let keyID = data.prefix(4).reduce(UInt32(0)) { $0 << 8 | UInt32($1) }
        return Signature(name: name, keyID: keyID, bytes: Array(data.dropFirst(4)))
    }
}
