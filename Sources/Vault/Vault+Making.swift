import Store
import Synchronization

/// Finding and making the key of a sequence. Under the lock of the sequence's stripe.
extension Vault {
    /// Writes the key that seals for the sequence now to `bytes`, and gives its link.
    func sealingKey(
        _ request: KeyRequest, into bytes: UnsafeMutableRawPointer
    ) throws(VaultError) -> KeyLink {
        if let subject = request.subject, ledger.isFenced(subject, in: request.sequence.stream) {
            throw .subjectFenced
        }
        if let link = copyCached(request, subject: request.subjectTag, into: bytes) { return link }
        if request.subject != nil, let link = copyCached(request, subject: 0, into: bytes) {
            try putSubject(
                request, link, SubjectEntry(created: request.now, epoch: cache.epoch(of: link)))
            cache.noteSubject(request.subjectTag, link)
            return link
        }
        guard let stored = try storedKey(request),
            let facts = try load(stored.record, stored.link, into: bytes),
            facts.sequence == request.sequence, facts.epoch.retention == request.retention,
            facts.term.seals(now: request.now, newestDay: keyring.newestDay)
        else { return try makeKey(request, into: bytes) }
        try putSubject(
            request, facts.link, SubjectEntry(created: facts.term.created, epoch: facts.epoch))
        cache.insert(
            facts, bytes: bytes, sequence: request.sequenceTag, subject: request.subjectTag)
        try checkStillThere(facts)
        return facts.link
    }

    private func copyCached(
        _ request: KeyRequest, subject: UInt64, into bytes: UnsafeMutableRawPointer
    ) -> KeyLink? {
        let link = cache.copySealing(
            request.sequenceTag, retention: request.retention, subject: subject,
            now: request.now, newestDay: keyring.newestDay, isCounted: false, into: bytes)
        guard let link, ledger.isErased(link) else { return link }
        // Erased a moment ago, and the purge is on its way.
        cache.remove(link)
        return nil
    }

    /// The newest key of the sequence: one that waits for its sync, or the one in the index.
    private func storedKey(_ request: KeyRequest) throws(VaultError) -> PendingKeys.Key? {
        if let key = pending[request.sequence] { return key }
        let store = request.store
        guard
            let value = try readingStore({ () throws(StoreError) in
                try store.readIndex(IndexEntry.key(request.sequence))
            })
        else { return nil }
        let link = try IndexEntry(value).link
        guard
            let record = try readingStore({ () throws(StoreError) in try store.readKey(link) })
        else { return nil }
        return PendingKeys.Key(link: link, record: record)
    }

    /// Unwraps a record into `bytes`; nil if what wrapped it is destroyed, or the link is erased.
    func load(
        _ bytes: [UInt8], _ link: KeyLink, into key: UnsafeMutableRawPointer
    ) throws(VaultError) -> CachedKeyFacts? {
        guard !ledger.isErased(link) else { return nil }
        let record = try KeyRecord(bytes)
        guard let keys = keyring.bucketKeys(record.epoch),
            try record.unwrap(bytes, link: link, with: keys, into: key)
        else { return nil }
        return CachedKeyFacts(
            sequence: SequenceID(stream: record.stream, hash: record.sequence), link: link,
            epoch: record.epoch,
            term: KeyTerm(created: record.created, expires: record.expires, day: keys.day))
    }

    /// The epoch may have been destroyed, or the link erased, while the key was on the way into the
    /// cache. Either this sees it gone, or the purge that follows sees the key.
    func checkStillThere(_ facts: CachedKeyFacts) throws(VaultError) {
        guard keyring.bucketKeys(facts.epoch) == nil || ledger.isErased(facts.link) else { return }
        cache.remove(facts.link)
        throw .keyGone
    }

    private func makeKey(
        _ request: KeyRequest, into bytes: UnsafeMutableRawPointer
    ) throws(VaultError) -> KeyLink {
        let (epoch, keys) = try keyring.bucketKeys(for: request.retention, now: request.now)
        let link = Self.newLink()
        Cryptography.fillRandomly(
            UnsafeMutableRawBufferPointer(start: bytes, count: DataKey.byteCount))
        let facts = CachedKeyFacts(
            sequence: request.sequence, link: link, epoch: epoch,
            term: KeyTerm(
                created: request.now, expires: request.now + BucketKeys.keyLife, day: keys.day))
        let record = KeyRecord(
            stream: request.sequence.stream, epoch: epoch, created: facts.term.created,
            expires: facts.term.expires, sequence: request.sequence.hash
        ).wrap(bytes, link: link, with: keys)
        let fate = try submit(request, facts, record)
        // From here on the key is visible: its record is in the queue before any event of its.
        cache.insert(
            facts, bytes: bytes, sequence: request.sequenceTag, subject: request.subjectTag)
        if fate.hasFailed {
            cache.remove(link)
            throw .store(.poisoned)
        }
        keysMade.wrappingAdd(1, ordering: .relaxed)
        // An erasure may have found its entry before it was in the cache, and purged that.
        try checkStillThere(facts)
        return link
    }

    /// Hands a new key's record to the store. If the store refuses it, the key never existed.
    private func submit(
        _ request: KeyRequest, _ facts: CachedKeyFacts, _ record: [UInt8]
    ) throws(VaultError) -> KeyFate {
        let link = facts.link
        let sequence = request.sequence
        var mutations: [Mutation] = [
            .putKey(link, record: record),
            .putIndex(
                key: IndexEntry.key(sequence),
                value: IndexEntry(link: link, created: facts.term.created).value),
        ]
        if let subject = request.subject {
            mutations.append(
                .putSubject(
                    key: IndexEntry.subjectKey(sequence.stream, subject, link),
                    value: SubjectEntry(created: facts.term.created, epoch: facts.epoch).value))
        }
        let fate = KeyFate()
        // Before the submission: the completion may come at once.
        pending.add(PendingKeys.Key(link: link, record: record), for: sequence)
        do throws(StoreError) {
            try submitMarked(mutations, to: request.store) { [cache, pending] result in
                if case .failure = result {
                    fate.fail()
                    cache.remove(link)
                }
                pending.remove(link, for: sequence)
            }
        } catch {
            pending.remove(link, for: sequence)
            throw .store(error)
        }
        return fate
    }

    /// Puts the subject on record for the key: in the queue before any event that needs it.
    private func putSubject(
        _ request: KeyRequest, _ link: KeyLink, _ entry: SubjectEntry
    ) throws(VaultError) {
        guard let subject = request.subject else { return }
        let key = IndexEntry.subjectKey(request.sequence.stream, subject, link)
        do throws(StoreError) {
            try request.store.submit(
                [.putSubject(key: key, value: entry.value)], completion: nil)
        } catch {
            throw .store(error)
        }
    }

    func readingStore<R>(
        _ read: () throws(StoreError) -> R
    ) throws(VaultError) -> R {
        do throws(StoreError) {
            return try read()
        } catch {
            throw .store(error)
        }
    }

    /// A random UUID of version 4 whose first four bytes, the key id, are not 0.
    static func newLink() -> KeyLink {
        while true {
            var words: (UInt64, UInt64) = (0, 0)
            withUnsafeMutableBytes(of: &words) { Cryptography.fillRandomly($0) }
            let link = KeyLink(
                high: words.0 & ~0xF000 | 0x4000, low: words.1 & ~(0xC0 << 56) | 0x80 << 56)
            if DataKey.keyID(of: link) != 0 { return link }
        }
    }
}
