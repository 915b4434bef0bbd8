/// What a client may do.
package enum Role: String, Sendable, Codable, CaseIterable {
    case sender
    case reader
    /// Sends to one stream and reads it encrypted.
    case streamOwner
    /// Writes contracts and asks for derived streams; approves nothing and reads no events.
    case author
    case auditor
    case dpo
    case administrator
}
