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
    /// in 256 for a person with one key.
    /// - Returns: nil if nothing waits.
    /// - Throws: whatever failed: call again. `.store(.corrupt)`: survivors cannot be opened.
    ///   `.keyring` while the escrow is behind: until it holds nothing older nothing is destroyed.
    package func destroyErased(now: Milliseconds) throws(VaultError) -> ErasureBatch? {
        try batches.lock.withLock { _ throws(VaultError) in
            let store = try erasableStore()
            try acts.lock.withLock { _ throws(VaultError) in
                try applyLedger(store, isReplay: false)
            }
            // A keyring that came back may be in the middle of a destruction that is complete in
            // the ledger: the records that it rewrapped need the keys that it made.
            if let left = keyring.successorGeneration, ledger.snapshot.open?.number != left {
                _ = try replaceBuckets(left, store, now)
                try finishRenewal()
            }
            guard let started = try openBatch(now) else { return nil }
            return try run(started, store, now)
        }
    }

    private func openBatch(
        _ now: Milliseconds
    ) throws(VaultError) -> (number: UInt32, erasures: [String])? {
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
        _ started: (number: UInt32, erasures: [String]), _ store: any ErasableKeyStore,
        _ now: Milliseconds
    ) throws(VaultError) -> ErasureBatch {
        let erasures = started.erasures.compactMap { ledger.erasure($0) }
        let touched = buckets(of: erasures)
        var batch = ErasureBatch(erasures: started.erasures, number: started.number)
        var isDone = keyring.contents.destroyedThrough >= started.number
        var isRenewable = true
        if !isDone, keyring.successorGeneration == nil {
            isDone = touched.isEmpty
            if !isDone {
                try step(.publishSuccessors)
                try keyring.addSuccessors(
                    for: touched, generation: started.number, ledger: ledger.number, now: now)
            }
        }
        if !isDone {
            let done = try replaceBuckets(started.number, store, now)
            batch.survivors = done.survivors
            batch.unreadable = done.unreadable
            batch.stepMilliseconds = done.stepMilliseconds
            isRenewable = done.isMasterKeyReplaced
        }
        let isRenewed = try finishRenewal()
        batch.isMasterKeyRenewed = isRenewed && isRenewable && !touched.isEmpty
        batch.buckets = touched.values.reduce(0) { $0 + $1.count }
        batch.keysDestroyed = erasures.reduce(0) { $0 + $1.links.count }
        batch.sharedLinks = try sharedLinks(of: erasures, store)
        batch.keyringGeneration = keyring.generation
        batch.masterKeyCustody = masterKeySource.custody
        let complete = batch
        // A copy elsewhere that still holds the old keys would belie it.
        try settleEscrow()
        try acts.lock.withLock { _ throws(VaultError) in
            try step(.appendCompleted)
            try ledger.append(at: now) { $0.completed = complete }
            try applyLedger(store, isReplay: false)
        }
        return complete
    }

    /// The buckets that wrap the keys of these erasures, as far as they are still there.
    private func buckets(of erasures: [Erasure]) -> [EpochClass: Set<UInt8>] {
        var touched: [EpochClass: Set<UInt8>] = [:]
        for erasure in erasures {
            for (id, links) in erasure.keys where keyring.bucketKeys(id) != nil {
                for link in links { touched[id, default: []].insert(KeyRecord.bucket(of: link)) }
            }
        }
        return touched
    }

    private struct Replacement {
        var survivors = 0
        var unreadable = 0
        var isMasterKeyReplaced = false
        var stepMilliseconds: [String: Int] = [:]
    }

    /// From the successors in the keyring to the keyring without those that they succeed.
    private func replaceBuckets(
        _ generation: UInt32, _ store: any ErasableKeyStore, _ now: Milliseconds
    ) throws(VaultError) -> Replacement {
        var done = Replacement()
        var watch = StepWatch()
        let touched = keyring.succeededBuckets
        // Before a record is under keys that only this keyring has.
        try settleEscrow()
        try step(.waitForMakers)
        // Whoever got the old key of a bucket has submitted its record when this returns.
        waitForMakers()
        try readingStore { () throws(StoreError) in try store.waitForCommits() }
        done.stepMilliseconds["waitForMakers"] = watch.lap()
        var left = 0
        var rounds = 0
        repeat {
            rounds += 1
            guard rounds <= Self.roundsMax else {
                throw .store(
                    .corrupt("\(left) records of data keys cannot be wrapped anew"))
            }
            let counts = try rewrap(touched, to: generation, store)
            done.survivors += counts.survivors
            done.unreadable = counts.unreadable
            guard counts.damaged <= Self.damagedMax else {
                throw .store(.corrupt("\(counts.damaged) records of data keys do not authenticate"))
            }
            done.stepMilliseconds["rewrap", default: 0] += watch.lap()
            try step(.verify)
            left = try keepRewrapped(touched, of: generation, store)
            done.stepMilliseconds["verify", default: 0] += watch.lap()
        } while left > 0
        try step(.prepareMasterKey)
        let masterKey = try renewableFile().map { file throws(VaultError) in try file.prepare() }
        done.isMasterKeyReplaced = masterKey != nil
        try step(.destroyBuckets)
        try keyring.destroySucceeded(generation: generation, masterKey: masterKey, now: now)
        done.stepMilliseconds["destroyBuckets"] = watch.lap()
        return done
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

    /// Forgets links, and removes rewrapped records, of epochs that are destroyed.
    func forgetDestroyedErasures() throws(VaultError) {
        let keyring = keyring
        let isDestroyed = { (id: EpochClass) in keyring.bucketKeys(id) == nil }
        try ledger.forget(destroyed: isDestroyed)
        // Not while a destruction writes them.
        try batches.lock.withLock { _ throws(VaultError) in
            guard RewrappedFiles.exist(beside: erasuresDirectory) else { return }
            try RewrappedFiles(beside: erasuresDirectory).remove(destroyed: isDestroyed)
        }
    }
}
