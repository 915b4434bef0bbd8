import ServiceLifecycle

/// What the server does by itself, from the moment when its engine is open: housekeeping,
/// erasures, exports, checkpoints for witnesses, backups.
struct BackgroundWork: Service {
    let seal: Seal

    func run() async throws {
        guard let engine = await opened() else { return }
        await withTaskGroup { group in
            group.addTask { await Housekeeping(engine: engine).run() }
            group.addTask { await Erasing(engine: engine).run() }
            group.addTask { await Exporting(exporters: engine.exporters).run() }
            group.addTask { await Witnessing(witnesses: engine.witnesses).run() }
            group.addTask { await engine.backups.run() }
            group.addTask {
                await BackupScheduling(
                    backups: engine.backups, clock: engine.clock, logger: engine.logger
                ).run()
            }
        }
    }

    /// nil: the stop came first.
    ///
    /// Not by `cancelOnGracefulShutdown()` of the stream: it merges two sequences, and up to Swift
    /// Async Algorithms 1.1 a merge holds a lock while it suspends, which can block every thread of
    /// the pool on a machine with two (https://github.com/apple/swift-async-algorithms/issues/430).
    private func opened() async -> Engine? {
        await cancelWhenGracefulShutdown {
            for await engine in seal.opened { return engine }
            return nil
        }
    }
}
