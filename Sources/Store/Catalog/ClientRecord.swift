/// An OAuth 2.0 client, as the catalog keeps it (kind `client`, by id).
package struct ClientRecord: Sendable, Codable, Equatable {
    package static let kind = "client"

    package var id: String
    package var role: Role
    /// The one stream or derived stream that it may use; nil for roles without one.
    package var scope: String?
    /// Base64 of the HMAC-SHA-256 of the secret. The secret itself is nowhere.
    package var secretHash: String
    package var createdAt: Milliseconds
    package var isDisabled: Bool

    package init(
        id: String, role: Role, scope: String?, secretHash: String, createdAt: Milliseconds,
        isDisabled: Bool = false
    ) {
        self.id = id
        self.role = role
        self.scope = scope
        self.secretHash = secretHash
        self.createdAt = createdAt
        self.isDisabled = isDisabled
    }
}
