/// Where the store lives and what bounds it.
package struct StoreConfiguration: Sendable {
    /// The data directory; made (0700) if it is missing. Holds `db/` and `lock`.
    package var directory: String
    /// The watermark file, best on another device. Its directory is made if it is missing.
    package var watermarkPath: String
    /// Events that may wait for the commit thread before `submit` says overloaded.
    package var queueEventsMax = 65_536
    /// Their bytes.
    package var queueBytesMax = 64 << 20
    /// Requests of mutations that may wait. Bounded apart from events, so that audit entries still
    /// pass while events are refused.
    package var queueRequestsMax = 16_384
    /// Their bytes.
    package var queueRequestBytesMax = 16 << 20
    /// Events of one batch: what waits is taken up to here. Bounds the time of a commit.
    package var batchEventsMax = 16_384
    /// Bytes of one batch.
    package var batchBytesMax = 8 << 20
    /// Events are refused as overloaded while the batch in hand has taken longer than this, in ns.
    package var stallNanosecondsMax: UInt64 = 2_000_000_000
    /// Events are refused as `.diskFull` while less than this is free, in bytes. What remains
    /// serves audit entries, keys and erasure, which are refused below an eighth of it; 0: never.
    package var freeBytesMin: UInt64 = 64 << 20
    /// Threads of `Store.readers`.
    package var readerThreads = 4
    /// Reads that may wait for one of these threads.
    package var readerQueueMax = 1_024
    /// Decompressed blocks kept in memory, in bytes.
    package var blockCacheBytes = 64 << 20
    /// Memtables of all families together, in bytes.
    package var memtableBytesMax = 192 << 20
    /// One memtable of events, in bytes.
    package var memtableBytes = 64 << 20
    /// The WAL that may have to be replayed at start, in bytes.
    package var walBytesMax: UInt64 = 256 << 20
    /// An operator's decision, for one start: take what is found on disk although the watermark
    /// says that more was acknowledged (a backup was restored, files are lost for good). What is
    /// missing is lost; where the partition is still known, its offsets are not given again.
    package var acceptsOlderState = false
    /// ONLY FOR THE NEGATIVE CONTROL OF THE DURABILITY TESTS. With false nothing is synced: every
    /// acknowledgement is then a lie, and a loss of power loses data. No setting of the product
    /// reaches it.
    package var isSyncEnabled = true
    /// Sees the effects of each commit in their order, and may make them fail. For tests.
    package var observer: (any CommitObserver)?
    /// Free bytes of the data directory's file system; nil asks the system. For tests.
    package var freeBytes: (@Sendable () -> UInt64)?

    package init(directory: String, watermarkPath: String) {
        self.directory = directory
        self.watermarkPath = watermarkPath
    }
}
