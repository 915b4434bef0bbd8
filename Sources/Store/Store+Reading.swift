/// Everything here but `tail`, `watch`, `unwatch` blocks on disk: call it on `readers` or on a
/// thread of your own.
extension Store {
    /// The next offset to be given: only synced events are below. Memory only. 0 if unknown.
    package func tail(_ partition: PartitionID) -> Offset {
        Offset(rawValue: shared.table.tail(partition))
    }

    /// Calls `wake` once, as soon as the tail is beyond the offset: that is, an event stands at
    /// `beyond`. On the calling thread if it is so already, else on the commit thread after the
    /// sync; also when the store ends or the partition is dropped. It must return at once.
    package func watch(
        _ partition: PartitionID, beyond: Offset, _ wake: @escaping @Sendable () -> Void
    ) -> WatchTicket {
        shared.table.watch(partition, beyond: beyond.rawValue, wake)
    }

    /// Forgets a watcher. One that is being woken at this moment may still be called.
    package func unwatch(_ ticket: WatchTicket) { shared.table.unwatch(ticket) }

    /// Visits events in ascending order of their offsets, beginning at `from` (or the first that is
    /// still there), as they were when the read began. Nothing is copied.
    /// - Parameters:
    ///   - limit: visits at most. `byteLimit`: stops after the event that reaches it.
    ///   - notBefore: events with a smaller time are never visited: the expiry floor
    ///     (`RetentionClass.floor`) or a later time.
    ///   - until: stops at the first event that is not older.
    ///   - keyLink: only events of this key link; the others are passed over fast.
    ///   - keyLinks: only events of these, likewise.
    ///   - scanLimit: records looked at, so that a filter that matches little comes back in time.
    ///   - visit: gets each event; false stops after it. Its pointers die when it returns.
    /// - Throws: what `visit` throws; `StoreError.corrupt` for a wrong checksum or a missing event;
    ///   `.io`, `.closed`.
    package func read(
        _ partition: PartitionID, from: Offset, limit: Int, byteLimit: Int = .max,
        notBefore: Milliseconds, until: Milliseconds? = nil, keyLink: KeyLink? = nil,
        keyLinks: KeyLinkSet? = nil, scanLimit: Int = 1_000_000,
        visit: (borrowing EventRecordView) throws -> Bool
    ) throws -> ReadEnd {
        try gate.withEngine(
            { engine throws(any Error) in
                guard let plan = shared.table.plan(partition) else {
                    return ReadEnd(next: from, reachedTail: true)
                }
                return try PartitionReader(plan: plan, segments: engine.segments).read(
                    .init(
                        from: from.rawValue, limit: limit, byteLimit: byteLimit,
                        notBefore: notBefore, until: until, keyLink: keyLink, keyLinks: keyLinks,
                        scanLimit: scanLimit),
                    visit: visit)
            }, closed: { $0 })
    }

    /// The first offset whose time is not smaller; the tail if there is none. A few seeks.
    package func firstOffset(
        _ partition: PartitionID, at time: Milliseconds
    ) throws(StoreError) -> Offset {
        try withEngine { engine throws(StoreError) in
            guard let plan = shared.table.plan(partition) else { return Offset(rawValue: 0) }
            let reader = PartitionReader(plan: plan, segments: engine.segments)
            return Offset(rawValue: try reader.firstOffset(at: time))
        }
    }

    /// nil: there is none.
    package func readKey(_ link: KeyLink) throws(StoreError) -> [UInt8]? {
        try withEngine { engine throws(StoreError) in try engine.keys.read(link.bytes) }
    }

    package func readIndex(_ key: [UInt8]) throws(StoreError) -> [UInt8]? {
        try withEngine { engine throws(StoreError) in try engine.index.read(key) }
    }

    package func readCursor(_ key: [UInt8]) throws(StoreError) -> [UInt8]? {
        try withEngine { engine throws(StoreError) in try engine.cursors.read(key) }
    }

    package func readAudit(_ key: [UInt8]) throws(StoreError) -> [UInt8]? {
        try withEngine { engine throws(StoreError) in try engine.audit.read(key) }
    }

    /// All data keys' records in ascending order of their links; false stops. The value's pointer
    /// dies when the visit returns.
    package func scanKeys(
        visit: (KeyLink, UnsafeRawBufferPointer) throws -> Bool
    ) throws {
        try scan(\.keys, prefix: [], from: []) { key, value in
            guard let link = KeyLink(bytes: key) else {
                throw StoreError.corrupt("a key of the family keys")
            }
            return try visit(link, value)
        }
    }

    /// Key and value of all entries with the prefix, ascending; false stops.
    package func scanIndex(
        prefix: [UInt8], visit: (UnsafeRawBufferPointer, UnsafeRawBufferPointer) throws -> Bool
    ) throws {
        try scan(\.index, prefix: prefix, from: prefix, visit)
    }

    package func scanSubjects(
        prefix: [UInt8], visit: (UnsafeRawBufferPointer) throws -> Bool
    ) throws {
        try scan(\.subjects, prefix: prefix, from: prefix) { key, _ in try visit(key) }
    }

    package func scanCursors(
        prefix: [UInt8], visit: (UnsafeRawBufferPointer, UnsafeRawBufferPointer) throws -> Bool
    ) throws {
        try scan(\.cursors, prefix: prefix, from: prefix, visit)
    }

    /// Entries from `key` on, ascending; false stops.
    package func scanAudit(
        from key: [UInt8],
        visit: (UnsafeRawBufferPointer, UnsafeRawBufferPointer) throws -> Bool
    ) throws {
        try scan(\.audit, prefix: [], from: key, visit)
    }

    private func scan(
        _ family: KeyPath<Engine, ColumnFamily>, prefix: [UInt8], from start: [UInt8],
        _ visit: (UnsafeRawBufferPointer, UnsafeRawBufferPointer) throws -> Bool
    ) throws {
        try gate.withEngine(
            { engine throws(any Error) in
                let iterator = try engine[keyPath: family].iterator(.scan)
                iterator.seek(start)
                while iterator.isValid, iterator.key.starts(with: prefix) {
                    guard try visit(iterator.key, iterator.value) else { return }
                    iterator.next()
                }
                try iterator.check()
            }, closed: { $0 })
    }

    func withEngine<Result>(
        _ body: (Engine) throws(StoreError) -> Result
    ) throws(StoreError) -> Result {
        try gate.withEngine(body, closed: { $0 })
    }
}
