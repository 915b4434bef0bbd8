import Store
import Synchronization

/// New keys that the store has taken and not synced yet.
///
/// They can be evicted from the cache before the store shows them: a second user of the sequence
/// must find them all the same, or it would make a second key. They lie here wrapped. Bounded by
/// the store's queue, which refuses before this grows.
final class PendingKeys: Sendable {
    struct Key: Sendable {
        let link: KeyLink
        let record: [UInt8]
    }

    private let keys = Mutex<[SequenceID: Key]>([:])

    var count: Int { keys.withLock { $0.count } }

    subscript(sequence: SequenceID) -> Key? {
        keys.withLock { $0[sequence] }
    }

    func add(_ key: Key, for sequence: SequenceID) {
        keys.withLock { $0[sequence] = key }
    }

    /// Takes the key out, unless a newer one of the sequence has come.
    func remove(_ link: KeyLink, for sequence: SequenceID) {
        keys.withLock { if $0[sequence]?.link == link { $0[sequence] = nil } }
    }
}

/// Whether the commit of a new key failed: set on the commit thread, read by the key's maker.
final class KeyFate: Sendable {
    private let failed = Atomic(false)

    var hasFailed: Bool { failed.load(ordering: .acquiring) }

    func fail() {
        failed.store(true, ordering: .releasing)
    }
}
