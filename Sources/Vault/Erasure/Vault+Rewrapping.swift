import CPlatform
import Store
import Synchronization

/// Wrapping the survivors of a destruction anew.
extension Vault {
    /// Records looked at in one piece of a scan.
    private static let recordsAtOnce = 8_192
    /// Records wrapped anew in one commit, so that events need not wait long behind it.
    private static let rewrappedAtOnce = 1_000

    private typealias Found = (link: KeyLink, record: [UInt8])

    /// Wraps all records of these buckets that are not of `generation` under it. Returns when they
    /// are durable.
    /// - Returns: how many could not be opened; and how many of those are damaged, the others being
    ///   under keys that are not here any more.
    func rewrap(
        _ buckets: [EpochClass: Set<UInt8>], to generation: UInt32, _ store: any ErasableKeyStore
    ) throws(VaultError) -> (unreadable: Int, damaged: Int) {
        var counts = (unreadable: 0, damaged: 0)
        let damaged = try scan(buckets, store) { found throws(VaultError) in
            try step(.rewrap)
            var rest = found.filter { $0.generation != generation }[...]
            while !rest.isEmpty {
                let piece = rest.prefix(Self.rewrappedAtOnce)
                rest = rest.dropFirst(piece.count)
                var mutations: [Mutation] = []
                // A request that comes in between would delete a record that this then puts back.
                try acts.lock.withLock { _ throws(VaultError) in
                    for one in piece where !ledger.isErased(one.link) {
                        if let record = try rewrapped(one.record, one.link) {
                            mutations.append(.replaceKey(one.link, record: record))
                        } else {
                            counts.unreadable += 1
                            let keys = keyring.bucketKeys(one.id)
                            if keys?.holds(one.generation, of: KeyRecord.bucket(of: one.link))
                                == true
                            {
                                counts.damaged += 1
                            }
                        }
                    }
                    try submit(mutations, to: store, waits: false)
                }
                // Not more than one of these commits is under way.
                try readingStore { () throws(StoreError) in try store.waitForCommits() }
            }
        }
        counts.unreadable += damaged
        counts.damaged += damaged
        return counts
    }

    /// Looks at all records of these buckets again: that they can be opened under `generation`, and
    /// writes them to files beside the ledger.
    /// - Returns: how many there are, and how many are still under another key that is here. 0: done.
    func keepRewrapped(
        _ buckets: [EpochClass: Set<UInt8>], of generation: UInt32, _ store: any ErasableKeyStore
    ) throws(VaultError) -> (survivors: Int, left: Int) {
        let files = try RewrappedFiles(beside: erasuresDirectory)
        try files.begin()
        var counts: [RewrappedFiles.Bucket: Int] = [:]
        for (id, some) in buckets {
            for bucket in some { counts[RewrappedFiles.Bucket(id: id, bucket: bucket)] = 0 }
        }
        var left = 0
        try scan(buckets, store) { found throws(VaultError) in
            var entries: [RewrappedFiles.Bucket: [Found]] = [:]
            for one in found where !ledger.isErased(one.link) {
                guard try canBeOpened(one.record, one.link) else { continue }
                guard one.generation == generation else {
                    left += 1
                    continue
                }
                let bucket = RewrappedFiles.Bucket(
                    id: one.id, bucket: KeyRecord.bucket(of: one.link))
                entries[bucket, default: []].append((one.link, one.record))
            }
            for (bucket, some) in entries {
                try files.append(
                    some, to: bucket, generation: generation, isFirst: counts[bucket] == 0)
                counts[bucket, default: 0] += some.count
            }
        }
        let survivors = counts.values.reduce(0, +)
        guard left == 0 else { return (survivors, left) }
        try step(.keepRewrapped)
        try files.finish(counts)
        return (survivors, 0)
    }

    private struct Record {
        let link: KeyLink
        let id: EpochClass
        let generation: UInt32
        let record: [UInt8]
    }

    /// Visits the records of these buckets, in pieces. Gives the number of those, of any bucket,
    /// that cannot be read.
    @discardableResult
    private func scan(
        _ buckets: [EpochClass: Set<UInt8>], _ store: any ErasableKeyStore,
        _ body: ([Record]) throws(VaultError) -> Void
    ) throws(VaultError) -> Int {
        var damaged = 0
        var last: KeyLink?
        repeat {
            var found: [Record] = []
            let after = last
            last = try readingStore { () throws(StoreError) in
                try store.visitKeys(after: after, limit: Self.recordsAtOnce) { link, bytes in
                    do throws(VaultError) {
                        let record = try KeyRecord(bytes: bytes)
                        guard let some = buckets[record.epoch],
                            some.contains(KeyRecord.bucket(of: link))
                        else { return }
                        found.append(
                            Record(
                                link: link, id: record.epoch, generation: record.generation,
                                record: [UInt8](bytes)))
                    } catch {
                        // Nobody can open it, so nobody loses anything: not a reason to keep what
                        // others have a right to see destroyed.
                        damaged += 1
                    }
                }
            }
            try body(found)
        } while last != nil
        return damaged
    }

    /// The record under the newest key of its bucket; nil if it cannot be opened.
    private func rewrapped(
        _ record: [UInt8], _ link: KeyLink
    ) throws(VaultError) -> [UInt8]? {
        try withOpened(record, link) { facts, keys, key in facts.wrap(key, link: link, with: keys) }
    }

    /// True if the keyring opens the record.
    func canBeOpened(_ record: [UInt8], _ link: KeyLink) throws(VaultError) -> Bool {
        try withOpened(record, link) { _, _, _ in } != nil
    }

    private func withOpened<R>(
        _ bytes: [UInt8], _ link: KeyLink,
        _ body: (KeyRecord, BucketKeys, UnsafeRawPointer) -> R
    ) throws(VaultError) -> R? {
        let record = try KeyRecord(bytes)
        guard let keys = keyring.bucketKeys(record.epoch) else { return nil }
        return withUnsafeTemporaryAllocation(byteCount: DataKey.byteCount, alignment: 16) { room in
            guard let key = room.baseAddress else { return nil }
            defer { cplatform_zeroise(key, DataKey.byteCount) }
            do throws(VaultError) {
                guard try record.unwrap(bytes, link: link, with: keys, into: key) else {
                    return nil
                }
            } catch {
                // Damaged: nobody can open it, so nobody loses anything.
                return nil
            }
            return body(record, keys, UnsafeRawPointer(key))
        }
    }
}
