/// A database that is read where it lies and never changed, such as a backup.
///
/// Its calls block on disk. Safe to use from any thread.
package final class StoredCopy: Sendable {
    /// What a sweep has read.
    package struct Sweep: Sendable, Equatable {
        package var records: UInt64 = 0
        /// Of them, events and kept refused events.
        package var events: UInt64 = 0
        /// Their bytes.
        package var eventBytes: UInt64 = 0
    }

    /// The number of the last write.
    package let sequence: UInt64
    /// The next offset of each partition that is not dropped.
    package let heads: [PartitionID: UInt64]
    /// Days of events, oldest first.
    package let days: [DroppedDay]
    private let allDocuments: [Document]
    private let engine: Engine
    private let dayFamilies: [DayFamily]

    /// Opens a directory with a database. Replays its WAL in memory; writes nothing.
    /// - Throws: `.corrupt` if it is none of ours, or damaged; `.io`.
    package init(path: String) throws(StoreError) {
        var configuration = StoreConfiguration(directory: path, watermarkPath: "")
        configuration.blockCacheBytes = 8 << 20
        guard Directories.names(path).contains("CURRENT") else {
            throw .corrupt("\(path) holds no database")
        }
        let (database, families) = try Database.openReadOnly(
            path: path, options: try EngineOptions(configuration))
        engine = try Engine(database: database, families: families)
        let format = try engine.meta.read(StoreKeys.format)?.withUnsafeBytes {
            StoreKeys.number($0, as: UInt32.self)
        }
        guard format == StoreKeys.formatVersion else {
            throw .corrupt("the database has format \(format.map { "\($0)" } ?? "unknown")")
        }
        dayFamilies = try Store.dayFamilies(families)
        let state = try Recovery(engine: engine, families: dayFamilies).recover()
        sequence = database.sequence
        heads = state.partitions.mapValues(\.tail)
        allDocuments = state.documents
        days = dayFamilies.map { DroppedDay(retention: $0.retention, day: $0.day) }
            .sorted { ($0.day, $0.retention) < ($1.day, $1.retention) }
    }

    /// Of the catalog, in no particular order. Memory only.
    package func documents(kind: String) -> [Document] {
        allDocuments.filter { $0.key.kind == kind }
    }

    /// Reads everything and compares all checksums: the engine's and the records' own. Long.
    /// - Parameter isCancelled: asked now and then.
    /// - Throws: `.corrupt` for the first damage; `.closed` if it was cancelled.
    package func sweep(isCancelled: () -> Bool = { false }) throws(StoreError) -> Sweep {
        var sweep = Sweep()
        for family in engine.fixedFamilies {
            try visit(family, &sweep, isCancelled) { _, _ in }
        }
        for day in dayFamilies {
            var (events, bytes) = (UInt64(0), UInt64(0))
            try visit(day.family, &sweep, isCancelled) { key, value throws(StoreError) in
                if let fault = EventRecord.fault(key: key, record: value) {
                    throw .corrupt("\(fault): family \(day.family.name)")
                }
                events += 1
                bytes += UInt64(value.count)
            }
            sweep.events += events
            sweep.eventBytes += bytes
        }
        return sweep
    }

    private func visit(
        _ family: ColumnFamily, _ sweep: inout Sweep, _ isCancelled: () -> Bool,
        _ body: (UnsafeRawBufferPointer, UnsafeRawBufferPointer) throws(StoreError) -> Void
    ) throws(StoreError) {
        let iterator = try family.iterator(.sweep)
        iterator.seekToFirst()
        while iterator.isValid {
            try body(iterator.key, iterator.value)
            sweep.records += 1
            if sweep.records % 4_096 == 0, isCancelled() { throw .closed }
            iterator.next()
        }
        try iterator.check()
    }

    /// A value of the family `audit`; nil: there is none.
    package func readAudit(_ key: [UInt8]) throws(StoreError) -> [UInt8]? {
        try engine.audit.read(key)
    }

    /// Entries of the family `audit` from `key` on, ascending; false stops.
    package func scanAudit(
        from key: [UInt8],
        visit: (UnsafeRawBufferPointer, UnsafeRawBufferPointer) throws(StoreError) -> Bool
    ) throws(StoreError) {
        let iterator = try engine.audit.iterator(.sweep)
        iterator.seek(key)
        while iterator.isValid {
            guard try visit(iterator.key, iterator.value) else { return }
            iterator.next()
        }
        try iterator.check()
    }
}
