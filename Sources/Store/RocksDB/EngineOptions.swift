import CRocksDB

/// The options of the database and of its families.
///
/// Each of them is a decision against a loss that was seen:
/// - `wal_recovery_mode` 0 (tolerate a torn tail): the default drops synced events that follow a
///   flipped bit, without a word;
/// - `paranoid_checks`: a damaged or missing file is refused at open;
/// - `ttl` 0: level compaction otherwise rewrites data after 30 days, and expiry is ours;
/// - `max_total_wal_size`: a quiet family would pin the WAL for ever;
/// - `recycle_log_file_num` 0 and no WAL compression: both had recovery bugs in this release.
///
/// `@unchecked Sendable`: the C objects are written in `init` only; the engine copies from them.
final class EngineOptions: @unchecked Sendable {
    let database: OpaquePointer
    let events: OpaquePointer
    private let fixed: [FamilyKind: OpaquePointer]
    let cache: OpaquePointer
    private let countsSyncs: Bool

    init(_ configuration: StoreConfiguration) throws(StoreError) {
        cache = try Self.makeCache(bytes: configuration.blockCacheBytes)
        countsSyncs = configuration.observer != nil
        let database = try Self.makeDatabase(configuration)
        if countsSyncs { rocksdb_options_enable_statistics(database) }
        self.database = database
        var fixed: [FamilyKind: OpaquePointer] = [:]
        for kind in FamilyKind.allCases {
            fixed[kind] = try Self.makeFamily(
                cache: cache, memtableBytes: kind.memtableBytes,
                hasBloomFilter: kind.hasBloomFilter)
        }
        self.fixed = fixed
        events = try Self.makeFamily(
            cache: cache, memtableBytes: configuration.memtableBytes, hasBloomFilter: false)
    }

    deinit {
        rocksdb_options_destroy(database)
        rocksdb_options_destroy(events)
        for options in fixed.values { rocksdb_options_destroy(options) }
        rocksdb_cache_destroy(cache)
    }

    /// nil names no fixed family: then it is a day of events.
    func family(_ name: String) -> OpaquePointer {
        FamilyKind(rawValue: name).flatMap { fixed[$0] } ?? events
    }

    /// How many times the engine has synced its WAL since it was opened; counted only if there is
    /// an observer.
    func walSyncs() -> UInt64 {
        guard countsSyncs, let text = rocksdb_options_statistics_get_string(database) else {
            return 0
        }
        defer { rocksdb_free(text) }
        for line in String(cString: text).split(separator: "\n")
        where line.hasPrefix("rocksdb.wal.synced ") {
            return line.split(separator: " ").last.flatMap { UInt64($0) } ?? 0
        }
        return 0
    }

    /// Four shards, where the engine would make one of each MiB: the filter of a file with a million
    /// keys has 1.25 MiB, fits in no such shard, and was read anew for each key that was looked up.
    private static func makeCache(bytes: Int) throws(StoreError) -> OpaquePointer {
        let options = try created(rocksdb_lru_cache_options_create())
        defer { rocksdb_lru_cache_options_destroy(options) }
        rocksdb_lru_cache_options_set_capacity(options, bytes)
        rocksdb_lru_cache_options_set_num_shard_bits(options, 2)
        return try created(rocksdb_cache_create_lru_opts(options))
    }

    private static func makeDatabase(
        _ configuration: StoreConfiguration
    ) throws(StoreError) -> OpaquePointer {
        let base = try created(rocksdb_options_create())
        defer { rocksdb_options_destroy(base) }
        rocksdb_options_set_create_missing_column_families(base, 1)
        rocksdb_options_set_paranoid_checks(base, 1)
        rocksdb_options_set_wal_recovery_mode(base, 0)
        rocksdb_options_set_recycle_log_file_num(base, 0)
        rocksdb_options_set_max_total_wal_size(base, configuration.walBytesMax)
        rocksdb_options_set_db_write_buffer_size(base, configuration.memtableBytesMax)
        rocksdb_options_set_max_open_files(base, 512)
        rocksdb_options_set_max_background_jobs(base, 3)
        // With `strict_bytes_per_sync` a flush waits for what it has handed to the disk before it
        // hands over more: the sync of the WAL, which every sender waits for, queues behind it.
        rocksdb_options_set_bytes_per_sync(base, 512 << 10)
        // One writer: the locks for several would only cost.
        rocksdb_options_set_allow_concurrent_memtable_write(base, 0)
        rocksdb_options_set_keep_log_file_num(base, 4)
        rocksdb_options_set_max_log_file_size(base, 4 << 20)
        rocksdb_options_set_info_log_level(base, 2)
        rocksdb_options_set_stats_dump_period_sec(base, 0)
        rocksdb_options_set_stats_persist_period_sec(base, 0)
        return try withText(
            base, "track_and_verify_wals_in_manifest=true;strict_bytes_per_sync=true")
    }

    private static func makeFamily(
        cache: OpaquePointer, memtableBytes: Int, hasBloomFilter: Bool
    ) throws(StoreError) -> OpaquePointer {
        let base = try created(rocksdb_options_create())
        defer { rocksdb_options_destroy(base) }
        rocksdb_options_set_write_buffer_size(base, memtableBytes)
        rocksdb_options_set_max_write_buffer_number(base, 3)
        rocksdb_options_set_compression(base, Int32(rocksdb_lz4_compression))
        rocksdb_options_set_level_compaction_dynamic_level_bytes(base, 1)
        let table = try created(rocksdb_block_based_options_create())
        defer { rocksdb_block_based_options_destroy(table) }
        rocksdb_block_based_options_set_block_size(table, 16 << 10)
        rocksdb_block_based_options_set_block_cache(table, cache)
        rocksdb_block_based_options_set_format_version(table, 5)
        // Memory for indexes and filters is part of the bounded cache, not beside it.
        rocksdb_block_based_options_set_cache_index_and_filter_blocks(table, 1)
        rocksdb_block_based_options_set_pin_l0_filter_and_index_blocks_in_cache(table, 1)
        if hasBloomFilter {
            // The table takes the policy over.
            rocksdb_block_based_options_set_filter_policy(
                table, rocksdb_filterpolicy_create_bloom_full(10))
        }
        rocksdb_options_set_block_based_table_factory(base, table)
        // No insertion hints for the memtable: with several partitions this release then breaks
        // the order of its skip list (its own assertion says so).
        return try withText(base, "ttl=0;periodic_compaction_seconds=0")
    }

    /// What has no function in the C interface of this release.
    private static func withText(
        _ base: OpaquePointer, _ text: String
    ) throws(StoreError) -> OpaquePointer {
        let result = try created(rocksdb_options_create())
        do throws(StoreError) {
            try callEngine { rocksdb_get_options_from_string(base, text, result, $0) }
        } catch {
            rocksdb_options_destroy(result)
            throw error
        }
        return result
    }

    private static func created(_ pointer: OpaquePointer?) throws(StoreError) -> OpaquePointer {
        guard let pointer else { throw .io("the engine gave no memory for its options") }
        return pointer
    }
}
