/// Reads the events of one partition in order, day after day, from the engine's own memory.
///
/// Offsets have no holes, so a hole that nobody accepted is damage and is reported, never skipped.
struct PartitionReader {
    let plan: ReadPlan
    let segments: ColumnFamily

    struct Bounds {
        var from: UInt64
        var limit: Int
        var byteLimit: Int
        var notBefore: Milliseconds
        var until: Milliseconds?
        var keyLink: KeyLink?
        var keyLinks: KeyLinkSet?
        var scanLimit: Int
    }

    /// What the loop carries from day to day.
    private struct Progress {
        var next: UInt64
        var visited = 0
        var scanned = 0
        var bytes = 0
        var hasJumped = false
        /// nil: goes on with the next day.
        var end: ReadEnd?
    }

    func read(
        _ bounds: Bounds, visit: (borrowing EventRecordView) throws -> Bool
    ) throws -> ReadEnd {
        guard bounds.from < plan.tail, let first = plan.days.first else {
            return ReadEnd(
                next: Offset(rawValue: max(bounds.from, plan.tail)), reachedTail: true)
        }
        guard bounds.limit > 0, bounds.scanLimit > 0 else {
            return ReadEnd(next: Offset(rawValue: bounds.from), reachedTail: false)
        }
        var progress = Progress(next: max(bounds.from, first.firstOffset))
        let isLong = bounds.limit > 1_000 && plan.tail - progress.next > 1_000
        var index = plan.dayIndex(of: progress.next)
        // Whole days that have expired are not even opened.
        let floorDay = UTCDay(at: bounds.notBefore)
        while index < plan.days.count, plan.days[index].family.day < floorDay { index += 1 }
        if index < plan.days.count {
            progress.next = max(progress.next, plan.days[index].firstOffset)
        } else {
            progress.next = plan.tail
        }
        while index < plan.days.count {
            try readDay(index, isLong ? .scan : .point, bounds, &progress, visit)
            if let end = progress.end { return end }
            index += 1
        }
        try crossGap(&progress, to: plan.tail)
        return ReadEnd(
            next: Offset(rawValue: plan.tail), reachedTail: true, visited: progress.visited,
            scanned: progress.scanned)
    }

    private func readDay(
        _ index: Int, _ mode: ReadMode, _ bounds: Bounds, _ progress: inout Progress,
        _ visit: (borrowing EventRecordView) throws -> Bool
    ) throws {
        let iterator = try plan.days[index].family.family.iterator(mode)
        iterator.seek(StoreKeys.event(plan.partition, progress.next))
        while iterator.isValid {
            let key = iterator.key
            guard let offset = StoreKeys.offset(in: key, of: plan.partition), offset < plan.tail
            else { return }
            if offset != progress.next { try crossGap(&progress, to: offset) }
            let record = iterator.value
            guard record.count >= EventRecord.headerCount else {
                throw corrupt("a record is too short", offset)
            }
            if progress.scanned >= bounds.scanLimit {
                return progress.end = end(progress, next: offset)
            }
            progress.scanned += 1
            let time = EventRecord.timestamp(of: record)
            if time < bounds.notBefore {
                try skipExpired(iterator, index, bounds.notBefore, &progress)
                continue
            }
            if let until = bounds.until, time >= until {
                progress.end = end(progress, next: offset)
                progress.end?.reachedUntil = true
                return
            }
            progress.next = offset + 1
            if let link = bounds.keyLink, EventRecord.keyLink(of: record) != link {
                iterator.next()
                continue
            }
            if let links = bounds.keyLinks, !links.contains(EventRecord.keyLink(of: record)) {
                iterator.next()
                continue
            }
            if let fault = EventRecord.fault(key: key, record: record) {
                throw corrupt(fault, offset)
            }
            progress.visited += 1
            progress.bytes += record.count
            let goesOn = try visit(
                EventRecordView(offset: Offset(rawValue: offset), record: record))
            if !goesOn || progress.visited >= bounds.limit || progress.bytes >= bounds.byteLimit {
                return progress.end = end(progress, next: offset + 1)
            }
            iterator.next()
        }
        try iterator.check()
    }

    /// The first time: jumps to where `time` begins. After that one by one, which only happens if a
    /// time is damaged; the checksum then says so.
    private func skipExpired(
        _ iterator: borrowing EngineIterator, _ index: Int, _ time: Milliseconds,
        _ progress: inout Progress
    ) throws(StoreError) {
        if !progress.hasJumped {
            progress.hasJumped = true
            let target = try firstOffset(inDay: index, at: time, from: progress.next)
            if target > progress.next {
                progress.next = target
                iterator.seek(StoreKeys.event(plan.partition, target))
                return
            }
        }
        if let fault = EventRecord.fault(key: iterator.key, record: iterator.value) {
            throw corrupt(fault, progress.next)
        }
        progress.next += 1
        iterator.next()
    }

    /// The smallest offset whose time is not smaller; the tail if there is none. A few seeks.
    func firstOffset(at time: Milliseconds) throws(StoreError) -> UInt64 {
        let day = UTCDay(at: time)
        guard let index = plan.days.firstIndex(where: { $0.family.day >= day }) else {
            return plan.tail
        }
        guard plan.days[index].family.day == day else { return plan.days[index].firstOffset }
        return try firstOffset(inDay: index, at: time, from: plan.days[index].firstOffset)
    }

    /// Narrowed by the minutes in `segments`, then halved: times never fall.
    private func firstOffset(
        inDay index: Int, at time: Milliseconds, from start: UInt64
    ) throws(StoreError) -> UInt64 {
        var low = start
        var high = plan.endOffset(ofDay: index)
        let minutes = try segments.iterator()
        let minute = UInt32(clamping: max(0, time) / 60_000)
        let prefix = StoreKeys.segment(.minute, plan.partition)
        minutes.seekForPrevious(StoreKeys.segment(.minute, plan.partition, minute))
        if minutes.isValid, minutes.key.starts(with: prefix),
            let first = StoreKeys.number(minutes.value, as: UInt64.self)
        {
            low = max(low, first)
        }
        try minutes.check()
        minutes.seek(StoreKeys.segment(.minute, plan.partition, minute + 1))
        if minutes.isValid, minutes.key.starts(with: prefix),
            let first = StoreKeys.number(minutes.value, as: UInt64.self)
        {
            high = min(high, first)
        }
        try minutes.check()
        let events = try plan.days[index].family.family.iterator()
        while low < high {
            let middle = low + (high - low) / 2
            events.seek(StoreKeys.event(plan.partition, middle))
            guard events.isValid,
                let offset = StoreKeys.offset(in: events.key, of: plan.partition)
            else {
                try events.check()
                high = middle
                continue
            }
            if let fault = EventRecord.fault(key: events.key, record: events.value) {
                throw corrupt(fault, offset)
            }
            if EventRecord.timestamp(of: events.value) < time {
                low = offset + 1
            } else {
                high = middle
            }
        }
        return low
    }

    /// Something stands at `offset`, but not at `progress.next`: fine only if the hole is known.
    private func crossGap(_ progress: inout Progress, to offset: UInt64) throws(StoreError) {
        while progress.next < offset {
            guard let end = plan.gapEnd(at: progress.next) else {
                throw corrupt("an event is missing", progress.next)
            }
            progress.next = end
        }
    }

    private func end(_ progress: Progress, next: UInt64) -> ReadEnd {
        ReadEnd(
            next: Offset(rawValue: next), reachedTail: next >= plan.tail,
            visited: progress.visited, scanned: progress.scanned)
    }

    private func corrupt(_ what: String, _ offset: UInt64) -> StoreError {
        .corrupt("\(what): partition \(plan.partition), offset \(offset)")
    }
}
