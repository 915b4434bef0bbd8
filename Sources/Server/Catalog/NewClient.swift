import Store

/// A client that is being made: the one moment at which its secret is known.
struct NewClient: Sendable {
    let record: ClientRecord
    let credentials: ClientCredentials
    let mutation: Mutation

    init(role: Role, scope: String?, secrets: ClientSecrets, now: Milliseconds) throws {
        let id = ClientSecrets.makeClientID()
        let secret = ClientSecrets.make()
        record = ClientRecord(
            id: id, role: role, scope: scope,
            secretHash: secrets.hash(clientID: id, secret: secret), createdAt: now)
        credentials = ClientCredentials(clientID: id, clientSecret: secret)
        mutation = try Catalog.put(
            record, kind: ClientRecord.kind, name: id, expectedRevision: nil)
    }

    /// With the secret: shown once, never again.
    var shown: WireValue {
        [
            "clientId": .string(record.id), "clientSecret": .string(credentials.clientSecret),
            "role": .string(record.role.rawValue), "scope": .optional(record.scope),
        ]
    }
}
