/// What a client may do.
package enum Role: String, Sendable, Codable, CaseIterable {
    case sender
    case reader
    /// Sends to one stream and reads it encrypted.
    case streamOwner
    case auditor
    case dpo
    case administrator
}
