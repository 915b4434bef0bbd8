package import Store

/// What is held about a person, by key link.
extension Vault {
    /// Entries read at once.
    private static let entriesAtOnce = 1_000

    /// The person's hash for the whole installation, as it stands in the ledger, in the audit log
    /// and in receipts: not the one of any stream. About 200 ns.
    package func personHash(_ subject: UnsafeRawBufferPointer) -> Hash256 {
        hashes.hash(subject, stream: StreamID(rawValue: 0), purpose: .person)
    }

    /// All data keys that are on record for the person in these streams, also those that are gone,
    /// ascending by stream and link. What is being put on record at this moment may be missing.
    /// Blocks: two reads a link; some 100 bytes of memory each.
    package func links(
        ofSubject subject: UnsafeRawBufferPointer, streams: [StreamID]
    ) throws(VaultError) -> [SubjectLink] {
        let store = try erasableStore()
        var links: [SubjectLink] = []
        for stream in Set(streams).sorted() {
            let hash = hashes.hash(subject, stream: stream, purpose: .subject)
            try visitEntries(of: Fence(stream: stream, subject: hash), store) {
                link, entry throws(VaultError) in
                links.append(try subjectLink(link, stream, entry.created, store))
            }
        }
        return links
    }

    /// True if more than `count` data keys are on record for the person in these streams. Blocks: a
    /// read for each thousand.
    package func hasLinks(
        ofSubject subject: UnsafeRawBufferPointer, streams: [StreamID], moreThan count: Int
    ) throws(VaultError) -> Bool {
        let store = try erasableStore()
        var left = count
        for stream in Set(streams) {
            let hash = hashes.hash(subject, stream: stream, purpose: .subject)
            try visitSubjects(IndexEntry.subjectPrefix(stream, hash), store) { _, _ in
                left -= 1
                return left >= 0
            }
        }
        return left < 0
    }

    func visitEntries(
        of person: Fence, _ store: any ErasableKeyStore,
        _ body: (KeyLink, SubjectEntry) throws(VaultError) -> Void
    ) throws(VaultError) {
        let prefix = IndexEntry.subjectPrefix(person.stream, person.subject)
        try visitSubjects(prefix, store) { link, value throws(VaultError) in
            try body(link, SubjectEntry(value))
            return true
        }
    }

    /// Visits the links of all entries of subjects of a stream.
    func visitLinks(
        of stream: StreamID, _ store: any ErasableKeyStore, _ body: (KeyLink) -> Void
    ) throws(VaultError) {
        try visitSubjects(Self.subjectPrefix(stream), store) { link, _ in
            body(link)
            return true
        }
    }

    /// Visits the entries of subjects that begin with `prefix`, some at once, until `body` says
    /// false. Between two pieces others may write.
    private func visitSubjects(
        _ prefix: [UInt8], _ store: any ErasableKeyStore,
        _ body: (KeyLink, _ value: [UInt8]) throws(VaultError) -> Bool
    ) throws(VaultError) {
        var last: [UInt8]?
        while true {
            let entries = try readingStore { () throws(StoreError) in
                try store.subjectEntries(prefix: prefix, after: last, limit: Self.entriesAtOnce)
            }
            for entry in entries {
                guard let link = KeyLink(bytes: entry.key.suffix(MemoryLayout<KeyLink>.size)) else {
                    throw .store(.corrupt("a key of the family subjects"))
                }
                guard try body(link, entry.value) else { return }
            }
            guard entries.count == Self.entriesAtOnce, let end = entries.last else { return }
            last = end.key
        }
    }

    func subjectLink(
        _ link: KeyLink, _ stream: StreamID, _ created: Milliseconds?,
        _ store: any ErasableKeyStore
    ) throws(VaultError) -> SubjectLink {
        var found = SubjectLink(
            link: link, stream: stream, created: created, isErased: ledger.isErased(link),
            isOpenable: false)
        let bytes = try readingStore { () throws(StoreError) in try store.readKey(link) }
        // A record that is damaged opens nothing, as if it were gone.
        guard let bytes, let record = try? KeyRecord(bytes) else { return found }
        found.created = record.created
        found.sealsUntil = record.expires
        found.retention = record.epoch.retention
        found.epoch = record.epoch.epoch
        guard let keys = keyring.bucketKeys(record.epoch) else { return found }
        found.destroyedAt = BucketKeys.termEnd(day: keys.day, retention: record.epoch.retention)
        found.isOpenable = !found.isErased && keys.holds(record.generation, of: found.bucket)
        return found
    }

    func erasableStore() throws(VaultError) -> any ErasableKeyStore {
        guard let store = try attachedStore() as? any ErasableKeyStore else { throw .sealedVault }
        return store
    }
}
