/// What goes into the batch.
extension Committer {
    /// Puts the events of a chunk in the batch: offsets, times that never fall, checksums.
    func stageChunk(_ chunk: EventChunk) throws(StoreError) {
        eventCount += chunk.count
        eventBytes += chunk.byteCount
        var position = 0
        while position < chunk.count {
            let first = chunk.entries + position
            let index = try headIndex(first.pointee.partition, first.pointee.retention)
            if !heads[index].isTouched && !heads[index].isDropped {
                heads[index].isTouched = true
                touched.append(index)
            }
            position = try stageRun(chunk, from: position, head: &heads[index])
        }
    }

    /// The events from `position` on that go to the partition of `head`. Gives the first that does
    /// not.
    private func stageRun(
        _ chunk: EventChunk, from position: Int, head: inout PartitionHead
    ) throws(StoreError) -> Int {
        let partition = head.partition
        let key = UnsafeRawBufferPointer(start: eventKey, count: StoreKeys.eventCount)
        var position = position
        while position < chunk.count {
            let entry = chunk.entries + position
            guard entry.pointee.partition == partition else { break }
            position += 1
            if head.isDropped { continue }
            let record = chunk.record(of: entry.pointee)
            var time = entry.pointee.timestamp
            if time < head.lastTimestamp {
                time = head.lastTimestamp
                EventRecord.setTimestamp(
                    time, digitsAt: Int(entry.pointee.digitsAt), in: record)
            }
            head.lastTimestamp = time
            if time / 60_000 != head.minute { try beginMinute(of: time, &head) }
            guard let family = head.family else {
                throw .io("a partition has no family for its day")
            }
            StoreKeys.writeEvent(partition, head.next, to: eventKey)
            EventRecord.seal(key: key, record: record)
            batch.put(family, key: key, value: UnsafeRawBufferPointer(record))
            head.next += 1
        }
        return position
    }

    /// The first event of a minute, and perhaps of a day: notes its offset.
    private func beginMinute(
        of time: Milliseconds, _ head: inout PartitionHead
    ) throws(StoreError) {
        head.minute = time / 60_000
        batch.put(
            engine.segments,
            key: StoreKeys.segment(.minute, head.partition, UInt32(clamping: head.minute)),
            value: StoreKeys.bytes(head.next))
        let day = UTCDay(at: time)
        guard head.day != day else { return }
        head.family = try dayFamily(head.retention, day).family.handle
        let isNew = table.partition(head.partition)?.days.last?.day != day
        if isNew && head.newDays.last?.day != day {
            batch.put(
                engine.segments, key: StoreKeys.segment(.day, head.partition, day.number),
                value: StoreKeys.bytes(head.next))
            head.newDays.append(PartitionTable.Day(day: day, firstOffset: head.next))
        }
        head.day = day
    }

    /// Makes the family if it is the day's first event: rare, and it syncs the manifest.
    private func dayFamily(
        _ retention: RetentionClass, _ day: UTCDay
    ) throws(StoreError) -> DayFamily {
        let key = PartitionTable.DayKey(retention: retention, day: day)
        if let found = dayFamilies[key] { return found }
        let family = DayFamily(
            retention: retention, day: day,
            family: try engine.database.createFamily(DayFamily.name(retention, day)))
        dayFamilies[key] = family
        newFamilies.append(family)
        return family
    }

    /// A partition that nobody opened is opened by its first event, with the class that it names.
    /// One that is open keeps its class.
    private func headIndex(
        _ partition: PartitionID, _ retention: RetentionClass
    ) throws(StoreError) -> Int {
        if let found = headIndexes[partition] { return found }
        try checkPartitionLimit()
        let head = PartitionHead(partition: partition, retention: retention)
        heads.append(head)
        headIndexes[partition] = heads.count - 1
        batch.put(
            engine.segments, key: StoreKeys.segment(.partition, partition),
            value: head.record.bytes)
        return heads.count - 1
    }

    /// Puts the mutations of a request in the batch, all or none.
    func stageRequest(_ request: CommitQueue.Request) {
        let revisions: [DocumentKey: UInt64]
        do throws(StoreError) {
            try checkAudit(request.mutations)
            revisions = try changes.take(request.mutations)
        } catch {
            results.append(
                RequestResult(completion: request.completion, revisions: .failure(error)))
            return
        }
        mutationCount += request.mutations.count
        for mutation in request.mutations {
            switch mutation {
            case .putKey(let link, let record):
                keysMade += 1
                batch.put(engine.keys, key: link.bytes, value: record)
            case .replaceKey(let link, let record):
                batch.put(engine.keys, key: link.bytes, value: record)
            case .deleteKey(let link): batch.delete(engine.keys, key: link.bytes)
            case .putIndex(let key, let value): batch.put(engine.index, key: key, value: value)
            case .deleteIndex(let key): batch.delete(engine.index, key: key)
            case .putSubject(let key, let value):
                batch.put(engine.subjects, key: key, value: value)
            case .deleteSubject(let key): batch.delete(engine.subjects, key: key)
            case .putCursor(let key, let value): batch.put(engine.cursors, key: key, value: value)
            case .deleteCursor(let key): batch.delete(engine.cursors, key: key)
            case .audit(let draft): drafts.append(draft)
            case .putDocument, .deleteDocument: continue
            }
        }
        results.append(
            RequestResult(completion: request.completion, revisions: .success(revisions)))
    }

    /// An act whose record cannot be written must not happen.
    private func checkAudit(_ mutations: [Mutation]) throws(StoreError) {
        guard stage == nil else { return }
        for mutation in mutations {
            if case .audit = mutation {
                throw .io("an audit entry was submitted, but there is no audit log")
            }
        }
    }
}
