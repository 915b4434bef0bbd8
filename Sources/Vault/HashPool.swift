import Glibc
import Store
import Synchronization

/// HMAC-SHA-256 of key-field values and data subjects under the index keys of their streams.
///
/// An OpenSSL context is worth 0.9 µs to key and serves one thread at a time, so there are some
/// sets of keyed contexts; a thread comes back to the set that its number hashes to, and takes the
/// next one if that is busy. A set holds contexts for a bounded number of streams.
final class HashPool: Sendable {
    enum Purpose: UInt8 {
        case sequence = 1
        case subject = 2
        /// Of a data subject in the whole installation: the stream is 0.
        case person = 3
    }

    private static let setCount = 16
    /// Contexts a set, of 1 KB or so each; streams beyond it take turns.
    private static let contextsPerSet = 64

    /// Unchecked: the hash is used by whoever holds the lock of the set, and by nobody else.
    private struct Context: @unchecked Sendable {
        var stream: StreamID
        var purpose: Purpose
        var hash: KeyedHash
    }

    private final class ContextSet: Sendable {
        let contexts = Mutex<[Context?]>(Array(repeating: nil, count: contextsPerSet))
    }

    private let sets: [ContextSet]
    /// Root of the index keys.
    private let root: LockedMemory

    init(root: LockedMemory) {
        self.root = root
        sets = (0..<Self.setCount).map { _ in ContextSet() }
    }

    /// About 200 ns if the stream has a context in the set.
    func hash(
        _ value: UnsafeRawBufferPointer, stream: StreamID, purpose: Purpose
    ) -> Hash256 {
        let own = Int(
            truncatingIfNeeded: (UInt64(pthread_self()) &* 0x9E37_79B9_7F4A_7C15) >> 60)
        for step in 0..<Self.setCount {
            let set = sets[(own + step) % Self.setCount]
            let result = set.contexts.withLockIfAvailable {
                hash(value, stream, purpose, &$0)
            }
            if let result { return result }
        }
        return sets[own].contexts.withLock { hash(value, stream, purpose, &$0) }
    }

    @inline(__always)
    private func hash(
        _ value: UnsafeRawBufferPointer, _ stream: StreamID, _ purpose: Purpose,
        _ contexts: inout [Context?]
    ) -> Hash256 {
        let place =
            Int(truncatingIfNeeded: stream.rawValue &* 2 &+ UInt32(purpose.rawValue - 1))
            & (Self.contextsPerSet - 1)
        if let found = contexts[place], found.stream == stream, found.purpose == purpose {
            return found.hash.hash(value)
        }
        let keyed = newContext(stream, purpose)
        contexts[place] = Context(stream: stream, purpose: purpose, hash: keyed)
        return keyed.hash(value)
    }

    /// The index key of a stream is the HMAC of a label, the purpose and the stream under the root.
    private func newContext(_ stream: StreamID, _ purpose: Purpose) -> KeyedHash {
        let number = withUnsafeBytes(of: stream.rawValue.bigEndian) { Array($0) }
        let label = Array("strm index key v1".utf8) + [purpose.rawValue] + number
        var key = root.withBytes { KeyedHash.hash(label, key: $0) }
        return withUnsafeMutableBytes(of: &key) { bytes in
            defer { MasterKey.wipe(bytes) }
            return KeyedHash(key: UnsafeRawBufferPointer(bytes))
        }
    }
}
