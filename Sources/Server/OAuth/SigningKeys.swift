import Synchronization

/// The signing keys in use: the newest signs, those whose tokens may still live verify. Read by
/// every event loop on a token that is not in its cache; written once in `tokens.rotationDays`.
final class SigningKeys: Sendable {
    /// A key and when the vault made it.
    struct Entry: Sendable {
        var key: SigningKey
        var createdAt: Int64
    }

    /// Ascending by number; never empty after the start.
    private let entries: Mutex<[Entry]>

    init(_ entries: [Entry]) { self.entries = Mutex(entries) }

    var all: [Entry] { entries.withLock { $0 } }
    var current: SigningKey? { entries.withLock { $0.last?.key } }

    func replaceAll(_ new: [Entry]) { entries.withLock { $0 = new } }

    /// The key whose access (or refresh) header has exactly these bytes.
    func key(forAccessHeader header: some Collection<UInt8>) -> SigningKey? {
        entries.withLock { all in all.first { $0.key.accessHeader.elementsEqual(header) }?.key }
    }

    func key(forRefreshHeader header: some Collection<UInt8>) -> SigningKey? {
        entries.withLock { all in all.first { $0.key.refreshHeader.elementsEqual(header) }?.key }
    }

    /// RFC 7517 JWK set.
    var jwkSet: WireValue {
        .object([(name: "keys", value: .array(all.reversed().map(\.key.jwk)))])
    }
}
