import Store
import Synchronization

/// How many refused token requests get an audit entry of their own: 30 at once, then one in 10
/// seconds. The others are counted and recorded together once a minute, so that nobody without a
/// secret can fill the audit log, and yet no refusal goes unrecorded.
final class RefusalBudget: Sendable {
    static let burst: Int64 = 30
    static let refillMilliseconds: Milliseconds = 10_000

    private struct State {
        var allowance = RefusalBudget.burst * RefusalBudget.refillMilliseconds
        var last: Milliseconds?
        var suppressed = 0
    }

    private let state = Mutex(State())

    /// - Returns: true if this refusal gets its own entry; else it has been counted.
    func take(now: Milliseconds) -> Bool {
        state.withLock { state in
            let elapsed = max(0, now - (state.last ?? now))
            state.last = max(now, state.last ?? now)
            state.allowance = min(
                Self.burst * Self.refillMilliseconds, state.allowance &+ min(elapsed, 86_400_000))
            guard state.allowance >= Self.refillMilliseconds else {
                state.suppressed += 1
                return false
            }
            state.allowance -= Self.refillMilliseconds
            return true
        }
    }

    /// The refusals counted since the last call. If they cannot be recorded, give them back with
    /// `restore`.
    func takeSuppressed() -> Int {
        state.withLock { state in
            defer { state.suppressed = 0 }
            return state.suppressed
        }
    }

    func restore(_ count: Int) { state.withLock { $0.suppressed += count } }
}
