/// Why a sealed field cannot be opened. Nothing was written where the plaintext was to go.
package enum OpenError: Error, Sendable, Equatable, CustomStringConvertible {
    /// Not canonical base64 of the sealed layout, or a span that does not fit the event.
    case malformed
    /// Sealed under another key than the one that was given.
    case wrongKey
    /// The synthetic IV does not match: the ciphertext or the key was altered.
    case altered

    package var description: String {
        switch self {
        case .malformed: "the sealed field is malformed"
        case .wrongKey: "the sealed field belongs to another key"
        case .altered: "the sealed field was altered"
        }
    }
}
