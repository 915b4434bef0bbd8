import Store
import Synchronization

/// Which kept refused events of each stream were replayed, read from the marks that stand in the
/// same commits as the replayed events.
///
/// Memory: a few bytes for each mark. Beyond a bound, those of kept events that have expired are
/// forgotten.
final class ReplayedOffsets: Sendable {
    /// Marks of a stream from which on expired ones are looked for.
    private static let trimmedFrom = 10_000

    private struct Known {
        /// Marks before this were read.
        var readTo = Offset(rawValue: 0)
        var offsets: Set<UInt64> = []
    }

    private let known = Mutex<[StreamID: Known]>([:])

    /// Reads what is new. Blocks on the disk, under a lock, so that no mark is read twice.
    func of(
        _ stream: StreamDefinition, _ store: Store, now: Milliseconds
    ) throws(QueryError) -> Set<UInt64> {
        try known.withLock { all throws(QueryError) in
            var known = all[stream.id] ?? Known()
            var isDone = false
            while !isDone {
                let end = try Query.readingStore {
                    try store.read(
                        stream.replayPartition, from: known.readTo, limit: .max, notBefore: .min
                    ) { record in
                        if let mark = ReplayMark(record) {
                            known.offsets.insert(mark.rejection.rawValue)
                        }
                        return true
                    }
                }
                isDone = end.reachedTail || end.next <= known.readTo
                known.readTo = max(end.next, known.readTo)
            }
            if known.offsets.count > Self.trimmedFrom {
                let floor = stream.retention.floor(now: now)
                let first = try Query.readingStore {
                    try store.firstOffset(stream.rejectionPartition, at: floor)
                }
                known.offsets = known.offsets.filter { $0 >= first.rawValue }
            }
            all[stream.id] = known
            return known.offsets
        }
    }

    /// Forgets a stream that was deleted.
    func forget(_ stream: StreamID) {
        known.withLock { $0[stream] = nil }
    }
}
