import Contracts
import Synchronization

/// What ingest has done since the process started: a snapshot for `/metrics`.
package struct IngestStatistics: Sendable, Equatable {
    /// Why events were refused: both parts are stable slugs, never text of an event.
    package struct Reason: Hashable, Sendable {
        package var kind: String
        package var rule: String
    }

    /// Events handed to the store's queue. Those whose commit then failed are in it too.
    package var acceptedEvents: UInt64 = 0
    /// Bytes of the bodies of these events, as received.
    package var acceptedBytes: UInt64 = 0
    /// Events that had to wait for a key that was not in memory.
    package var divertedEvents: UInt64 = 0
    /// Events turned away because a queue was full or the store refused writes.
    package var overloadedEvents: UInt64 = 0
    /// Events whose key could not be had.
    package var keylessEvents: UInt64 = 0
    /// Events and bytes that wait for a key now.
    package var slowLaneEvents = 0
    package var slowLaneBytes = 0
    package var refusedEvents: [Reason: UInt64] = [:]

    mutating func add(_ counters: LaneCounters) {
        acceptedEvents += counters.acceptedEvents.load(ordering: .relaxed)
        acceptedBytes += counters.acceptedBytes.load(ordering: .relaxed)
        divertedEvents += counters.divertedEvents.load(ordering: .relaxed)
        overloadedEvents += counters.overloadedEvents.load(ordering: .relaxed)
        keylessEvents += counters.keylessEvents.load(ordering: .relaxed)
        counters.refusals.withLock { refusals in
            for (reason, count) in refusals { refusedEvents[reason, default: 0] += count }
        }
    }
}

/// The counters of one lane or of the slow lane: each has one writer, so that counting is a plain
/// load and store, and any number of readers.
final class LaneCounters: Sendable {
    /// Distinct reasons that are told apart. Rules are slugs of our own code, far fewer than this;
    /// the bound is there so that no mistake elsewhere can grow the table.
    static let reasonsMax = 256

    let acceptedEvents = Atomic<UInt64>(0)
    let acceptedBytes = Atomic<UInt64>(0)
    let divertedEvents = Atomic<UInt64>(0)
    let overloadedEvents = Atomic<UInt64>(0)
    let keylessEvents = Atomic<UInt64>(0)
    /// Locked for a refused event only, by its own lane: uncontended but for the reader of metrics.
    let refusals = Mutex<[IngestStatistics.Reason: UInt64]>([:])

    func count(_ refusal: Refusal) {
        let reason = IngestStatistics.Reason(kind: refusal.kind.rawValue, rule: refusal.rule)
        refusals.withLock { refusals in
            if refusals[reason] == nil, refusals.count >= Self.reasonsMax {
                refusals[.init(kind: "other", rule: "other"), default: 0] += 1
            } else {
                refusals[reason, default: 0] += 1
            }
        }
    }
}

/// Adds to a counter that only the calling thread writes.
func add(_ amount: Int, to counter: borrowing Atomic<UInt64>) {
    counter.store(
        counter.load(ordering: .relaxed) &+ UInt64(amount), ordering: .relaxed)
}
