import Store
import Synchronization

/// Lets one task at a time in; the others wait in line, suspended, so that they hold no thread.
final class Turn: Sendable {
    /// More are told to come back.
    static let waitingMax = 64

    private struct State {
        var isTaken = false
        var line: [CheckedContinuation<Void, Never>] = []
    }

    private let state = Mutex(State())

    /// How many stand in line.
    var waitingCount: Int { state.withLock { $0.line.count } }

    func run<R: Sendable>(
        _ body: () async throws(SubjectError) -> R
    ) async throws(SubjectError) -> R {
        let hasRoom = state.withLock { !$0.isTaken || $0.line.count < Self.waitingMax }
        guard hasRoom else { throw .store(.overloaded(retryAfterSeconds: 5)) }
        await enter()
        defer { leave() }
        return try await body()
    }

    private func enter() async {
        await withCheckedContinuation { continuation in
            let isNext = state.withLock { state in
                if state.isTaken {
                    state.line.append(continuation)
                    return false
                }
                state.isTaken = true
                return true
            }
            if isNext { continuation.resume() }
        }
    }

    private func leave() {
        let next = state.withLock { state -> CheckedContinuation<Void, Never>? in
            guard !state.line.isEmpty else {
                state.isTaken = false
                return nil
            }
            return state.line.removeFirst()
        }
        next?.resume()
    }
}
