import Audit
import HTTP
import Logging
import ServiceLifecycle
package import Store
import Synchronization
import UnixSignals
package import Vault

/// `strm serve`: the whole program but for its command line.
package final class StreamMachineServer: Sendable {
    private let settings: ServerSettings
    private let clock: @Sendable () -> Milliseconds
    private let vaultClock: VaultClock
    private let onReady: @Sendable (Int) -> Void
    private let observer: (any CommitObserver)?
    private let retryPause: SealRetry.Pause
    private let group = Mutex<ServiceGroup?>(nil)

    /// - Parameters:
    ///   - clock: the time of events, tokens and expiry.
    ///   - onReady: called once with the port, when requests are taken.
    package init(
        _ settings: ServerSettings,
        clock: @escaping @Sendable () -> Milliseconds = SystemClock.milliseconds,
        vaultClock: VaultClock = .system,
        onReady: @escaping @Sendable (_ port: Int) -> Void = { _ in }
    ) {
        self.settings = settings
        self.clock = clock
        self.vaultClock = vaultClock
        self.onReady = onReady
        observer = nil
        retryPause = SealRetry.clockPause
    }

    /// For tests that stall or fail commits, or decide when a sealed server looks for its key.
    init(
        _ settings: ServerSettings, clock: @escaping @Sendable () -> Milliseconds,
        vaultClock: VaultClock, observer: (any CommitObserver)?,
        retryPause: @escaping SealRetry.Pause = SealRetry.clockPause,
        onReady: @escaping @Sendable (_ port: Int) -> Void
    ) {
        self.settings = settings
        self.clock = clock
        self.vaultClock = vaultClock
        self.onReady = onReady
        self.observer = observer
        self.retryPause = retryPause
    }

    /// Serves until SIGTERM, SIGINT, `stop` or the cancellation of the task, then stops gracefully:
    /// peers are told, what is in flight is finished, the stop is recorded, the store closed.
    /// Returns after that.
    ///
    /// If the master key cannot be had it serves sealed, until it can or an operator brings it.
    /// - Throws: why the start was refused; nothing listens then. Each error's description is safe
    ///   to show.
    package func run() async throws {
        AllocatorArenas.bound()
        // Before any key is read.
        let complaints = ProcessHardening.apply()
        let logger = StreamLogHandler.logger(settings.log, clock: clock)
        for complaint in complaints {
            logger.warning("hardening is incomplete", metadata: ["reason": "\(complaint)"])
        }
        let seal = Seal(
            makeEngine: { [settings, clock, vaultClock, observer] key in
                try Engine(
                    settings: settings, clock: clock, vaultClock: vaultClock, logger: logger,
                    observer: observer, masterKey: key)
            }, monotonic: vaultClock.monotonic, logger: logger)
        let first = try await seal.openAtStart()
        do {
            try await serve(seal, first, logger)
        } catch {
            await seal.engine?.close()
            throw error
        }
        await seal.engine?.close()
        logger.info("stopped")
    }

    /// Starts the graceful stop; `run` returns when it is done. Harmless before the start and after
    /// the end.
    package func stop() async {
        await group.withLock { $0 }?.triggerGracefulShutdown()
    }

    private func serve(_ seal: Seal, _ engine: Engine?, _ logger: Logger) async throws {
        let work = RequestRunner(
            limit: settings.limits.requestsInFlightMax, cancelsOnStop: false)
        let waits = RequestRunner(limit: settings.limits.requestsInFlightMax, cancelsOnStop: true)
        let listener = Listener(
            settings: settings, seal: seal, work: work, waits: waits, startedAt: clock(),
            logger: logger, onReady: onReady)
        if let engine { listener.open(engine) }
        // Stopped in the reverse order: first the listener, so that the tasks of its requests live
        // until it is done.
        let group = ServiceGroup(
            configuration: ServiceGroupConfiguration(
                services: [
                    .init(service: work),
                    .init(service: BackgroundWork(seal: seal)),
                    .init(
                        service: SealRetry(
                            seal: seal, source: settings.masterKey.source, pause: retryPause,
                            onOpen: { listener.open($0) })),
                    .init(
                        service: listener,
                        successTerminationBehavior: .gracefullyShutdownGroup,
                        failureTerminationBehavior: .gracefullyShutdownGroup),
                ], gracefulShutdownSignals: [.sigterm, .sigint], logger: logger))
        self.group.withLock { $0 = group }
        defer { self.group.withLock { $0 = nil } }
        try await group.run()
    }
}
