/// What was found when the database was opened.
struct RecoveredState {
    var heads: [PartitionHead] = []
    var partitions: [PartitionID: PartitionTable.Partition] = [:]
    var families: [DayFamily] = []
    var documents: [Document] = []
    var revision: UInt64 = 0
}

/// Reads the state of an opened database, and compares it with the watermark.
struct Recovery {
    let engine: Engine
    let families: [DayFamily]

    /// Reads memory and disk: a seek for each partition and day at most.
    func recover() throws(StoreError) -> RecoveredState {
        var state = RecoveredState()
        state.families = families
        let records = try partitionRecords()
        for (partition, record) in records {
            var head = PartitionHead(
                partition: partition, retention: record.retention, next: record.nextOffset,
                lastTimestamp: record.lastTimestamp)
            head.isDropped = record.isDropped
            if !record.isDropped {
                try findHead(&head)
                state.partitions[partition] = PartitionTable.Partition(
                    retention: record.retention, tail: head.next, days: try days(of: head),
                    gaps: try gaps(of: partition))
            }
            state.heads.append(head)
        }
        state.documents = try documents()
        if let bytes = try engine.meta.read(StoreKeys.revision) {
            guard let revision = bytes.withUnsafeBytes({ StoreKeys.number($0, as: UInt64.self) })
            else { throw .corrupt("the last revision of the catalog") }
            state.revision = revision
        }
        let newest = state.documents.map(\.revision).max() ?? 0
        guard newest <= state.revision else {
            throw .corrupt("a document is newer than the last revision")
        }
        return state
    }

    /// The first thing that the watermark has and the database lacks, for the operator; nil if all
    /// is there.
    func shortfall(_ state: RecoveredState, _ watermark: Watermark) -> String? {
        let found = engine.database.sequence
        if found < watermark.sequence {
            return "the database ends at write \(found), but write \(watermark.sequence) was "
                + "acknowledged"
        }
        var heads: [PartitionID: PartitionHead] = [:]
        for head in state.heads { heads[head.partition] = head }
        for (partition, next) in watermark.heads {
            guard let head = heads[partition] else {
                return "partition \(partition) is missing, with \(next) events"
            }
            if !head.isDropped && head.next < next {
                return "partition \(partition) ends before offset \(head.next), but offset "
                    + "\(next - 1) was acknowledged"
            }
        }
        return nil
    }

    /// An operator took the loss: offsets go on where they had been, and the hole is remembered, so
    /// that it is not taken for damage. Durable on return.
    func acceptLoss(
        _ state: inout RecoveredState, _ watermark: Watermark
    ) throws(StoreError) {
        let batch = try WriteBatch()
        for index in state.heads.indices {
            let head = state.heads[index]
            guard let next = watermark.heads[head.partition], !head.isDropped, head.next < next
            else { continue }
            batch.put(
                engine.segments, key: StoreKeys.gap(head.partition, head.next),
                value: StoreKeys.bytes(next))
            state.partitions[head.partition]?.gaps.append(.init(start: head.next, end: next))
            state.partitions[head.partition]?.tail = next
            state.heads[index].next = next
            batch.put(
                engine.segments, key: StoreKeys.segment(.partition, head.partition),
                value: state.heads[index].record.bytes)
        }
        if !batch.isEmpty { try engine.database.write(batch, isSynced: true) }
    }

    /// The last event of a partition tells where it goes on; without one, the record does.
    private func findHead(_ head: inout PartitionHead) throws(StoreError) {
        let days = families.filter { $0.retention == head.retention }.sorted { $0.day > $1.day }
        for day in days {
            let iterator = try day.family.iterator()
            iterator.seekForPrevious(StoreKeys.event(head.partition, .max))
            guard iterator.isValid else {
                try iterator.check()
                continue
            }
            guard let last = StoreKeys.offset(in: iterator.key, of: head.partition) else {
                continue
            }
            if let fault = EventRecord.fault(key: iterator.key, record: iterator.value) {
                throw .corrupt("\(fault): partition \(head.partition), offset \(last)")
            }
            let time = EventRecord.timestamp(of: iterator.value)
            head.next = max(head.next, last + 1)
            head.lastTimestamp = max(head.lastTimestamp, time)
            // So that the next event does not begin a minute or a day that has begun already.
            head.minute = time / 60_000
            head.day = day.day
            head.family = day.family.handle
            return
        }
    }

    private func partitionRecords() throws(StoreError) -> [(PartitionID, PartitionRecord)] {
        let prefix = [StoreKeys.Segment.partition.rawValue]
        let iterator = try engine.segments.iterator()
        var records: [(PartitionID, PartitionRecord)] = []
        iterator.seek(prefix)
        while iterator.isValid, iterator.key.first == prefix[0] {
            guard let partition = StoreKeys.partition(inSegment: iterator.key) else {
                throw .corrupt("a key of the family segments")
            }
            records.append((partition, try PartitionRecord(iterator.value)))
            iterator.next()
        }
        try iterator.check()
        return records
    }

    /// A day's family is made before its segment is written, and dropped after it is deleted.
    private func days(of head: PartitionHead) throws(StoreError) -> [PartitionTable.Day] {
        let present = Set(families.filter { $0.retention == head.retention }.map(\.day))
        var days: [PartitionTable.Day] = []
        try scan(.day, head.partition) { (key, value) throws(StoreError) in
            guard let number = StoreKeys.number(key, as: UInt32.self),
                let first = StoreKeys.number(value, as: UInt64.self)
            else { throw .corrupt("the first offset of a day") }
            let day = UTCDay(number: number)
            guard present.contains(day) else {
                throw .corrupt("the family of \(day) is missing")
            }
            days.append(.init(day: day, firstOffset: first))
        }
        return days
    }

    private func gaps(of partition: PartitionID) throws(StoreError) -> [PartitionTable.Gap] {
        var gaps: [PartitionTable.Gap] = []
        try scan(.gap, partition) { (key, value) throws(StoreError) in
            guard let start = StoreKeys.number(key, as: UInt64.self),
                let end = StoreKeys.number(value, as: UInt64.self)
            else { throw .corrupt("a gap in a partition") }
            gaps.append(.init(start: start, end: end))
        }
        return gaps
    }

    /// Visits what follows kind and partition in the keys.
    private func scan(
        _ kind: StoreKeys.Segment, _ partition: PartitionID,
        _ visit: (UnsafeRawBufferPointer, UnsafeRawBufferPointer) throws(StoreError) -> Void
    ) throws(StoreError) {
        let prefix = StoreKeys.segment(kind, partition)
        let iterator = try engine.segments.iterator()
        iterator.seek(prefix)
        while iterator.isValid, iterator.key.starts(with: prefix) {
            try visit(
                UnsafeRawBufferPointer(rebasing: iterator.key[prefix.count...]), iterator.value)
            iterator.next()
        }
        try iterator.check()
    }

    private func documents() throws(StoreError) -> [Document] {
        let iterator = try engine.catalog.iterator()
        var documents: [Document] = []
        iterator.seekToFirst()
        while iterator.isValid {
            documents.append(
                try DocumentRecord.document(key: iterator.key, value: iterator.value))
            iterator.next()
        }
        try iterator.check()
        return documents
    }
}
