/// A few threads for calls that block (reads of the engine, look-ups of keys).
///
/// Bounded in threads and in what may wait; what is over that is refused as overloaded, so that a
/// flood of slow reads costs neither memory nor the event loops.
///
/// `@unchecked Sendable`: all mutable state is read and written with `lock` held, but for the
/// filling of `threads` in `init`.
package final class BlockingPool: @unchecked Sendable {
    private let lock = ConditionLock()
    private let waitingMax: Int
    private var waiting: [@Sendable () -> Void] = []
    /// Index of the next job in `waiting`; what is before it has been taken.
    private var next = 0
    private var isShutDown = false
    private var threads: [StoreThread] = []

    package init(threads count: Int, waitingMax: Int) throws(StoreError) {
        self.waitingMax = waitingMax
        for index in 0..<max(1, count) {
            do throws(StoreError) {
                threads.append(
                    try StoreThread(name: "strm-read-\(index)") { [self] in work() })
            } catch {
                shutdown()
                throw error
            }
        }
    }

    /// Runs `body` on a thread of the pool and gives back what it gives.
    /// - Throws: what `body` throws; `StoreError.overloaded` if too much waits; `.closed`.
    package func run<Result: Sendable>(
        _ body: @escaping @Sendable () throws -> Result
    ) async throws -> Result {
        try await withCheckedThrowingContinuation { continuation in
            do {
                try submit { continuation.resume(with: Swift.Result { try body() }) }
            } catch {
                continuation.resume(throwing: error)
            }
        }
    }

    /// The same without waiting for the end.
    package func submit(_ job: @escaping @Sendable () -> Void) throws(StoreError) {
        try lock.withLock { () throws(StoreError) in
            guard !isShutDown else { throw .closed }
            guard waiting.count - next < waitingMax else {
                throw .overloaded(retryAfterSeconds: 1)
            }
            waiting.append(job)
            lock.signal()
        }
    }

    /// Jobs that wait for a thread.
    package var waitingCount: Int { lock.withLock { waiting.count - next } }

    /// Takes no more jobs, does those that wait, and ends the threads. Not to be called by a job.
    package func shutdown() {
        let threads = lock.withLock { () -> [StoreThread] in
            isShutDown = true
            lock.broadcast()
            defer { self.threads = [] }
            return self.threads
        }
        for thread in threads { thread.join() }
    }

    private func work() {
        while let job = take() { job() }
    }

    private func take() -> (@Sendable () -> Void)? {
        lock.withLock {
            while next == waiting.count {
                if isShutDown { return nil }
                lock.wait()
            }
            let job = waiting[next]
            next += 1
            if next == waiting.count {
                waiting.removeAll(keepingCapacity: true)
                next = 0
            } else if next >= 1024 {
                // So that a queue that is never empty does not grow for ever.
                waiting.removeFirst(next)
                next = 0
            }
            return job
        }
    }
}
