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
    /// nil: opened read-only, which needs none.
    private let lock: DirectoryLock?
    private let synced: OpaquePointer
    private let unsynced: OpaquePointer

    private init(handle: OpaquePointer, options: EngineOptions, lock: DirectoryLock?) {
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
        lock?.release()
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
        return try open(names, options, lock) { names, families, handles, message in
            rocksdb_open_column_families(
                options.database, path, Int32(names.count), names, families, &handles, message)
        }
    }

    /// Opens what is there to read, and writes nothing: the WAL is replayed in memory.
    static func openReadOnly(
        path: String, options: EngineOptions
    ) throws(StoreError) -> (Database, [ColumnFamily]) {
        let names = try familyNames(path: path, options: options)
        guard !names.isEmpty else { throw .corrupt("\(path) holds no database") }
        return try open(names, options, nil) { names, families, handles, message in
            rocksdb_open_for_read_only_column_families(
                options.database, path, Int32(names.count), names, families, &handles, 0, message)
        }
    }

    private typealias Opening = (
        [UnsafePointer<CChar>?], [OpaquePointer?], inout [OpaquePointer?],
        UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>
    ) -> OpaquePointer?

    private static func open(
        _ names: [String], _ options: EngineOptions, _ lock: DirectoryLock?, _ opening: Opening
    ) throws(StoreError) -> (Database, [ColumnFamily]) {
        let familyOptions = names.map { Optional(options.family($0)) }
        var handles = [OpaquePointer?](repeating: nil, count: names.count)
        let cNames = names.map { strdup($0) }
        defer { for name in cNames { free(name) } }
        let constNames = cNames.map { UnsafePointer($0) }
        let opened = try callEngine { opening(constNames, familyOptions, &handles, $0) }
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

    /// Writes what is in memory into files, and makes the directory `path`, which must not exist,
    /// with this database as it is: table files as hard links where the file system can, else as
    /// copies. To be called where nothing is written meanwhile, which is the commit thread: it syncs
    /// the WAL, and beside a write this release then may record a log that is deleted already.
    func checkpoint(to path: String) throws(StoreError) {
        let checkpoint = try callEngine { rocksdb_checkpoint_object_create(handle, $0) }
        guard let checkpoint else { throw .io("the engine gave no checkpoint") }
        defer { rocksdb_checkpoint_object_destroy(checkpoint) }
        try callEngine { rocksdb_checkpoint_create(checkpoint, path, 0, $0) }
    }

    /// The number of the last write. Grows by one with each key written.
    var sequence: UInt64 { rocksdb_get_latest_sequence_number(handle) }
}
