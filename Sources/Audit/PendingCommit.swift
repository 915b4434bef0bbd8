import Store
import Synchronization

/// One result that one task waits for and any thread gives. The first result counts.
final class PendingCommit: Sendable {
    private enum State {
        case empty
        case waiting(CheckedContinuation<Result<Void, StoreError>, Never>)
        case finished(Result<Void, StoreError>)
    }

    private let state = Mutex(State.empty)

    func finish(_ result: Result<Void, StoreError>) {
        let waiter = state.withLock { state in
            switch state {
            case .empty:
                state = .finished(result)
                return CheckedContinuation<Result<Void, StoreError>, Never>?.none
            case .waiting(let continuation):
                state = .finished(result)
                return continuation
            case .finished:
                return nil
            }
        }
        waiter?.resume(returning: result)
    }

    /// Called once.
    func value() async -> Result<Void, StoreError> {
        await withCheckedContinuation { continuation in
            let result = state.withLock { state -> Result<Void, StoreError>? in
                if case .finished(let result) = state { return result }
                state = .waiting(continuation)
                return nil
            }
            if let result { continuation.resume(returning: result) }
        }
    }
}
