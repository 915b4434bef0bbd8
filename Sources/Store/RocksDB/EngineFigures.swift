import CRocksDB

/// What the engine says of its own memory and of its stalls. All sizes in bytes.
package struct EngineFigures: Sendable, Equatable {
    /// Written events that are not yet in a file, and what is about to become one.
    package var memtableBytes: UInt64 = 0
    /// What open files keep outside the block cache. Bounded: at most 512 files are open.
    package var openFileBytes: UInt64 = 0
    /// Blocks, indexes and filters in memory. Bounded by `StoreConfiguration.blockCacheBytes`.
    package var blockCacheBytes: UInt64 = 0
    /// While true the engine takes no writes: it waits for a flush or a merge.
    package var isWriteStopped = false
    /// To how many bytes a second the engine holds writes down; 0: it does not.
    package var delayedWriteBytesPerSecond: UInt64 = 0

    package init() {}
}

extension Database {
    /// A few locks of the engine for each family; no disk.
    func figures() throws(StoreError) -> EngineFigures {
        var figures = EngineFigures()
        let consumers = rocksdb_memory_consumers_create()
        defer { rocksdb_memory_consumers_destroy(consumers) }
        rocksdb_memory_consumers_add_db(consumers, handle)
        rocksdb_memory_consumers_add_cache(consumers, options.cache)
        let usage = try callEngine { rocksdb_approximate_memory_usage_create(consumers, $0) }
        guard let usage else { throw .io("the engine does not tell its memory") }
        defer { rocksdb_approximate_memory_usage_destroy(usage) }
        figures.memtableBytes = rocksdb_approximate_memory_usage_get_mem_table_total(usage)
        figures.openFileBytes = rocksdb_approximate_memory_usage_get_mem_table_readers_total(usage)
        figures.blockCacheBytes = rocksdb_approximate_memory_usage_get_cache_total(usage)
        figures.isWriteStopped = property("rocksdb.is-write-stopped") != 0
        figures.delayedWriteBytesPerSecond = property("rocksdb.actual-delayed-write-rate")
        return figures
    }

    /// A property of the whole database; 0 if the engine does not know it.
    private func property(_ name: String) -> UInt64 {
        var value: UInt64 = 0
        return rocksdb_property_int(handle, name, &value) == 0 ? value : 0
    }
}
