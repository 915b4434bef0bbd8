package import Store
import Synchronization

/// Erasing people: for good.
extension Vault {
    /// How often survivors are looked for again, before something must be wrong.
    private static let roundsMax = 5
    /// Records of survivors that do not authenticate, before something must be wrong.
    private static let damagedMax = 1_000

    /// Destroys what wraps the data keys of all erasures that were requested: each bucket that
    /// wraps one gets a new key, the data keys of others in it are wrapped anew, and the old bucket
    /// keys leave the keyring, whose copies before are overwritten. Then no copy of an erased key,
    /// in a backup, in old files of the store or on disk that was freed, can be opened.
    ///
    /// Goes on where a call or a process before it ended. Requests that come meanwhile are for the
    /// next call. An erasure is an explicit act: a clock that is not trusted does not hold it.
    /// Blocks: reads all records of keys twice and writes those of the touched buckets, about one
    /// in 256 for a person with one key. Destroyed at the time of the vault's clock at the end.
    /// - Returns: nil if nothing waits.
    /// - Throws: whatever failed: call again. `.store(.corrupt)`: survivors cannot be opened.
    ///   `.keyring` while the escrow is behind: until it holds nothing older nothing is destroyed.
    package func destroyErased(now: Milliseconds) throws(VaultError) -> ErasureBatch? {
        let batch: ErasureBatch? = try batches.lock.withLock { _ throws(VaultError) in
            let store = try erasableStore()
            try acts.lock.withLock { _ throws(VaultError) in
                try applyLedger(store, isReplay: false)
            }
            // A keyring that came back may be in the middle of a destruction that is complete in
            // the ledger: the records that it rewrapped need the keys that it made.
            if let left = keyring.successorGeneration, ledger.snapshot.open?.number != left {
                _ = try replaceBuckets(left, store, now, isOpen: false)
                try settleCopy()
                try finishRenewal()
            }
            guard let started = try openBatch(now) else { return nil }
            return try run(started, store, now)
        }
        // What an earlier process left is ended.
        interruption.withLock { $0 = nil }
        return batch
    }

    private func openBatch(_ now: Milliseconds) throws(VaultError) -> ErasureBook.OpenBatch? {
        try acts.lock.withLock { _ throws(VaultError) in
            let book = ledger.snapshot
            if let open = book.open { return open }
            let waiting = book.waiting.map(\.id)
            guard !waiting.isEmpty else { return nil }
            try step(.appendStarted)
            try ledger.append(at: now) {
                $0.started = LedgerRecord.Started(erasures: waiting)
            }
            return ledger.snapshot.open
        }
    }

    private func run(
        _ started: ErasureBook.OpenBatch, _ store: any ErasableKeyStore, _ now: Milliseconds
    ) throws(VaultError) -> ErasureBatch {
        let erasures = started.erasures.compactMap { ledger.erasure($0) }
        let touched = buckets(of: erasures)
        var batch = ErasureBatch(erasures: started.erasures, number: started.number)
        var isDone = keyring.contents.destroyedThrough >= started.number
        if !isDone, keyring.successorGeneration == nil {
            isDone = touched.isEmpty
            if !isDone {
                try step(.publishSuccessors)
                try keyring.addSuccessors(
                    for: touched, generation: started.number, ledger: ledger.number, now: now)
            }
        }
        if !isDone {
            batch.stepMilliseconds = try replaceBuckets(started.number, store, now, isOpen: true)
        }
        // A copy elsewhere that still holds the old keys would belie it, and it may be under the
        // master key that goes with the renewal.
        try settleCopy()
        let isRenewed = try finishRenewal()
        // Also if it was another process that did it. Nothing was to be destroyed if there are none.
        if let facts = ledger.snapshot.open?.facts {
            batch.buckets = facts.buckets
            batch.survivors = facts.survivors
            batch.unreadable = facts.unreadable
            batch.isMasterKeyRenewed = facts.renewsMasterKey && isRenewed
        }
        // Those of an epoch that has expired meanwhile went with it.
        batch.keysDestroyed = erasures.flatMap(\.keys).reduce(0) { count, keys in
            keyring.bucketKeys(keys.key.id) == nil ? count : count + keys.value.count
        }
        batch.sharedLinks = try sharedLinks(of: erasures, store)
        batch.keyringGeneration = keyring.generation
        batch.masterKeyCustody = masterKeySource.custody
        let complete = batch
        try acts.lock.withLock { _ throws(VaultError) in
            try step(.appendCompleted)
            // Not `now`, which is from before all this: copies that were made meanwhile open.
            try ledger.append(at: max(now, clock.wall())) { $0.completed = complete }
            try applyLedger(store, isReplay: false)
        }
        return complete
    }

    /// The buckets that wrap the keys of these erasures, as far as they are still there.
    private func buckets(of erasures: [Erasure]) -> [EpochClass: Set<UInt8>] {
        var touched: [EpochClass: Set<UInt8>] = [:]
        for erasure in erasures {
            for (place, links) in erasure.keys where keyring.bucketKeys(place.id) != nil {
                for link in links {
                    touched[place.id, default: []].insert(KeyRecord.bucket(of: link))
                }
            }
        }
        return touched
    }

    /// From the successors in the keyring to the keyring without those that they succeed.
    /// - Parameter isOpen: it is the ledger's open batch, whose facts are put on record.
    /// - Returns: how long each step took, in ms.
    private func replaceBuckets(
        _ generation: UInt32, _ store: any ErasableKeyStore, _ now: Milliseconds, isOpen: Bool
    ) throws(VaultError) -> [String: Int] {
        var took: [String: Int] = [:]
        var watch = StepWatch()
        let touched = keyring.succeededBuckets
        // Before a record is under keys that only this keyring has.
        try settleCopy()
        // The keys that are to go may be in copies under a next master key: if that became the one
        // in use only now, with this destruction, it would open them.
        if isRenewalLeft { try finishRenewal() }
        try step(.waitForMakers)
        // Whoever got the old key of a bucket has submitted its record when this returns.
        waitForMakers()
        try readingStore { () throws(StoreError) in try store.waitForCommits() }
        took["waitForMakers"] = watch.lap()
        var kept = (survivors: 0, left: 0)
        var unreadable = 0
        var rounds = 0
        repeat {
            rounds += 1
            guard rounds <= Self.roundsMax else {
                throw .store(
                    .corrupt("\(kept.left) records of data keys cannot be wrapped anew"))
            }
            let counts = try rewrap(touched, to: generation, store)
            unreadable = counts.unreadable
            guard counts.damaged <= Self.damagedMax else {
                throw .store(.corrupt("\(counts.damaged) records of data keys do not authenticate"))
            }
            took["rewrap", default: 0] += watch.lap()
            try step(.verify)
            kept = try keepRewrapped(touched, of: generation, store)
            took["verify", default: 0] += watch.lap()
        } while kept.left > 0
        try step(.prepareMasterKey)
        let masterKey = try nextMasterKey(now: now)
        if isOpen {
            try ledger.append(at: now) {
                $0.destroying = LedgerRecord.Destroying(
                    buckets: touched.values.reduce(0) { $0 + $1.count },
                    survivors: kept.survivors, unreadable: unreadable,
                    renewsMasterKey: masterKey != nil)
            }
        }
        try step(.destroyBuckets)
        try keyring.destroySucceeded(generation: generation, masterKey: masterKey, now: now)
        took["destroyBuckets"] = watch.lap()
        return took
    }

    /// Data keys of these erasures that are on record for other people too, whose events they
    /// sealed are gone with them. Reads all entries of subjects of the streams.
    private func sharedLinks(
        of erasures: [Erasure], _ store: any ErasableKeyStore
    ) throws(VaultError) -> [String: Int] {
        var owners: [KeyLink: [String]] = [:]
        var streams: Set<StreamID> = []
        for erasure in erasures where !erasure.links.isEmpty {
            streams.formUnion(erasure.streams)
            for link in erasure.links { owners[link, default: []].append(erasure.id) }
        }
        var shared: [String: Set<KeyLink>] = [:]
        for stream in streams {
            // Entries of the erased people themselves are deleted, so what is found is another's.
            try visitLinks(of: stream, store) { link in
                for id in owners[link] ?? [] { shared[id, default: []].insert(link) }
            }
        }
        return shared.mapValues(\.count)
    }

    /// Forgets links of epochs that are destroyed, some days after their erasure has ended, or later
    /// if it has no receipt yet, and removes rewrapped records of such epochs. While a destruction is
    /// under way the records stay until the next call: nobody waits for it here.
    func forgetDestroyedErasures(now: Milliseconds) throws(VaultError) {
        let keyring = keyring
        // By their own date, too: a keyring that was brought back from an older copy may lack keys
        // that another copy has, and who was erased must stay so when that one comes back.
        let isDestroyed = { (id: EpochClass, day: UTCDay) in
            keyring.bucketKeys(id) == nil
                && BucketKeys.termEnd(day: day, retention: id.retention) <= now
        }
        try ledger.forget(
            at: now, receipts: configuration.issuedReceipts?(), destroyed: isDestroyed)
        var days: [EpochClass: UTCDay] = [:]
        for epoch in ledger.snapshot.erasures.flatMap(\.epochs) { days[epoch.id] = epoch.day }
        // Not while a destruction writes them, and that may take long.
        _ = try batches.lock.withLockIfAvailable { _ throws(VaultError) in
            guard RewrappedFiles.exist(beside: erasuresDirectory) else { return }
            try RewrappedFiles(beside: erasuresDirectory).remove { id in
                days[id].map { isDestroyed(id, $0) } ?? (keyring.bucketKeys(id) == nil)
            }
        }
    }
}
