import Synchronization

/// Lets a bounded number of reads at the store's threads at once; the others wait in line,
/// suspended.
///
/// One event may wake thousands of waiting readers in the same instant. The store refuses what is
/// over its own bound, which is right for floods from outside, but these have been let in already:
/// they are served in turn. First come, first served; a cancelled one leaves the line.
final class ReadGate: Sendable {
    enum Entry: Sendable { case granted, cancelled, full }

    private struct State {
        var free: Int
        var next = 0
        /// Numbers in the order in which they came; those that left early are not in `waiting`.
        var line: [Int] = []
        var lineStart = 0
        var waiting: [Int: CheckedContinuation<Entry, Never>] = [:]
        /// Cancelled before they could take their place.
        var cancelledEarly: Set<Int> = []
    }

    private let waitingMax: Int
    private let state: Mutex<State>

    /// - Parameter waitingMax: readers in the line; more are told to come back.
    init(concurrentMax: Int = 128, waitingMax: Int = 65_536) {
        self.waitingMax = waitingMax
        state = Mutex(State(free: concurrentMax))
    }

    /// After `.granted` the caller must `leave`.
    func enter() async -> Entry {
        let number = state.withLock { state in
            defer { state.next += 1 }
            return state.next
        }
        let entry = await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let now = state.withLock { state -> Entry? in
                    if state.cancelledEarly.remove(number) != nil { return .cancelled }
                    if state.free > 0 {
                        state.free -= 1
                        return .granted
                    }
                    if state.waiting.count >= waitingMax { return .full }
                    state.waiting[number] = continuation
                    state.line.append(number)
                    return nil
                }
                if let now { continuation.resume(returning: now) }
            }
        } onCancel: {
            let waiting = state.withLock { state in
                let waiting = state.waiting.removeValue(forKey: number)
                if waiting == nil { state.cancelledEarly.insert(number) }
                return waiting
            }
            waiting?.resume(returning: .cancelled)
        }
        // A cancellation that came after the answer left its mark, which nobody else takes away.
        if Task.isCancelled { _ = state.withLock { $0.cancelledEarly.remove(number) } }
        return entry
    }

    /// Lets the next one in.
    func leave() {
        let next = state.withLock { state -> CheckedContinuation<Entry, Never>? in
            while state.lineStart < state.line.count {
                let number = state.line[state.lineStart]
                state.lineStart += 1
                if state.lineStart == 1_024 {
                    // So that a line that is never empty does not grow for ever.
                    state.line.removeFirst(state.lineStart)
                    state.lineStart = 0
                }
                if let continuation = state.waiting.removeValue(forKey: number) {
                    return continuation
                }
            }
            state.line.removeAll(keepingCapacity: true)
            state.lineStart = 0
            state.free += 1
            return nil
        }
        next?.resume(returning: .granted)
    }
}
