/// Controls: rare work between two commits.
extension Committer {
    /// Does nothing if the partition is open with this class already.
    /// - Throws: `.conflict` if it has another class, or is gone: numbers are never used again.
    func openPartition(
        _ partition: PartitionID, _ retention: RetentionClass
    ) throws(StoreError) {
        if let index = headIndexes[partition] {
            guard heads[index].retention == retention, !heads[index].isDropped else {
                throw .conflict
            }
            return
        }
        try checkPartitionLimit()
        let head = PartitionHead(partition: partition, retention: retention)
        try writeControl {
            $0.put(
                engine.segments, key: StoreKeys.segment(.partition, partition),
                value: head.record.bytes)
        }
        heads.append(head)
        headIndexes[partition] = heads.count - 1
        table.advance(
            [.init(partition: partition, retention: retention, tail: 0, newDays: [])],
            families: [])
    }

    /// A watermark with more would not be readable at the next start.
    func checkPartitionLimit() throws(StoreError) {
        guard heads.count < Watermark.partitionsMax else {
            throw .io("there are \(heads.count) partitions already: that is the limit")
        }
    }

    /// Its events are deleted; a record remains that keeps the number from being used again.
    func dropPartition(_ partition: PartitionID) throws(StoreError) {
        guard let index = headIndexes[partition], !heads[index].isDropped else { return }
        var head = heads[index]
        head.isDropped = true
        let families = dayFamilies.values.filter { $0.retention == head.retention }
        try writeControl { batch in
            batch.put(
                engine.segments, key: StoreKeys.segment(.partition, partition),
                value: head.record.bytes)
            for kind in [StoreKeys.Segment.day, .minute, .gap] {
                let prefix = StoreKeys.segment(kind, partition)
                batch.deleteRange(
                    engine.segments, from: prefix, to: StoreKeys.end(ofPrefix: prefix))
            }
            for family in families {
                batch.deleteRange(
                    family.family, from: StoreKeys.event(partition, 0),
                    to: StoreKeys.event(partition, .max))
            }
        }
        heads[index] = head
        table.remove(partition)
    }

    /// Drops the families of days that have wholly expired.
    ///
    /// First, synced: where each partition goes on, and the segments go. Then the families. If we
    /// die in between, the next call drops them: their days are still there, and still expired.
    func expire(now: Milliseconds) throws(StoreError) -> [DroppedDay] {
        let expired = dayFamilies.values.filter { $0.isExpired(now: now) }
            .sorted { ($0.day, $0.retention) < ($1.day, $1.retention) }
        guard !expired.isEmpty else { return [] }
        var lastDays: [RetentionClass: UTCDay] = [:]
        for family in expired {
            lastDays[family.retention] = max(
                lastDays[family.retention] ?? family.day, family.day)
        }
        let heads = heads
        try writeControl { batch in
            for head in heads {
                guard !head.isDropped, let last = lastDays[head.retention] else { continue }
                prune(head, through: last, in: batch)
            }
        }
        let keys = expired.map { PartitionTable.DayKey(retention: $0.retention, day: $0.day) }
        table.removeDays(keys)
        for index in self.heads.indices {
            guard let day = self.heads[index].day,
                keys.contains(.init(retention: self.heads[index].retention, day: day))
            else { continue }
            self.heads[index].day = nil
            self.heads[index].family = nil
            self.heads[index].minute = -1
        }
        for (key, family) in zip(keys, expired) {
            // Forgotten only once it is gone: a drop that fails is tried again by the next call.
            try engine.database.dropFamily(family.family)
            dayFamilies[key] = nil
        }
        return expired.map { DroppedDay(retention: $0.retention, day: $0.day) }
    }

    private func prune(_ head: PartitionHead, through last: UTCDay, in batch: CommitBatch) {
        batch.put(
            engine.segments, key: StoreKeys.segment(.partition, head.partition),
            value: head.record.bytes)
        batch.deleteRange(
            engine.segments, from: StoreKeys.segment(.day, head.partition, 0),
            to: StoreKeys.segment(.day, head.partition, last.number + 1))
        let minute = UInt32(clamping: last.end / 60_000)
        batch.deleteRange(
            engine.segments, from: StoreKeys.segment(.minute, head.partition, 0),
            to: StoreKeys.segment(.minute, head.partition, minute))
    }
}
