/// Hands one result from a thread to another that waits for it.
///
/// `@unchecked Sendable`: the value is read and written with `lock` held.
final class Answer<Success: Sendable>: @unchecked Sendable {
    private let lock = ConditionLock()
    private var value: Result<Success, StoreError>?

    func give(_ result: Result<Success, StoreError>) {
        lock.withLock {
            value = result
            lock.broadcast()
        }
    }

    /// Blocks until there is one.
    func take() -> Result<Success, StoreError> {
        lock.withLock {
            while true {
                if let value { return value }
                lock.wait()
            }
        }
    }
}
