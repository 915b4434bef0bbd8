package import Store
import Synchronization

/// What those need who answer about a person and do not erase.
extension Vault {
    /// True if more than `count` data keys are on record for the person in these streams. Blocks: a
    /// read for each thousand.
    package func hasLinks(
        ofSubject subject: UnsafeRawBufferPointer, streams: [StreamID], moreThan count: Int
    ) throws(VaultError) -> Bool {
        let store = try erasableStore()
        var left = count
        for stream in Set(streams) {
            let hash = hashes.hash(subject, stream: stream, purpose: .subject)
            let prefix = IndexEntry.subjectPrefix(stream, hash)
            var last: [UInt8]?
            while true {
                let entries = try readingStore { () throws(StoreError) in
                    try store.subjectEntries(prefix: prefix, after: last, limit: 1_000)
                }
                left -= entries.count
                if left < 0 { return true }
                guard entries.count == 1_000 else { break }
                last = entries.last?.key
            }
        }
        return false
    }

    /// Where the master key lies now, if that is a file.
    package var masterKeyPath: String? {
        if case .file(let path) = masterKeySource { path } else { nil }
    }
}
