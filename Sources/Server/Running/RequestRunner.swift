import ServiceLifecycle
import Synchronization

/// Runs requests that are not hot as child tasks of one group: no task without a parent, and never
/// more than `limit` at once. What is beyond is refused at once, so memory is bounded.
final class RequestRunner: Service {
    typealias Job = @Sendable () async -> Void

    private let limit: Int
    /// Long-polls are cut short by a stop; changes are finished.
    private let cancelsOnStop: Bool
    private let running = Atomic<Int>(0)
    private let jobs: AsyncStream<Job>
    private let continuation: AsyncStream<Job>.Continuation

    init(limit: Int, cancelsOnStop: Bool) {
        self.limit = limit
        self.cancelsOnStop = cancelsOnStop
        // `limit` bounds what is in the stream: a job is counted before it is put there.
        (jobs, continuation) = AsyncStream.makeStream(of: Job.self, bufferingPolicy: .unbounded)
    }

    var runningCount: Int { running.load(ordering: .relaxed) }

    /// Callable from any thread; does not block.
    /// - Returns: false if too many run already or the runner is stopping; the job is not run then.
    func submit(_ job: @escaping Job) -> Bool {
        guard running.add(1, ordering: .relaxed).newValue <= limit else {
            running.subtract(1, ordering: .relaxed)
            return false
        }
        if case .enqueued = continuation.yield(job) { return true }
        running.subtract(1, ordering: .relaxed)
        return false
    }

    /// Takes no more. Those that run are cancelled or finished, as `cancelsOnStop` says.
    func finish() { continuation.finish() }

    func run() async {
        await withGracefulShutdownHandler {
            await withDiscardingTaskGroup { group in
                for await job in jobs {
                    group.addTask {
                        await job()
                        self.running.subtract(1, ordering: .relaxed)
                    }
                }
                if cancelsOnStop { group.cancelAll() }
            }
        } onGracefulShutdown: {
            self.finish()
        }
    }
}
