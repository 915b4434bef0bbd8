import CPlatform
package import Store
import Synchronization

/// Lending data keys.
extension Vault {
    /// Lends the key that seals for a sequence if it is in memory; nil if not: use `withKey` then,
    /// on a thread that may block. Memory only, about 0.3 µs.
    ///
    /// - Parameters:
    ///   - keyValue: the key field's value, not empty.
    ///   - subject: the data subject, nil if the contract names none. The key is lent only if this
    ///     subject is on record for it.
    ///   - now: the time by which the key's 24 hours are judged: the event's timestamp.
    @inline(__always)
    package func withCachedKey<R>(
        stream: StreamID, retention: RetentionClass, keyValue: UnsafeRawBufferPointer,
        subject: UnsafeRawBufferPointer? = nil, now: Milliseconds,
        _ body: (borrowing DataKey) -> R
    ) -> R? {
        let sequence = SequenceID(
            stream: stream,
            hash: hashes.hash(keyValue, stream: stream, purpose: .sequence))
        let tag = subject.map {
            Self.tag(hashes.hash($0, stream: stream, purpose: .subject))
        }
        return withUnsafeTemporaryAllocation(byteCount: DataKey.byteCount, alignment: 16) { room in
            guard let bytes = room.baseAddress,
                let link = cache.copySealing(
                    sequence, retention: retention, subject: tag ?? 0, now: now,
                    newestDay: keyring.newestDay, isCounted: true, into: bytes)
            else { return nil }
            let key = DataKey(keyLink: link, bytes: bytes)
            return body(key)
        }
    }

    /// Lends the key that seals for a sequence: from memory, from the store, or a new one, whose
    /// record the store has taken before anybody sees it. Concurrent first users get one key.
    /// Blocks: disk, and once a day the keyring.
    /// - Throws: `.store(.overloaded)` if the store refused a new key, which then never existed;
    ///   other `.store` and `.keyring` errors if they fail.
    package func withKey<R>(
        stream: StreamID, retention: RetentionClass, keyValue: UnsafeRawBufferPointer,
        subject: UnsafeRawBufferPointer?, now: Milliseconds, _ body: (borrowing DataKey) -> R
    ) throws(VaultError) -> R {
        let request = KeyRequest(
            sequence: SequenceID(
                stream: stream,
                hash: hashes.hash(keyValue, stream: stream, purpose: .sequence)),
            retention: retention,
            subject: subject.map { hashes.hash($0, stream: stream, purpose: .subject) },
            now: now, store: try attachedStore())
        return try lend(body) { bytes throws(VaultError) in
            let stripe = stripes[
                Int(request.sequence.hash.third % UInt64(Self.stripeCount))]
            return try stripe.lock.withLock { _ throws(VaultError) in
                try sealingKey(request, into: bytes)
            }
        }
    }

    /// Lends the key of a link, to open what it sealed. Blocks if it is not in memory.
    /// - Throws: `.keyGone` if it has expired, was erased or never was.
    package func withKey<R>(
        link: KeyLink, now: Milliseconds, _ body: (borrowing DataKey) -> R
    ) throws(VaultError) -> R {
        try lend(body) { bytes throws(VaultError) in
            if cache.copyOpening(link, now: now, into: bytes) { return link }
            let store = try attachedStore()
            guard
                let record = try readingStore({ () throws(StoreError) in try store.readKey(link) }),
                let facts = try load(record, link, into: bytes), !facts.isOver(now: now)
            else { throw .keyGone }
            cache.insert(facts, bytes: bytes, seals: false)
            try checkStillThere(facts)
            return link
        }
    }

    /// Runs `body` with the key that `fetch` writes into memory of this frame.
    private func lend<R>(
        _ body: (borrowing DataKey) -> R,
        _ fetch: (UnsafeMutableRawPointer) throws(VaultError) -> KeyLink
    ) throws(VaultError) -> R {
        let result: Result<R, VaultError> = withUnsafeTemporaryAllocation(
            byteCount: DataKey.byteCount, alignment: 16
        ) { room in
            guard let bytes = room.baseAddress else { return .failure(.sealedVault) }
            do throws(VaultError) {
                let link = try fetch(bytes)
                let key = DataKey(keyLink: link, bytes: bytes)
                return .success(body(key))
            } catch {
                // It may have been unwrapped before it was refused.
                cplatform_zeroise(bytes, DataKey.byteCount)
                return .failure(error)
            }
        }
        return try result.get()
    }
}
