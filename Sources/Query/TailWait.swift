import Store
import Synchronization

/// Waits until something is synced beyond a place, for a bounded time.
struct TailWait: Sendable {
    enum Outcome: Sendable { case moved, timedOut, cancelled }

    /// How a task sleeps: real time in the server, something else in tests.
    typealias Sleep = @Sendable (Duration) async throws -> Void

    let store: Store
    let sleep: Sleep

    /// Returns when any of the partitions has an event at or beyond its place, after `duration`, or
    /// when the task is cancelled; whichever comes first. Leaves no watcher behind.
    /// Cost: nothing while it waits but the memory of a continuation and a timer.
    func wait(
        for places: [(partition: PartitionID, offset: Offset)], atMost duration: Duration
    ) async -> Outcome {
        await withTaskGroup(of: Outcome.self) { group in
            group.addTask { await Self.watch(places, in: store) }
            group.addTask {
                do {
                    try await sleep(duration)
                    return .timedOut
                } catch {
                    return .cancelled
                }
            }
            let first = await group.next() ?? .cancelled
            group.cancelAll()
            // The tail may have moved in the instant in which time was up: nothing is lost, since
            // the caller's cursor has not.
            return Task.isCancelled ? .cancelled : first
        }
    }

    private static func watch(
        _ places: [(partition: PartitionID, offset: Offset)], in store: Store
    ) async -> Outcome {
        let once = Once()
        return await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                once.arm(continuation)
                let tickets = places.map { place in
                    store.watch(place.partition, beyond: place.offset) { once.finish(.moved) }
                }
                once.keep(tickets, in: store)
            }
        } onCancel: {
            once.finish(.cancelled)
        }
    }

    /// Resumes its continuation once, by whoever is first, and takes the watchers back.
    private final class Once: Sendable {
        private struct State {
            var continuation: CheckedContinuation<Outcome, Never>?
            var outcome: Outcome?
            var tickets: [WatchTicket] = []
            var store: Store?
        }

        private let state = Mutex(State())

        func arm(_ continuation: CheckedContinuation<Outcome, Never>) {
            let early = state.withLock { state in
                if state.outcome == nil { state.continuation = continuation }
                return state.outcome
            }
            if let early { continuation.resume(returning: early) }
        }

        /// Takes note of the watchers; takes them back at once if it is all over already.
        func keep(_ tickets: [WatchTicket], in store: Store) {
            let isOver = state.withLock { state in
                if state.outcome == nil {
                    state.tickets = tickets
                    state.store = store
                }
                return state.outcome != nil
            }
            if isOver { for ticket in tickets { store.unwatch(ticket) } }
        }

        func finish(_ outcome: Outcome) {
            let ended = state.withLock { state -> State? in
                guard state.outcome == nil else { return nil }
                state.outcome = outcome
                defer {
                    state.continuation = nil
                    state.tickets = []
                    state.store = nil
                }
                return state
            }
            guard let ended else { return }
            if let store = ended.store {
                for ticket in ended.tickets { store.unwatch(ticket) }
            }
            ended.continuation?.resume(returning: outcome)
        }
    }
}
