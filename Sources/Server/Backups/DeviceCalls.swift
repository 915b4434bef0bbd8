import Store
import Synchronization

/// Calls of a device that may not answer, on two threads of their own. Who waits for one can be sent
/// away: the thread stays in it for as long as the device does.
final class DeviceCalls: Sendable {
    private struct State {
        var next: UInt64 = 0
        /// Sends away who waits for a call, by its number.
        var waiting: [UInt64: @Sendable () -> Void] = [:]
        var refuses = false
        var hasGivenUp = false
    }

    /// Shared with the threads.
    private final class Calls: Sendable {
        let state = Mutex(State())

        func end(_ number: UInt64) { state.withLock { $0.waiting[number] = nil } }
    }

    /// Calls that wait for a thread.
    private static let waitingMax = 64

    private let pool: BlockingPool
    private let calls = Calls()

    init() throws(StoreError) {
        pool = try BlockingPool(threads: 2, waitingMax: Self.waitingMax)
    }

    deinit {
        // A thread that hangs is not waited for; it ends with the process.
        if !calls.state.withLock({ $0.hasGivenUp }) { pool.shutdown() }
    }

    /// Runs `body`, which may block, and gives back what it gives.
    /// - Throws: what `body` throws; `StoreError.overloaded`; `BackupFailure.cancelled`: calls are
    ///   refused, or this one was given up and may still be under way.
    func run<Value: Sendable>(
        _ body: @escaping @Sendable () throws -> Value
    ) async throws -> Value {
        try await withCheckedThrowingContinuation { continuation in
            let wait = DeviceWait(continuation)
            guard let number = begin({ wait.end(.failure(BackupFailure.cancelled)) }) else {
                return wait.end(.failure(BackupFailure.cancelled))
            }
            do throws(StoreError) {
                try pool.submit { [calls] in
                    let result = Result { try body() }
                    calls.end(number)
                    wait.end(result)
                }
            } catch {
                calls.end(number)
                wait.end(.failure(error))
            }
        }
    }

    private func begin(_ sendAway: @escaping @Sendable () -> Void) -> UInt64? {
        calls.state.withLock { state in
            guard !state.refuses else { return nil }
            state.next += 1
            state.waiting[state.next] = sendAway
            return state.next
        }
    }

    /// No call is begun from now on.
    func refuse() { calls.state.withLock { $0.refuses = true } }

    /// Somebody waits for one.
    var isBusy: Bool { calls.state.withLock { !$0.waiting.isEmpty } }

    /// Sends away whoever waits. The calls themselves go on.
    func giveUp() {
        let waiting = calls.state.withLock { state in
            state.refuses = true
            state.hasGivenUp = state.hasGivenUp || !state.waiting.isEmpty
            defer { state.waiting = [:] }
            return Array(state.waiting.values)
        }
        for sendAway in waiting { sendAway() }
    }
}

/// One who waits; resumed once, by whoever comes first.
private final class DeviceWait<Value: Sendable>: Sendable {
    private let continuation: Mutex<CheckedContinuation<Value, any Error>?>

    init(_ continuation: CheckedContinuation<Value, any Error>) {
        self.continuation = Mutex(continuation)
    }

    func end(_ result: Result<Value, any Error>) {
        let taken = continuation.withLock { continuation in
            defer { continuation = nil }
            return continuation
        }
        taken?.resume(with: result)
    }
}
