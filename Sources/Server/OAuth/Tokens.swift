import Store

/// Issues and verifies signed tokens (RFC 7519, RFC 9068). Pure but for the keys: time is an
/// argument.
struct Tokens: Sendable {
    enum Kind { case access, refresh }

    /// A longer token is refused before anything else; ours have about 600 characters.
    static let characterCountMax = 4_096
    /// A token may say that it was issued so many seconds in the future: clocks of restarted
    /// machines differ.
    static let leewaySeconds: Int64 = 60

    let keys: SigningKeys
    let issuer: String
    let audience: String
    let accessSeconds: Int
    let refreshSeconds: Int

    /// - Throws: only if the system's cryptography fails.
    func issue(
        _ kind: Kind, clientID: String, role: Role, scope: String?, now: Milliseconds
    ) throws -> (token: String, expiresAtSeconds: Int64) {
        guard let key = keys.current else { throw Problem.unavailable("There is no signing key.") }
        let seconds = now / 1_000
        let claims = TokenClaims(
            issuer: issuer, audience: audience, clientID: clientID, role: role, scope: scope,
            issuedAtSeconds: seconds,
            expiresAtSeconds: seconds + Int64(kind == .access ? accessSeconds : refreshSeconds),
            tokenID: ClientSecrets.make())
        let header = kind == .access ? key.accessHeader : key.refreshHeader
        return (try key.sign(header: header, payload: claims.payload), claims.expiresAtSeconds)
    }

    /// One signature verification (about 60 µs), and none if the header is not ours.
    /// - Returns: nil for every token that is not exactly one of ours, of this kind, for this
    ///   audience, now.
    func verify(_ kind: Kind, _ token: some Collection<UInt8>, now: Milliseconds) -> TokenClaims? {
        guard token.count <= Self.characterCountMax else { return nil }
        let parts = Array(token).split(
            separator: UInt8(ascii: "."), maxSplits: 3, omittingEmptySubsequences: false)
        guard parts.count == 3 else { return nil }
        let key =
            kind == .access
            ? keys.key(forAccessHeader: parts[0]) : keys.key(forRefreshHeader: parts[0])
        guard let key, let signature = Base64URL.decode(parts[2]),
            key.isValid(signature: signature, of: parts[0] + [UInt8(ascii: ".")] + parts[1]),
            let payload = Base64URL.decode(parts[1]), let claims = TokenClaims(payload: payload)
        else { return nil }
        let seconds = now / 1_000
        guard claims.issuer == issuer, claims.audience == audience,
            claims.expiresAtSeconds > seconds,
            claims.issuedAtSeconds <= seconds + Self.leewaySeconds
        else { return nil }
        return claims
    }
}
