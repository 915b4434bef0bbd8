import CRocksDB
import Glibc

/// The open database. It is closed when the last one that refers to it is gone: families and
/// iterators hold it, so that none of them outlives it. The lock of the directory goes with it.
///
/// `@unchecked Sendable`: the engine's handle may be used by all threads at once; all fields are
/// constants.
final class Database: @unchecked Sendable {
    let handle: OpaquePointer
    let options: EngineOptions
    private let lock: DirectoryLock
    private let synced: OpaquePointer
    private let unsynced: OpaquePointer

    private init(handle: OpaquePointer, options: EngineOptions, lock: DirectoryLock) {
        self.handle = handle
        self.options = options
        self.lock = lock
        synced = rocksdb_writeoptions_create()
        rocksdb_writeoptions_set_sync(synced, 1)
        unsynced = rocksdb_writeoptions_create()
    }

    deinit {
        rocksdb_close(handle)
        rocksdb_writeoptions_destroy(synced)
        rocksdb_writeoptions_destroy(unsynced)
        lock.release()
    }

    /// Opens all families that are there, and makes the fixed ones that are not.
    /// Replays the WAL: takes up to a few seconds.
    static func open(
        path: String, isNew: Bool, options: EngineOptions, lock: DirectoryLock
    ) throws(StoreError) -> (Database, [ColumnFamily]) {
        var names = isNew ? [] : try familyNames(path: path, options: options)
        for kind in FamilyKind.allCases where !names.contains(kind.rawValue) {
            names.append(kind.rawValue)
        }
        rocksdb_options_set_create_if_missing(options.database, isNew ? 1 : 0)
        let familyOptions = names.map { Optional(options.family($0)) }
        var handles = [OpaquePointer?](repeating: nil, count: names.count)
        let cNames = names.map { strdup($0) }
        defer { for name in cNames { free(name) } }
        let constNames = cNames.map { UnsafePointer($0) }
        let opened = try callEngine { message in
            rocksdb_open_column_families(
                options.database, path, Int32(names.count), constNames, familyOptions, &handles,
                message)
        }
        guard let opened else { throw .io("the engine gave no database") }
        let database = Database(handle: opened, options: options, lock: lock)
        var families: [ColumnFamily] = []
        for (name, handle) in zip(names, handles) {
            guard let handle else { throw .io("the engine gave no handle of a family") }
            families.append(ColumnFamily(name: name, handle: handle, database: database))
        }
        return (database, families)
    }

    private static func familyNames(
        path: String, options: EngineOptions
    ) throws(StoreError) -> [String] {
        var count = 0
        let list = try callEngine {
            rocksdb_list_column_families(options.database, path, &count, $0)
        }
        guard let list else { return [] }
        defer { rocksdb_list_column_families_destroy(list, count) }
        return (0..<count).compactMap { list[$0].map { String(cString: $0) } }
    }

    /// One atomic write; with `isSynced` it is on disk when the call returns.
    func write(_ batch: borrowing WriteBatch, isSynced: Bool) throws(StoreError) {
        let handle = handle
        let options = isSynced ? synced : unsynced
        try batch.withHandle { batch throws(StoreError) in
            try callEngine { rocksdb_write(handle, options, batch, $0) }
        }
    }

    /// Makes a family of events. Writes and syncs the manifest.
    func createFamily(_ name: String) throws(StoreError) -> ColumnFamily {
        let created = try callEngine {
            rocksdb_create_column_family(handle, options.family(name), name, $0)
        }
        guard let created else { throw .io("the engine gave no handle of a family") }
        return ColumnFamily(name: name, handle: created, database: self)
    }

    /// Forgets a family at once. Its files go when the last one that reads it lets go of it.
    func dropFamily(_ family: ColumnFamily) throws(StoreError) {
        try callEngine { rocksdb_drop_column_family(handle, family.handle, $0) }
    }

    /// The number of the last write. Grows by one with each key written.
    var sequence: UInt64 { rocksdb_get_latest_sequence_number(handle) }
}
