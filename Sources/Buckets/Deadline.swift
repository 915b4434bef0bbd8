/// Bounds how long something may take in all, whatever its parts may take.
enum Deadline {
    private enum Ending<Value: Sendable>: Sendable {
        case ended(Result<Value, BucketError>)
        /// True: the time was up; false: it was not needed any more.
        case timer(Bool)
    }

    /// Runs `body`, and cancels it after so many seconds.
    /// - Throws: `unreachable` if the time was up before it ended; what `body` throws.
    static func run<Value: Sendable>(
        seconds: Int, _ body: @escaping @Sendable () async throws(BucketError) -> Value
    ) async throws(BucketError) -> Value {
        let (result, isOver) = await withTaskGroup(of: Ending<Value>.self) { group in
            group.addTask {
                do throws(BucketError) {
                    return .ended(.success(try await body()))
                } catch {
                    return .ended(.failure(error))
                }
            }
            group.addTask {
                do {
                    try await Task.sleep(for: .seconds(seconds))
                    return .timer(true)
                } catch {
                    return .timer(false)
                }
            }
            var result = Result<Value, BucketError>.failure(.cancelled)
            var isOver = false
            for await ending in group {
                switch ending {
                case .ended(let ended): result = ended
                case .timer(let isUp): isOver = isUp
                }
                group.cancelAll()
            }
            return (result, isOver)
        }
        if isOver, case .failure(.cancelled) = result {
            throw .unreachable("it did not answer within \(seconds) s")
        }
        return try result.get()
    }
}
