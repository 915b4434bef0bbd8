import Audit
import Glibc
package import Store
import Synchronization

/// Bringing the store to where the ledger is.
extension Vault {
    static let ledgerDocument = DocumentKey(kind: "erasures", name: "ledger")
    /// Mutations of one request.
    private static let mutationsMax = 4_000
    /// How often a full queue is asked again, 10 ms apart.
    private static let attemptsMax = 500

    /// Puts the ledger and the store in step after a start: refuses a ledger that is older than
    /// what the store has seen, does in an older store (a backup that was brought back) what the
    /// ledger says, and goes on with a destruction that the process before did not end. After the
    /// store was started and the audit log has its place in the commit, before anything is read or
    /// taken. Blocks, as long as that takes.
    /// - Throws: `.ledger`, with the file and the numbers: the start must be refused. Not if the
    ///   destruction cannot be ended, see `interruptedDestruction`.
    package func recoverErasures(now: Milliseconds) throws(VaultError) {
        let store = try erasableStore()
        try ledger.compare(withStore: try Self.number(in: store))
        let contents = keyring.contents
        ledger.reopen(after: contents.destroyedThrough)
        try raiseEpoch(store, now)
        try acts.lock.withLock { _ throws(VaultError) in
            try findBroughtBack(store, now)
            purgedThrough.store(0, ordering: .relaxed)
            try applyLedger(store, isReplay: true)
        }
        keyring.note(ledger: ledger.number, now: now)
        let book = ledger.snapshot
        let mustGoOn =
            book.open != nil || keyring.successorGeneration != nil
            || book.waiting.contains { $0.batch != nil }
        if mustGoOn {
            do throws(VaultError) {
                _ = try destroyErased(now: now)
            } catch {
                // Events need not wait for it: what was erased is unusable, and it is tried again
                // with the next destruction.
                interruption.withLock { $0 = error }
            }
        }
        try forgetExpiredErasures(now: now)
    }

    /// Why a destruction that an earlier process began could not be ended by the start; nil if it
    /// was, or there was none. The next `destroyErased` goes on.
    package var interruptedDestruction: VaultError? { interruption.withLock { $0 } }

    /// How far in the ledger the store is.
    static func number(in store: any ErasableKeyStore) throws(VaultError) -> UInt64 {
        guard let document = store.document(ledgerDocument) else { return 0 }
        guard let number = UInt64(String(decoding: document.body, as: UTF8.self)) else {
            throw .store(.corrupt("the number of the erasure ledger in the catalog"))
        }
        return number
    }

    /// The store may be a backup that is newer than the store in which a person was erased, and hold
    /// more keys of theirs from before the request: they are erased too.
    private func findBroughtBack(
        _ store: any ErasableKeyStore, _ now: Milliseconds
    ) throws(VaultError) {
        let known = try Self.number(in: store)
        for erasure in ledger.snapshot.erasures where erasure.number > known {
            let keys = try keysOnRecord(
                of: erasure.subjects, madeUpTo: erasure.requestedAt, store
            ).erasable
            guard !keys.isEmpty else { continue }
            try ledger.append(at: now) {
                $0.found = LedgerRecord.Found(erasure: erasure.id, keys: keys)
            }
        }
    }

    /// Does in the store what it does not know yet of the ledger, and puts on record that it knows.
    /// Every step may be repeated. With `acts` held.
    func applyLedger(
        _ store: any ErasableKeyStore, isReplay: Bool
    ) throws(VaultError) {
        // First: nothing that may fail comes between the ledger and this.
        purgeErased()
        let book = ledger.snapshot
        let known = try Self.number(in: store)
        guard book.number > known else { return }
        var entries: [(number: UInt64, entry: Mutation)] = []
        var deleted = 0
        let erasures = book.erasures.filter { $0.number > known }
        for erasure in erasures {
            deleted += try delete(erasure, store)
            entries.append((erasure.number, ErasureEntries.requested(erasure, isReplay: isReplay)))
        }
        let batches = book.batches.filter { $0.number > known }
        for batch in batches {
            entries += ErasureEntries.completed(
                batch.batch, number: batch.number, isReplay: isReplay
            ).map { (batch.number, $0) }
        }
        for lift in book.lifts where lift.number > known {
            entries.append((lift.number, ErasureEntries.fenceLifted(lift)))
        }
        entries.sort { $0.number < $1.number }
        if isReplay {
            let rewrapped = batches.isEmpty ? 0 : try putRewrapped(store)
            entries.append(
                (
                    book.number,
                    ErasureEntries.replayed(
                        from: known, to: book.number, erasures: erasures.count, keys: deleted,
                        rewrapped: rewrapped)
                ))
        }
        try step(batches.isEmpty ? .commitRequested : .commitCompleted)
        var mutations = entries.map(\.entry)
        mutations.append(
            .putDocument(
                Self.ledgerDocument, body: Array(String(book.number).utf8), expectedRevision: 0))
        try submit(mutations, to: store, waits: true)
    }

    /// Takes the keys of erasures out of memory that the ledger has got since the last time. A
    /// later record may give keys to an older erasure, but only at a start, which begins with all.
    /// With `acts` held.
    func purgeErased() {
        let book = ledger.snapshot
        let purged = purgedThrough.load(ordering: .relaxed)
        for erasure in book.erasures.reversed() {
            guard erasure.number > purged else { break }
            for link in erasure.keys.values.joined() { cache.remove(link) }
        }
        purgedThrough.store(book.number, ordering: .relaxed)
    }

    /// Purges the cache of an erasure's keys and deletes what the store has of them. In the store's
    /// queue on return. Gives the number of keys that were there.
    private func delete(
        _ erasure: Erasure, _ store: any ErasableKeyStore
    ) throws(VaultError) -> Int {
        try step(.deleteRecords)
        // Whoever found one of these keys before it was erased has put it in the cache and submitted
        // what belongs to it when this returns; whoever comes later finds it erased.
        waitForMakers()
        var groups: [Int: [(link: KeyLink, sequence: SequenceID)]] = [:]
        var damaged: [Mutation] = []
        for link in erasure.links {
            cache.remove(link)
            let bytes = try readingStore { () throws(StoreError) in try store.readKey(link) }
            guard let bytes else { continue }
            guard let record = try? KeyRecord(bytes) else {
                damaged.append(.deleteKey(link))
                continue
            }
            let sequence = SequenceID(stream: record.stream, hash: record.sequence)
            groups[stripeIndex(of: sequence), default: []].append((link, sequence))
        }
        var count = damaged.count
        try submit(damaged, to: store, waits: false)
        for (stripe, entries) in groups {
            count += entries.count
            // With the lock, so that no newer key of the sequence comes in between: its index entry
            // must stay.
            try stripes[stripe].lock.withLock { _ throws(VaultError) in
                var mutations: [Mutation] = []
                for entry in entries {
                    mutations.append(.deleteKey(entry.link))
                    if try leads(entry.sequence, to: entry.link, store) {
                        mutations.append(.deleteIndex(key: IndexEntry.key(entry.sequence)))
                    }
                }
                try submit(mutations, to: store, waits: false)
            }
        }
        try deleteSubjects(of: erasure, store)
        return count
    }

    private func leads(
        _ sequence: SequenceID, to link: KeyLink, _ store: any ErasableKeyStore
    ) throws(VaultError) -> Bool {
        if pending[sequence] != nil { return false }
        let value = try readingStore { () throws(StoreError) in
            try store.readIndex(IndexEntry.key(sequence))
        }
        guard let value else { return false }
        return try IndexEntry(value).link == link
    }

    /// Entries of the person that lead to keys that are erased or gone. Those to keys made since
    /// the request stay.
    private func deleteSubjects(
        of erasure: Erasure, _ store: any ErasableKeyStore
    ) throws(VaultError) {
        for person in erasure.subjects {
            var mutations: [Mutation] = []
            try visitEntries(of: person, store) { link, entry throws(VaultError) in
                if !ledger.isErased(link) {
                    let found = try subjectLink(link, person.stream, entry.created, store)
                    guard found.destroyedAt == nil else { return }
                }
                mutations.append(
                    .deleteSubject(
                        key: IndexEntry.subjectKey(person.stream, person.subject, link)))
            }
            try submit(mutations, to: store, waits: false)
        }
    }

    /// Puts the records that were wrapped anew over those of a backup that came back.
    private func putRewrapped(_ store: any ErasableKeyStore) throws(VaultError) -> Int {
        guard RewrappedFiles.exist(beside: erasuresDirectory) else { return 0 }
        var count = 0
        try RewrappedFiles(beside: erasuresDirectory).visit { entries throws(VaultError) in
            var mutations: [Mutation] = []
            for entry in entries {
                guard try isNewer(entry, than: store) else { continue }
                mutations.append(.replaceKey(entry.link, record: entry.record))
            }
            count += mutations.count
            try submit(mutations, to: store, waits: false)
        }
        return count
    }

    private func isNewer(
        _ entry: (link: KeyLink, record: [UInt8]), than store: any ErasableKeyStore
    ) throws(VaultError) -> Bool {
        let found = try readingStore { () throws(StoreError) in try store.readKey(entry.link) }
        guard let found, !ledger.isErased(entry.link) else { return false }
        // One that is damaged is worse than any.
        if let old = try? KeyRecord(found) {
            guard old.generation < (try KeyRecord(entry.record)).generation else { return false }
        }
        return try canBeOpened(entry.record, entry.link)
    }

    /// Hands mutations to the store, in pieces; asks again for some seconds if its queue is full.
    func submit(
        _ mutations: [Mutation], to store: any ErasableKeyStore, waits: Bool
    ) throws(VaultError) {
        var rest = mutations[...]
        while !rest.isEmpty {
            let piece = Array(rest.prefix(Self.mutationsMax))
            rest = rest.dropFirst(piece.count)
            let wait = waits && rest.isEmpty ? CommitWait() : nil
            try submit(piece, to: store, wait)
            try wait?.value()
        }
    }

    private func submit(
        _ piece: [Mutation], to store: any ErasableKeyStore, _ wait: CommitWait?
    ) throws(VaultError) {
        var attempts = 0
        while true {
            attempts += 1
            do throws(StoreError) {
                try store.submit(piece) { wait?.finish($0) }
                return
            } catch {
                guard case .overloaded = error, attempts < Self.attemptsMax else {
                    throw .store(error)
                }
                usleep(10_000)
            }
        }
    }
}
