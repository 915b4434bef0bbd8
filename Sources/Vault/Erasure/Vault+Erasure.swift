package import Store
import Synchronization

/// Erasing a person: at once.
extension Vault {
    /// Erases a person: their data keys are unusable on return, and no backup of the store brings
    /// them back. `destroyErased` destroys them for good.
    ///
    /// What is submitted after the call began may belong to a new key, which later events of the
    /// person get. Durable on return. Repeating it with the same id gives what it gave. Blocks: a
    /// read for each thousand links until they are unusable, then two a link and two commits.
    ///
    /// - Parameters:
    ///   - streams: where; those that the caller knows to have data subjects, or some of them.
    ///   - id: made up by the caller, `newErasureID()`.
    ///   - client: the OAuth client that asks. Stands in ledger and audit log, as `role` and
    ///     `reference` do, such as a case number; no person is in any of them.
    ///   - fence: events of the person in these streams are refused from now on
    ///     (`.subjectFenced`), until `liftFence`.
    ///   - now: when it was asked for, which stands in the ledger.
    /// - Throws: `.ledger` and `.store`. If the ledger could be written the person is erased all
    ///   the same: the call after it, the next `destroyErased` or the next start goes on.
    package func requestErasure(
        of subject: UnsafeRawBufferPointer, streams: [StreamID], id: String,
        by actor: (client: String, role: String), reference: String?, fence: Bool,
        now: Milliseconds
    ) throws(VaultError) -> Erasure {
        let store = try erasableStore()
        let person = personHash(subject)
        let subjects = Set(streams).sorted().map {
            Fence(
                stream: $0, subject: hashes.hash(subject, stream: $0, purpose: .subject))
        }
        return try acts.lock.withLock { _ throws(VaultError) in
            if ledger.erasure(id) == nil {
                let fences = fence ? Set(subjects) : []
                ledger.raise(fences)
                defer { ledger.lower(fences) }
                let found = try keysOnRecord(of: subjects, store)
                try step(.appendRequested)
                // Until they are out of memory, whoever seals asks the ledger: what was taken in
                // and sealed with an erased key nobody could ever read.
                purges.wrappingAdd(1, ordering: .acquiringAndReleasing)
                defer { purges.wrappingSubtract(1, ordering: .acquiringAndReleasing) }
                // The request may have waited for its turn, and for the makers of keys.
                let recordedAt = clock.wall()
                try ledger.append(at: now) { record in
                    record.requested = LedgerRecord.Requested(
                        id: id, client: actor.client, role: actor.role, reference: reference,
                        person: person.hexadecimal, hasFence: fence,
                        subjects: subjects.map { LedgerRecord.Subject($0) },
                        keys: found.erasable, gone: found.gone.isEmpty ? nil : found.gone,
                        recordedAt: recordedAt > now ? recordedAt : nil)
                }
                purgeErased()
            }
            try applyLedger(store, isReplay: false)
            guard let erasure = ledger.erasure(id) else {
                preconditionFailure("an erasure that was just recorded")
            }
            keyring.note(ledger: ledger.number, now: now)
            return erasure
        }
    }

    /// Ends in the store what requests that failed left undone, such as one whose commit the store
    /// refused; at once if there is nothing. For whoever answers that a person is erased already.
    /// Blocks.
    package func finishRequests() throws(VaultError) {
        let store = try erasableStore()
        try acts.lock.withLock { _ throws(VaultError) in
            try applyLedger(store, isReplay: false)
        }
    }

    /// An id for a new erasure: `e-` and 12 random bytes in base64url.
    package static func newErasureID() -> String {
        var bytes = [UInt8](repeating: 0, count: 12)
        bytes.withUnsafeMutableBytes { Cryptography.fillRandomly($0) }
        let text = String(decoding: Base64Text.encode(bytes), as: UTF8.self)
        return "e-" + String(text.map { $0 == "+" ? "-" : $0 == "/" ? "_" : $0 })
    }

    /// True if the key of one of these links was erased. Costs next to nothing while nobody is.
    package func isAnyErased(_ links: some Sequence<KeyLink>) -> Bool {
        ledger.hasTombstones && links.contains { ledger.isErased($0) }
    }

    /// All erasures, in the order in which they were asked for.
    package var erasures: [Erasure] { ledger.snapshot.erasures }

    /// nil: there is none of this id. Memory only.
    package func erasure(id: String) -> Erasure? { ledger.erasure(id) }

    /// The number of the ledger's last record, for backups and status; 0 while nobody was erased.
    package var erasureLedgerNumber: UInt64 { ledger.number }

    // MARK: Finding

    private enum Finding {
        case gone
        /// Made after the time that is asked for.
        case later
        case erasable(EpochClass, UTCDay)
    }

    /// The person's keys, for the ledger: those whose epochs are there, and those that are gone, of
    /// which only who had received what they sealed can still be asked. Everything that was on its
    /// way when this was called is seen. Cost: a read for each thousand keys; for those with
    /// entries of old, or if a time is asked for, one for each key too.
    /// - Parameter time: keys made later are left out; nil: none.
    func keysOnRecord(
        of subjects: [Fence], madeUpTo time: Milliseconds? = nil, _ store: any ErasableKeyStore
    ) throws(VaultError) -> (erasable: [LedgerRecord.Keys], gone: [LedgerRecord.Gone]) {
        struct Group: Hashable {
            let stream: StreamID
            let id: EpochClass
            let day: UTCDay
        }
        // A maker that did not see the fence yet, or puts the person on record at this moment, is
        // waited for, and so is the commit of what it submitted.
        waitForMakers()
        try readingStore { () throws(StoreError) in try store.waitForCommits() }
        var groups: [Group: [KeyLink]] = [:]
        var gone: [LedgerRecord.Gone] = []
        for person in subjects {
            var links: [(link: KeyLink, created: Milliseconds?)] = []
            try visitEntries(of: person, store) { link, entry throws(VaultError) in
                let found = try finding(link, entry, madeUpTo: time, store)
                switch found {
                case .gone: links.append((link, entry.created))
                case .later: break
                case .erasable(let id, let day):
                    groups[Group(stream: person.stream, id: id, day: day), default: []].append(link)
                }
            }
            guard !links.isEmpty else { continue }
            gone.append(
                LedgerRecord.Gone(
                    stream: person.stream.rawValue, count: links.count,
                    since: links.contains { $0.created == nil }
                        ? nil : links.compactMap(\.created).min(),
                    links: LedgerRecord.Keys.encoded(links.map(\.link))))
        }
        let erasable = groups.map { group, links in
            LedgerRecord.Keys(
                stream: group.stream.rawValue, epoch: group.id.epoch, day: group.day.number,
                days: group.id.retention.days, count: links.count,
                links: LedgerRecord.Keys.encoded(links))
        }
        return (
            erasable.sorted { ($0.stream, $0.epoch, $0.days) < ($1.stream, $1.epoch, $1.days) },
            gone
        )
    }

    /// What is to become of a key. Its entry says enough; its record, which may be damaged here and
    /// whole in a copy of the store, is read if the entry is of old, or for the key's own time: an
    /// entry may be later.
    private func finding(
        _ link: KeyLink, _ entry: SubjectEntry, madeUpTo time: Milliseconds?,
        _ store: any ErasableKeyStore
    ) throws(VaultError) -> Finding {
        guard !ledger.isErased(link) else { return .gone }
        var id = entry.epoch
        if id == nil || time != nil {
            let bytes = try readingStore { () throws(StoreError) in try store.readKey(link) }
            let record = bytes.flatMap { try? KeyRecord($0) }
            if let time, record?.created ?? entry.created ?? .max > time { return .later }
            // An entry of old whose record is damaged: if an older store with a whole one comes
            // back, its key is found and erased then.
            id = record?.epoch ?? id
        }
        guard let id, let keys = keyring.bucketKeys(id) else { return .gone }
        return .erasable(id, keys.day)
    }

    /// Returns when everybody who was making or finding a key to seal with has submitted what it
    /// made, or given up. Who comes later sees what was published before this was called.
    func waitForMakers() {
        for stripe in stripes { stripe.lock.withLock { _ in } }
        singleUse.lock.withLock { _ in }
    }

    func step(_ step: ErasureStep) throws(VaultError) {
        try configuration.beforeErasureStep(step)
    }
}
