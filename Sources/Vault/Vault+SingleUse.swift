import CPlatform
package import Store
import Synchronization

/// Keys for one thing each.
extension Vault {
    /// Lends a new data key that nothing else is sealed with: no sequence leads to it, it takes no
    /// place in memory, and only its link finds it again. It ends with the epoch of `now`, like all
    /// keys of that retention class. Its record is in the store's queue before the body runs, so
    /// what is submitted afterwards is durable with it or after it. Blocks once a day, for the
    /// keyring.
    /// - Throws: `.store` if the store refused it: then it never existed; `.keyring`.
    package func withSingleUseKey<R>(
        stream: StreamID, retention: RetentionClass, now: Milliseconds,
        _ body: (borrowing DataKey) -> R
    ) throws(VaultError) -> R {
        try withUnsafeTemporaryAllocation(byteCount: DataKey.byteCount, alignment: 16) {
            room throws(VaultError) in
            guard let bytes = room.baseAddress else { throw .sealedVault }
            let store = try attachedStore()
            let link = Self.newLink()
            Cryptography.fillRandomly(room)
            // What no key-field value hashes to.
            var sequence = Hash256()
            withUnsafeMutableBytes(of: &sequence) { Cryptography.fillRandomly($0) }
            let key = DataKey(keyLink: link, bytes: bytes)
            // One at a time, so that an erasure can wait until the bucket key is let go of.
            try singleUse.lock.withLock { _ throws(VaultError) in
                let (epoch, keys) = try keyring.bucketKeys(for: retention, now: now)
                let record = KeyRecord(
                    stream: stream, epoch: epoch, created: now,
                    expires: now + BucketKeys.keyLife, sequence: sequence
                ).wrap(bytes, link: link, with: keys)
                do throws(StoreError) {
                    try submitMarked(
                        [.putKey(link, record: record)], to: store, completion: nil)
                } catch {
                    throw .store(error)
                }
            }
            keysMade.wrappingAdd(1, ordering: .relaxed)
            return body(key)
        }
    }
}
