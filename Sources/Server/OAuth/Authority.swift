import Ingest
import Store

/// Turns access tokens into principals. Shared by all event loops; keeps nothing itself.
final class Authority: Sendable {
    let tokens: Tokens
    let catalog: Catalog

    init(tokens: Tokens, catalog: Catalog) {
        self.tokens = tokens
        self.catalog = catalog
    }

    /// Verifies one token and looks its client up: one signature verification, no I/O. The hot path
    /// has a cache before it (`TokenCache`).
    /// - Returns: nil if the token or its client is not good for anything, whatever the reason.
    func principal(
        of token: some Collection<UInt8>, now: Milliseconds
    ) -> (principal: Principal, expiresAtSeconds: Int64)? {
        guard let claims = tokens.verify(.access, token, now: now) else { return nil }
        let snapshot = catalog.snapshot
        guard let client = snapshot.clients[claims.clientID]?.value,
            Self.matches(client, claims, now: now)
        else { return nil }
        return (Self.principal(client, in: snapshot), claims.expiresAtSeconds)
    }

    /// A client that was deleted, disabled, or made anew with other rights does not answer for
    /// older tokens.
    ///
    /// By a clock that was set back, a client may have been made in the future: its tokens then
    /// look older than it is, and nobody could even confirm the clock. Ids are random and never
    /// given twice, so nothing is lost by letting it in.
    static func matches(
        _ client: ClientRecord, _ claims: TokenClaims, now: Milliseconds
    ) -> Bool {
        guard !client.isDisabled, client.role == claims.role, client.scope == claims.scope
        else { return false }
        let isFromFuture = client.createdAt > now + Tokens.leewaySeconds * 1_000
        return isFromFuture
            || claims.issuedAtSeconds >= client.createdAt / 1_000 - Tokens.leewaySeconds
    }

    static func principal(_ client: ClientRecord, in snapshot: CatalogSnapshot) -> Principal {
        var target: StreamTarget?
        if client.role == .sender || client.role == .streamOwner, let scope = client.scope,
            let stream = snapshot.streams[scope]?.value
        {
            target = StreamTarget(
                name: stream.name, client: client.id,
                partition: PartitionID(stream: stream.id, partition: 0),
                retention: stream.retention, keepsRejections: stream.keepsRejections ?? false)
        }
        return Principal(
            clientID: client.id, role: client.role, scope: client.scope, sendTarget: target)
    }

    /// The token behind `Bearer ` in an Authorization header; the scheme's case does not matter
    /// (RFC 9110 §11.1).
    static func bearer(_ header: UnsafeRawBufferPointer) -> UnsafeRawBufferPointer? {
        let scheme: StaticString = "bearer "
        let count = scheme.utf8CodeUnitCount
        guard header.count > count else { return nil }
        for index in 0..<count {
            let byte = header[index]
            let lower = byte >= 0x41 && byte <= 0x5A ? byte | 0x20 : byte
            guard lower == scheme.utf8Start[index] else { return nil }
        }
        return UnsafeRawBufferPointer(rebasing: header[count...])
    }
}
