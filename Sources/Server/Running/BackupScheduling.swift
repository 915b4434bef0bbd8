import Logging
import ServiceLifecycle
import Store

/// Once a minute: makes a backup if one is due, and removes old ones. Apart from housekeeping,
/// because the device of the backups may hang: what must expire does not wait for it.
struct BackupScheduling: Service {
    let backups: Backups
    let clock: @Sendable () -> Milliseconds
    let logger: Logger

    func run() async {
        await cancelWhenGracefulShutdown {
            while !Task.isCancelled {
                await tick(now: clock())
                do {
                    try await Task.sleep(for: .seconds(Housekeeping.seconds))
                } catch {
                    return
                }
            }
        }
    }

    /// One round. What fails is logged and tried again in the next one.
    func tick(now: Milliseconds) async {
        do {
            try await backups.tick(now: now)
        } catch BackupFailure.cancelled {
            return
        } catch let failure as BackupFailure {
            report(failure.description)
        } catch let error as StoreError {
            report(error.description)
        } catch {
            report("\(type(of: error))")
        }
    }

    private func report(_ reason: String) {
        logger.error("the schedule of backups failed", metadata: ["reason": "\(reason)"])
    }
}
