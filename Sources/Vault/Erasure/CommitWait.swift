import Dispatch
import Store
import Synchronization

/// A thread that may block waits here for its commit.
final class CommitWait: Sendable {
    private let result = Mutex<Result<CommitReceipt, StoreError>?>(nil)
    private let semaphore = DispatchSemaphore(value: 0)

    func finish(_ result: Result<CommitReceipt, StoreError>) {
        self.result.withLock { $0 = result }
        semaphore.signal()
    }

    func value() throws(VaultError) {
        semaphore.wait()
        if case .failure(let error)? = result.withLock({ $0 }) { throw .store(error) }
    }
}
