/// The write batch of the commit thread, as an object: it is lent to the controls.
///
/// Confined like its `Committer`.
final class CommitBatch {
    private let batch: WriteBatch

    init() throws(StoreError) { batch = try WriteBatch() }

    var isEmpty: Bool { batch.isEmpty }

    func clear() { batch.clear() }

    @inline(__always)
    func put(
        _ family: OpaquePointer, key: UnsafeRawBufferPointer, value: UnsafeRawBufferPointer
    ) {
        batch.put(family, key: key, value: value)
    }

    func put(_ family: ColumnFamily, key: [UInt8], value: [UInt8]) {
        batch.put(family, key: key, value: value)
    }

    func delete(_ family: ColumnFamily, key: [UInt8]) { batch.delete(family, key: key) }

    func deleteRange(_ family: ColumnFamily, from start: [UInt8], to end: [UInt8]) {
        batch.deleteRange(family, from: start, to: end)
    }

    func write(to database: Database, isSynced: Bool) throws(StoreError) {
        try database.write(batch, isSynced: isSynced)
    }
}
