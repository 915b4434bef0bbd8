import Store

#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// The verified tokens of one event loop, so that a signature is verified once for each token and
/// loop, not once for each request. Confined to that loop.
///
/// 4-way sets; 4,096 tokens at most, each with its bytes: about 3 MiB. A full set gives up its
/// oldest entry. An entry is found only if all bytes of the token are equal and it has not expired;
/// the whole cache is emptied when the catalog's access version moves, so a revoked client's token
/// is verified anew and refused at once.
struct TokenCache {
    private static let ways = 4
    private static let setCount = 1_024

    private struct Entry {
        var token: [UInt8]
        var expiresAt: Milliseconds
        var principal: Principal
    }

    private var entries: [Entry?]
    /// Where the next entry of a set goes, round and round.
    private var turns: [UInt8]
    private var version: UInt64 = 0
    private(set) var hits: UInt64 = 0

    init() {
        entries = Array(repeating: nil, count: Self.setCount * Self.ways)
        turns = Array(repeating: 0, count: Self.setCount)
    }

    /// Cost: a comparison of the token's bytes; allocates nothing.
    mutating func find(
        _ token: UnsafeRawBufferPointer, now: Milliseconds, version: UInt64
    ) -> Principal? {
        guard version == self.version, token.count >= 16 else { return nil }
        let first = Self.set(of: token) * Self.ways
        for index in first..<first + Self.ways {
            guard let entry = entries[index], entry.token.count == token.count,
                entry.token.withUnsafeBytes({ Self.isEqual($0, token) })
            else { continue }
            guard now < entry.expiresAt else {
                entries[index] = nil
                return nil
            }
            hits += 1
            return entry.principal
        }
        return nil
    }

    /// - Parameter version: the access version read before the token was verified, so that a
    ///   revocation in between empties the cache at the next request.
    mutating func insert(
        _ token: UnsafeRawBufferPointer, principal: Principal, expiresAt: Milliseconds,
        version: UInt64
    ) {
        guard token.count >= 16 else { return }
        if version != self.version {
            entries = Array(repeating: nil, count: Self.setCount * Self.ways)
            self.version = version
        }
        let set = Self.set(of: token)
        let way = Int(turns[set])
        turns[set] = UInt8((way + 1) % Self.ways)
        entries[set * Self.ways + way] = Entry(
            token: Array(token), expiresAt: expiresAt, principal: principal)
    }

    var count: Int { entries.count { $0 != nil } }

    /// The end of a token is its signature, which nobody can choose for a token that verifies: a
    /// good hash as it is.
    private static func set(of token: UnsafeRawBufferPointer) -> Int {
        let tail = token.loadUnaligned(fromByteOffset: token.count - 8, as: UInt64.self)
        let before = token.loadUnaligned(fromByteOffset: token.count - 16, as: UInt64.self)
        let mixed = (tail ^ (before &<< 1)) &* 0x9E37_79B9_7F4A_7C15
        return Int(truncatingIfNeeded: mixed &>> 54) & (setCount - 1)
    }

    private static func isEqual(
        _ left: UnsafeRawBufferPointer, _ right: UnsafeRawBufferPointer
    ) -> Bool {
        guard let first = left.baseAddress, let second = right.baseAddress else { return false }
        return memcmp(first, second, right.count) == 0
    }
}
