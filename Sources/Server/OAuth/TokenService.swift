import Audit
import Store
import Synchronization

/// Authenticates clients and hands out tokens; each token issued and each attempt refused is on
/// record.
final class TokenService: Sendable {
    struct Grant: Sendable {
        var accessToken: String
        var refreshToken: String?
        var expiresIn: Int
        var expiresAtSeconds: Int64
        var client: ClientRecord
    }

    /// Why there is no token. What the client is told does not depend on which part was wrong.
    enum Failure: Error, Sendable, Equatable {
        case invalidClient
        case invalidGrant
        case invalidScope
    }

    private let catalog: Catalog
    private let tokens: Tokens
    private let secrets: ClientSecrets
    private let audit: AuditLog
    let refusals = RefusalBudget()
    private let issuedCount = Atomic<UInt64>(0)
    private let refusedCount = Atomic<UInt64>(0)

    init(catalog: Catalog, tokens: Tokens, secrets: ClientSecrets, audit: AuditLog) {
        self.catalog = catalog
        self.tokens = tokens
        self.secrets = secrets
        self.audit = audit
    }

    var issued: UInt64 { issuedCount.load(ordering: .relaxed) }
    var refused: UInt64 { refusedCount.load(ordering: .relaxed) }

    /// - Parameter scope: what the client asked for; nil or empty: whatever it has.
    /// - Throws: `Failure`, or `StoreError` if the audit entry could not be written.
    func grant(
        clientID: String, secret: String, scope: String? = nil, withRefresh: Bool,
        now: Milliseconds
    ) async throws -> Grant {
        guard let client = authenticate(clientID: clientID, secret: secret) else {
            try await recordRefusal("credentials", clientID: clientID, now: now)
            throw Failure.invalidClient
        }
        if let scope, !scope.isEmpty, scope != client.scope { throw Failure.invalidScope }
        return try await issue(client, withRefresh: withRefresh, now: now)
    }

    /// - Parameter credentials: checked too if the client sent them; they must be those of the
    ///   token's client.
    func refresh(
        _ refreshToken: String, credentials: (clientID: String, secret: String)?, now: Milliseconds
    ) async throws -> Grant {
        if let credentials,
            authenticate(clientID: credentials.clientID, secret: credentials.secret) == nil
        {
            try await recordRefusal("credentials", clientID: credentials.clientID, now: now)
            throw Failure.invalidClient
        }
        guard let claims = tokens.verify(.refresh, Array(refreshToken.utf8), now: now),
            credentials == nil || credentials?.clientID == claims.clientID,
            let client = catalog.snapshot.clients[claims.clientID]?.value,
            Authority.matches(client, claims, now: now)
        else {
            try await recordRefusal("refresh-token", clientID: nil, now: now)
            throw Failure.invalidGrant
        }
        return try await issue(client, withRefresh: true, now: now)
    }

    /// Records what `refusals` held back; the housekeeping calls it once a minute.
    func recordSuppressedRefusals() async throws(StoreError) {
        let count = refusals.takeSuppressed()
        guard count > 0 else { return }
        do {
            try await audit.append(
                .server(.tokenRefused, detail: ["reason": "many", "attempts": String(count)]))
        } catch {
            refusals.restore(count)
            throw error
        }
    }

    private func authenticate(clientID: String, secret: String) -> ClientRecord? {
        let client = catalog.snapshot.clients[clientID]?.value
        let isRight = secrets.matches(
            clientID: clientID, secret: secret, storedHash: client?.secretHash)
        guard isRight, let client, !client.isDisabled else { return nil }
        return client
    }

    private func issue(
        _ client: ClientRecord, withRefresh: Bool, now: Milliseconds
    ) async throws -> Grant {
        let access = try tokens.issue(
            .access, clientID: client.id, role: client.role, scope: client.scope, now: now)
        let refresh =
            withRefresh
            ? try tokens.issue(
                .refresh, clientID: client.id, role: client.role, scope: client.scope, now: now
            ).token : nil
        try await audit.append(
            .by(
                client.id, client.role, .tokenIssued,
                detail: ["expiresAt": WireTime.format(access.expiresAtSeconds * 1_000)]))
        issuedCount.add(1, ordering: .relaxed)
        return Grant(
            accessToken: access.token, refreshToken: refresh, expiresIn: tokens.accessSeconds,
            expiresAtSeconds: access.expiresAtSeconds, client: client)
    }

    /// The id that was tried is recorded only if there is such a client: anything else is text that
    /// a stranger chose.
    private func recordRefusal(
        _ reason: String, clientID: String?, now: Milliseconds
    ) async throws(StoreError) {
        refusedCount.add(1, ordering: .relaxed)
        guard refusals.take(now: now) else { return }
        if let client = clientID.flatMap({ catalog.snapshot.clients[$0]?.value }) {
            try await audit.append(
                .by(client.id, client.role, .tokenRefused, detail: ["reason": reason]))
        } else {
            try await audit.append(.server(.tokenRefused, detail: ["reason": reason]))
        }
    }
}
