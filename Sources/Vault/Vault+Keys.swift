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
    package func withCachedKey<R>(
        stream: StreamID, retention: RetentionClass, keyValue: UnsafeRawBufferPointer,
        subject: UnsafeRawBufferPointer? = nil, now: Milliseconds,
        _ body: (borrowing DataKey) -> R
    ) -> R? {
        var result: R?
        let isLent = withCachedKey(
            stream: stream, retention: retention, keyValue: keyValue, subject: subject, now: now
        ) { key -> Bool in
            result = body(key)
            return true
        }
        return isLent == nil ? nil : result
    }

    /// The same for event loops: not generic, because a generic function of another module is not
    /// specialised, and its look-ups of types cost as much as the key.
    package func withCachedKey(
        stream: StreamID, retention: RetentionClass, keyValue: UnsafeRawBufferPointer,
        subject: UnsafeRawBufferPointer? = nil, now: Milliseconds,
        _ body: (borrowing DataKey) -> Bool
    ) -> Bool? {
        withUnsafeTemporaryAllocation(byteCount: DataKey.byteCount, alignment: 16) { room in
            guard let bytes = room.baseAddress,
                let link = copyCachedKey(
                    stream: stream, retention: retention, keyValue: keyValue, subject: subject,
                    now: now, into: bytes)
            else { return nil }
            let key = DataKey(keyLink: link, bytes: bytes)
            return body(key)
        }
    }

    private func copyCachedKey(
        stream: StreamID, retention: RetentionClass, keyValue: UnsafeRawBufferPointer,
        subject: UnsafeRawBufferPointer?, now: Milliseconds, into bytes: UnsafeMutableRawPointer
    ) -> KeyLink? {
        let sequence = tagger.tag(keyValue, stream: stream, purpose: .sequence)
        var tag: UInt64 = 0
        if let subject { tag = tagger.tag(subject, stream: stream, purpose: .subject).short }
        // Before the copy: if no purge is under way, what is in memory was not erased yet.
        let isPurging = purges.load(ordering: .acquiring) > 0
        let link = cache.copySealing(
            sequence, retention: retention, subject: tag, now: now,
            newestDay: keyring.newestDay, isCounted: true, into: bytes)
        guard isPurging, let link, ledger.isErased(link) else { return link }
        cplatform_zeroise(bytes, DataKey.byteCount)
        return nil
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
        try withUnsafeTemporaryAllocation(byteCount: DataKey.byteCount, alignment: 16) {
            room throws(VaultError) in
            guard let bytes = room.baseAddress else { throw .sealedVault }
            let link = try copyKey(
                stream: stream, retention: retention, keyValue: keyValue, subject: subject,
                now: now, into: bytes)
            let key = DataKey(keyLink: link, bytes: bytes)
            return body(key)
        }
    }

    private func copyKey(
        stream: StreamID, retention: RetentionClass, keyValue: UnsafeRawBufferPointer,
        subject: UnsafeRawBufferPointer?, now: Milliseconds, into bytes: UnsafeMutableRawPointer
    ) throws(VaultError) -> KeyLink {
        let request = KeyRequest(
            sequence: SequenceID(
                stream: stream,
                hash: hashes.hash(keyValue, stream: stream, purpose: .sequence)),
            retention: retention,
            subject: subject.map { hashes.hash($0, stream: stream, purpose: .subject) },
            sequenceTag: tagger.tag(keyValue, stream: stream, purpose: .sequence),
            subjectTag: subject.map {
                tagger.tag($0, stream: stream, purpose: .subject).short
            } ?? 0,
            now: now, store: try attachedStore())
        do throws(VaultError) {
            return try stripe(of: request.sequence).lock.withLock { _ throws(VaultError) in
                try sealingKey(request, into: bytes)
            }
        } catch {
            // It may have been made or unwrapped before it was refused.
            cplatform_zeroise(bytes, DataKey.byteCount)
            throw error
        }
    }

    func stripeIndex(of sequence: SequenceID) -> Int {
        Int(sequence.hash.third % UInt64(Self.stripeCount))
    }

    func stripe(of sequence: SequenceID) -> Stripe {
        stripes[stripeIndex(of: sequence)]
    }

    /// Lends the key of a link, to open what it sealed. Blocks if it is not in memory.
    /// - Throws: `.keyGone` if it has expired, was erased or never was.
    ///
    /// The body's answer is a Bool, not generic: a reader opens millions of events a second, and a
    /// generic function is not specialised for another module.
    package func withKey(
        link: KeyLink, now: Milliseconds, _ body: (borrowing DataKey) -> Bool
    ) throws(VaultError) -> Bool {
        try withUnsafeTemporaryAllocation(byteCount: DataKey.byteCount, alignment: 16) {
            room throws(VaultError) in
            guard let bytes = room.baseAddress else { throw .sealedVault }
            try copyKey(link, now: now, into: bytes)
            let key = DataKey(keyLink: link, bytes: bytes)
            return body(key)
        }
    }

    private func copyKey(
        _ link: KeyLink, now: Milliseconds, into bytes: UnsafeMutableRawPointer
    ) throws(VaultError) {
        let isCached = cache.copyOpening(link, now: now, into: bytes)
        // Erased a moment ago, and the purge is on its way. One load while nobody is erased.
        if isCached && !ledger.isErased(link) { return }
        do throws(VaultError) {
            if isCached {
                cache.remove(link)
                throw .keyGone
            }
            let store = try attachedStore()
            guard let facts = try openedFacts(link, store, into: bytes), !facts.isOver(now: now)
            else { throw .keyGone }
            cache.insert(facts, bytes: bytes)
            try checkStillThere(facts)
        } catch {
            cplatform_zeroise(bytes, DataKey.byteCount)
            throw error
        }
    }

    /// Reads and unwraps the record of a link; nil if there is none that can be.
    private func openedFacts(
        _ link: KeyLink, _ store: any KeyStore, into bytes: UnsafeMutableRawPointer
    ) throws(VaultError) -> CachedKeyFacts? {
        var seen: [UInt8]?
        while true {
            let record = try readingStore { () throws(StoreError) in try store.readKey(link) }
            // Its bucket may have got another key after the record was read: then there is a new
            // record under that one.
            guard let record, record != seen else { return nil }
            if let facts = try load(record, link, into: bytes) { return facts }
            seen = record
        }
    }
}
