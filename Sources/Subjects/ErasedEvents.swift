import Store

/// Counts the events whose fields were destroyed, by their headers alone.
struct ErasedEvents: Sendable {
    /// Events looked at; some 30 s of one thread, in slices. Behind them the count stops.
    static let scannedMax = 200_000_000
    private static let sliceEvents = 100_000

    struct Count: Sendable, Equatable {
        var stream: String
        var events = 0
        var firstAt: Milliseconds?
        var lastAt: Milliseconds?
        /// When the last of them has expired with all that it holds in clear.
        var remainUntil: Milliseconds?
    }

    struct Counts: Sendable, Equatable {
        var streams: [Count] = []
        /// Every event since the first key was looked at.
        var isComplete = true
    }

    let store: Store

    func count(
        _ links: KeyLinkSet, in streams: [StreamDefinition], from: Milliseconds,
        now: Milliseconds
    ) async throws(SubjectError) -> Counts {
        var counts = Counts()
        guard !links.isEmpty else { return counts }
        var left = Self.scannedMax
        for stream in streams {
            var count = Count(stream: stream.name)
            let floor = max(from, stream.retention.floor(now: now))
            for partition in stream.partitionIDs {
                var next = Offset(rawValue: 0)
                while true {
                    guard left > 0 else {
                        counts.isComplete = false
                        break
                    }
                    let (end, found) = try await slice(partition, next, links, floor, count)
                    count = found
                    left -= max(end.scanned, 1)
                    guard !end.reachedTail, end.next > next else { break }
                    next = end.next
                }
            }
            count.remainUntil = count.lastAt.map { $0 + stream.retention.milliseconds }
            if count.events > 0 { counts.streams.append(count) }
        }
        return counts
    }

    private func slice(
        _ partition: PartitionID, _ start: Offset, _ links: KeyLinkSet, _ floor: Milliseconds,
        _ before: Count
    ) async throws(SubjectError) -> (ReadEnd, Count) {
        do {
            return try await store.readers.run { [store] in
                var count = before
                let end = try store.read(
                    partition, from: start, limit: .max, notBefore: floor, keyLinks: links,
                    scanLimit: Self.sliceEvents
                ) { event in
                    count.events += 1
                    count.firstAt = min(count.firstAt ?? event.timestamp, event.timestamp)
                    count.lastAt = max(count.lastAt ?? event.timestamp, event.timestamp)
                    return true
                }
                return (end, count)
            }
        } catch {
            throw .of(error)
        }
    }
}
