import Store

/// What a token says. In a JWT: `iss`, `aud`, `sub` and `client_id`, `role`, `scope` (the stream,
/// absent if none), `iat`, `exp` (whole seconds), `jti`.
struct TokenClaims: Sendable, Equatable {
    var issuer: String
    var audience: String
    var clientID: String
    var role: Role
    var scope: String?
    var issuedAtSeconds: Int64
    var expiresAtSeconds: Int64
    var tokenID: String

    var payload: [UInt8] {
        var members: [(name: String, value: WireValue)] = [
            ("iss", .string(issuer)), ("aud", .string(audience)), ("sub", .string(clientID)),
            ("client_id", .string(clientID)), ("role", .string(role.rawValue)),
        ]
        if let scope { members.append(("scope", .string(scope))) }
        members += [
            ("iat", .integer(issuedAtSeconds)), ("exp", .integer(expiresAtSeconds)),
            ("jti", .string(tokenID)),
        ]
        return WireValue.object(members).bytes
    }

    /// - Returns: nil unless each claim is there, once, with the right type. `aud` as an array is
    ///   refused: ours never is.
    init?(payload: [UInt8]) {
        guard let root = try? WireParser.parse(payload), case .object = root,
            case .string(let issuer)? = root["iss"], case .string(let audience)? = root["aud"],
            case .string(let subject)? = root["sub"],
            case .string(let clientID)? = root["client_id"], subject == clientID,
            case .string(let roleText)? = root["role"], let role = Role(rawValue: roleText),
            case .integer(let issuedAt)? = root["iat"], case .integer(let expiresAt)? = root["exp"],
            case .string(let tokenID)? = root["jti"]
        else { return nil }
        switch root["scope"] {
        case nil: scope = nil
        case .string(let text)?: scope = text
        default: return nil
        }
        switch root["nbf"] {
        case nil: break
        // We issue none; one that we did issue in some later version must hold.
        case .integer(let notBefore)? where notBefore <= issuedAt: break
        default: return nil
        }
        self.issuer = issuer
        self.audience = audience
        self.clientID = clientID
        self.role = role
        issuedAtSeconds = issuedAt
        expiresAtSeconds = expiresAt
        self.tokenID = tokenID
    }

    init(
        issuer: String, audience: String, clientID: String, role: Role, scope: String?,
        issuedAtSeconds: Int64, expiresAtSeconds: Int64, tokenID: String
    ) {
        self.issuer = issuer
        self.audience = audience
        self.clientID = clientID
        self.role = role
        self.scope = scope
        self.issuedAtSeconds = issuedAtSeconds
        self.expiresAtSeconds = expiresAtSeconds
        self.tokenID = tokenID
    }
}
