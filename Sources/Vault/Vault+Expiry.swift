package import Store

/// When keys end for good, for those who hold what they seal.
extension Vault {
    /// When the keys of events of these times are destroyed: the earliest and the latest moment.
    /// A key seals for up to a day, so an event's key may be of its own day's epoch or of the one
    /// before.
    package static func keyExpiry(
        firstEventAt: Milliseconds, lastEventAt: Milliseconds, retention: RetentionClass
    ) -> (earliest: Milliseconds, latest: Milliseconds) {
        let dayBefore = UTCDay(at: firstEventAt - BucketKeys.keyLife)
        return (
            BucketKeys.termEnd(day: dayBefore, retention: retention),
            BucketKeys.termEnd(day: UTCDay(at: lastEventAt), retention: retention)
        )
    }

    /// When the key of a link is destroyed with its epoch; nil if it is gone. Blocks on the disk.
    package func expiry(of link: KeyLink) throws(VaultError) -> Milliseconds? {
        let store = try attachedStore()
        let found: [UInt8]?
        do throws(StoreError) { found = try store.readKey(link) } catch { throw .store(error) }
        guard let found, !ledger.isErased(link) else { return nil }
        let record = try KeyRecord(found)
        guard let keys = keyring.bucketKeys(record.epoch) else { return nil }
        return BucketKeys.termEnd(day: keys.day, retention: record.epoch.retention)
    }
}
