import CRocksDB

/// Puts and deletes that are written together. Reused: `clear` keeps its memory.
struct WriteBatch: ~Copyable {
    private let handle: OpaquePointer

    init() throws(StoreError) {
        guard let handle = rocksdb_writebatch_create() else {
            throw .io("the engine gave no memory for a batch")
        }
        self.handle = handle
    }

    deinit { rocksdb_writebatch_destroy(handle) }

    var isEmpty: Bool { rocksdb_writebatch_count(handle) == 0 }

    func clear() { rocksdb_writebatch_clear(handle) }

    /// Copies both. `family` is the handle of a family that the caller keeps alive.
    @inline(__always)
    func put(
        _ family: OpaquePointer, key: UnsafeRawBufferPointer, value: UnsafeRawBufferPointer
    ) {
        rocksdb_writebatch_put_cf(
            handle, family, key.baseAddress?.assumingMemoryBound(to: CChar.self), key.count,
            value.baseAddress?.assumingMemoryBound(to: CChar.self), value.count)
    }

    func put(_ family: ColumnFamily, key: [UInt8], value: [UInt8]) {
        key.withUnsafeBytes { key in
            value.withUnsafeBytes { put(family.handle, key: key, value: $0) }
        }
    }

    func delete(_ family: ColumnFamily, key: [UInt8]) {
        key.withUnsafeBytes {
            rocksdb_writebatch_delete_cf(
                handle, family.handle, $0.baseAddress?.assumingMemoryBound(to: CChar.self), $0.count
            )
        }
    }

    /// Deletes the keys from `start` up to and without `end`.
    func deleteRange(_ family: ColumnFamily, from start: [UInt8], to end: [UInt8]) {
        start.withUnsafeBytes { start in
            end.withUnsafeBytes { end in
                rocksdb_writebatch_delete_range_cf(
                    handle, family.handle,
                    start.baseAddress?.assumingMemoryBound(to: CChar.self), start.count,
                    end.baseAddress?.assumingMemoryBound(to: CChar.self), end.count)
            }
        }
    }

    borrowing func withHandle<Result, Failure: Error>(
        _ body: (OpaquePointer) throws(Failure) -> Result
    ) throws(Failure) -> Result {
        try body(handle)
    }
}
