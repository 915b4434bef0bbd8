import Logging
import ServiceLifecycle
import Store
import Subjects

/// Once a minute: destroys the keys of erased people and writes their receipts. Apart from
/// housekeeping, because receipts look through the audit log and the events: neither expiry nor
/// anything else waits for them.
struct Erasing: Service {
    let engine: Engine

    func run() async {
        await cancelWhenGracefulShutdown {
            while !Task.isCancelled {
                let isMore = await tick(now: engine.clock())
                do {
                    try await Task.sleep(for: .seconds(isMore ? 1 : Housekeeping.seconds))
                } catch {
                    return
                }
            }
        }
    }

    /// One round. What fails is logged and tried again in the next one.
    /// - Returns: whether there is more to do at once.
    @discardableResult
    func tick(now: Milliseconds) async -> Bool {
        do throws(SubjectError) {
            return try await engine.subjects.tick(now: now)
        } catch {
            engine.logger.error(
                "erasing failed", metadata: ["error": "\(error.description)"])
            return false
        }
    }
}
