import Audit
import FoundationEssentials
import Store
import Vault

/// Keeps the signing keys young: the vault keeps their secrets by number, the catalog (kind
/// `token-key`) when each was made. A key is retired only when the last token that it signed has
/// expired.
struct SigningKeyRotation: Sendable {
    let vault: Vault
    let store: Store
    let audit: AuditLog
    let keys: SigningKeys
    let settings: TokenSettings

    /// The keys as the keyring holds them. One without a date was made by `strm init` or just
    /// before a crash: it counts as old as can be for rotation, and young for retirement, until
    /// `rotate` has given it a date.
    static func load(vault: Vault, store: Store) throws -> [SigningKeys.Entry] {
        try vault.tokenSigningNumbers.sorted().map { number in
            SigningKeys.Entry(
                key: SigningKey(number: Int(number), secret: vault.secret(.tokenSigning(number))),
                createdAt: try createdAt(number, store) ?? 0)
        }
    }

    /// Makes a new key if the newest is too old, dates undated ones, retires those whose tokens
    /// have all expired.
    func rotate(now: Milliseconds) async throws {
        var entries = keys.all
        // Made while the clock was ahead: as it is it would not be replaced until that time has come.
        let isFromFuture = (entries.last?.createdAt ?? 0) > now + Tokens.leewaySeconds * 1_000
        if let newest = entries.last, newest.createdAt == 0 || isFromFuture {
            try await date(UInt32(newest.key.number), now)
            entries[entries.count - 1].createdAt = now
            keys.replaceAll(entries)
        }
        let rotation = Milliseconds(settings.rotationDays) * 86_400_000
        if let newest = entries.last, now - newest.createdAt >= rotation {
            let number = try await store.readers.run { [vault] in
                try vault.rotateTokenSigning(now: now)
            }
            try await date(number, now)
            keys.replaceAll(try Self.load(vault: vault, store: store))
            try await audit.append(
                .server(.tokenKeyRotated, detail: ["number": String(number)]))
        }
        try await retire(now: now)
    }

    /// A key signs nothing from the moment its successor exists; its tokens end after the longest
    /// lifetime.
    private func retire(now: Milliseconds) async throws {
        let entries = keys.all
        guard entries.count > 1 else { return }
        // A key that is destroyed by a clock that leapt ahead would take living tokens with it.
        guard try await store.readers.run({ [vault] in vault.mayDestroy(now: now) }) else { return }
        let lifetime =
            Milliseconds(max(settings.accessSeconds, settings.refreshSeconds)) * 1_000
            + Tokens.leewaySeconds * 1_000
        for (entry, successor) in zip(entries, entries.dropFirst())
        where successor.createdAt > 0 && now - successor.createdAt > lifetime {
            let number = UInt32(entry.key.number)
            try await store.readers.run { [vault] in try vault.retireTokenSigning(number, now: now)
            }
            _ = try await store.commit([
                .deleteDocument(Self.key(number), expectedRevision: nil)
            ])
            keys.replaceAll(try Self.load(vault: vault, store: store))
        }
    }

    private func date(_ number: UInt32, _ now: Milliseconds) async throws {
        let body: WireValue = ["createdAt": .integer(now)]
        _ = try await store.commit([
            .putDocument(Self.key(number), body: body.bytes, expectedRevision: 0)
        ])
    }

    private static func createdAt(_ number: UInt32, _ store: Store) throws -> Milliseconds? {
        guard let document = store.document(key(number)) else { return nil }
        guard let value = try? WireParser.parse(document.body),
            case .integer(let time)? = value["createdAt"]
        else { throw StoreError.corrupt("the date of a token key in the catalog cannot be read") }
        return time
    }

    private static func key(_ number: UInt32) -> DocumentKey {
        DocumentKey(kind: "token-key", name: String(number))
    }
}
