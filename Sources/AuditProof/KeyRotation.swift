import Foundation

/// What an entry of the log says about a new signing key:
///
///     {"n":41,"at":"…","act":"auditKeyRotated",…,"detail":{"key":"<verifier key>","number":"1",
///      "overlapDays":"30","previous":"<verifier key>"}}
package struct KeyRotation: Hashable, Sendable {
    /// The entry's place in the log.
    package let index: UInt64
    /// 1 for the first rotation.
    package let number: UInt32
    /// The key that signs from this entry on.
    package let key: VerifierKey
    /// The key that signed before.
    package let previous: VerifierKey

    /// nil for any other entry.
    package init?(_ entry: some Collection<UInt8>) {
        guard Self.isOne(entry), let header = LeafHeader(entry),
            let object = try? JSONSerialization.jsonObject(with: Data(entry)) as? [String: Any],
            let detail = object["detail"] as? [String: Any],
            let numberText = detail["number"] as? String, let number = UInt32(numberText),
            let keyText = detail["key"] as? String, let key = try? VerifierKey(keyText),
            let previousText = detail["previous"] as? String,
            let previous = try? VerifierKey(previousText)
        else { return nil }
        index = header.number
        self.number = number
        self.key = key
        self.previous = previous
    }

    /// Whether the entry says of itself to be one; cheap.
    package static func isOne(_ entry: some Collection<UInt8>) -> Bool {
        guard let header = LeafHeader(entry) else { return false }
        return entry.dropFirst(header.byteCount).starts(with: act)
    }

    private static let act = Array(#","act":"auditKeyRotated","#.utf8)
}
