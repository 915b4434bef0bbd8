extension Store {
    /// The catalog as it was last committed, ascending by name. Memory only.
    package func documents(kind: String) -> [Document] { shared.catalog.documents(kind: kind) }

    /// nil: there is none. Memory only.
    package func document(_ key: DocumentKey) -> Document? { shared.catalog.document(key) }

    /// Makes a partition known, durable on return; does nothing if it is. Blocks for a commit.
    /// - Throws: `.conflict` if it has another retention class or was dropped.
    package func openPartition(
        _ partition: PartitionID, retention: RetentionClass
    ) throws(StoreError) {
        try onCommitThread { committer throws(StoreError) in
            try committer.openPartition(partition, retention)
        }
    }

    /// Deletes a partition's events for good, durable on return. Its number is never used again;
    /// events that are still on their way are dropped with it. Blocks for a commit.
    package func dropPartition(_ partition: PartitionID) throws(StoreError) {
        try onCommitThread { committer throws(StoreError) in
            try committer.dropPartition(partition)
        }
    }

    /// The days that `expire` would drop at `now`, oldest first. Memory only.
    package func expiredDays(now: Milliseconds) -> [DroppedDay] {
        shared.table.allFamilies.filter { $0.isExpired(now: now) }
            .sorted { ($0.day, $0.retention) < ($1.day, $1.retention) }
            .map { DroppedDay(retention: $0.retention, day: $0.day) }
    }

    /// Drops the days that have wholly expired and gives their space back. Nothing is rewritten.
    /// The caller answers for the clock: a time too late destroys. Blocks for a commit.
    package func expire(now: Milliseconds) throws(StoreError) -> [DroppedDay] {
        try onCommitThread { committer throws(StoreError) in try committer.expire(now: now) }
    }

    /// Reads everything from disk and compares all checksums: the engine's and the records' own.
    /// Long; leaves the block cache alone. On a thread of the caller's.
    /// - Throws: `.corrupt` for the first damage; `.closed` if the store closes meanwhile.
    package func verifyChecksums() throws(StoreError) {
        try withEngine { engine throws(StoreError) in
            for family in engine.fixedFamilies {
                let iterator = try family.iterator(.sweep)
                iterator.seekToFirst()
                var count = 0
                while iterator.isValid {
                    try checkSweep(&count)
                    iterator.next()
                }
                try iterator.check()
            }
            for day in shared.table.allFamilies {
                let iterator = try day.family.iterator(.sweep)
                iterator.seekToFirst()
                var count = 0
                while iterator.isValid {
                    try checkSweep(&count)
                    if let fault = EventRecord.fault(key: iterator.key, record: iterator.value) {
                        throw .corrupt("\(fault): family \(day.family.name)")
                    }
                    iterator.next()
                }
                try iterator.check()
            }
        }
    }

    /// Now and then looks whether `close` waits for this sweep.
    private func checkSweep(_ count: inout Int) throws(StoreError) {
        count += 1
        if count % 4_096 == 0 && gate.isRefusing { throw .closed }
    }

    /// At small cost: a few locks, the engine's among them.
    package var statistics: StoreStatistics {
        var statistics = shared.counters.snapshot
        let status = shared.queue.status
        statistics.queuedEvents = status.depth.events
        statistics.queuedBytes = status.depth.eventBytes
        statistics.queuedRequests = status.depth.requests
        statistics.refusals = status.refusals
        statistics.runningNanoseconds = status.runningNanoseconds
        statistics.isDiskFull = status.isDiskFull
        let counts = shared.table.counts
        statistics.partitions = counts.partitions
        statistics.watchers = shared.table.watcherCount
        statistics.dayFamilies = counts.families
        statistics.watermarkTime = shared.keeper.time
        statistics.engine = try? withEngine { engine throws(StoreError) in
            try engine.database.figures()
        }
        return statistics
    }
}
