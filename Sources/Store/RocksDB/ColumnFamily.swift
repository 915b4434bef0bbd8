import CRocksDB

/// A handle of a column family. Reads go through it; writes through a batch.
///
/// `@unchecked Sendable`: the handle may be used by all threads at once; all fields are constants.
final class ColumnFamily: @unchecked Sendable {
    let name: String
    let handle: OpaquePointer
    private let database: Database

    init(name: String, handle: OpaquePointer, database: Database) {
        self.name = name
        self.handle = handle
        self.database = database
    }

    deinit { rocksdb_column_family_handle_destroy(handle) }

    /// Reads memory or disk. A copy of the value; nil if there is none.
    func read(_ key: [UInt8]) throws(StoreError) -> [UInt8]? {
        let options = rocksdb_readoptions_create()
        defer { rocksdb_readoptions_destroy(options) }
        let slice = try callEngine { message in
            key.withUnsafeBytes { key in
                rocksdb_get_pinned_cf(
                    database.handle, options, handle,
                    key.baseAddress?.assumingMemoryBound(to: CChar.self), key.count, message)
            }
        }
        guard let slice else { return nil }
        defer { rocksdb_pinnableslice_destroy(slice) }
        var count = 0
        guard let bytes = rocksdb_pinnableslice_value(slice, &count) else { return [] }
        return [UInt8](UnsafeRawBufferPointer(start: bytes, count: count))
    }

    func iterator(_ reading: ReadMode = .point) throws(StoreError) -> EngineIterator {
        try EngineIterator(database: database.handle, family: self, mode: reading)
    }

    /// Writes its memtable to a file.
    func flush() throws(StoreError) {
        let options = rocksdb_flushoptions_create()
        defer { rocksdb_flushoptions_destroy(options) }
        rocksdb_flushoptions_set_wait(options, 1)
        try callEngine { rocksdb_flush_cf(database.handle, options, handle, $0) }
    }

    /// Bytes of its table files.
    var fileBytes: UInt64 { property("rocksdb.total-sst-files-size") }

    /// Bytes of the memtable that is written to now.
    var memtableBytes: UInt64 { property("rocksdb.cur-size-active-mem-table") }

    private func property(_ name: String) -> UInt64 {
        var value: UInt64 = 0
        return rocksdb_property_int_cf(database.handle, handle, name, &value) == 0 ? value : 0
    }
}
