import ServiceLifecycle

/// What the server does by itself, from the moment when its engine is open: housekeeping,
/// erasures, exports, checkpoints for witnesses, backups.
struct BackgroundWork: Service {
    let seal: Seal

    func run() async throws {
        for await engine in seal.opened.cancelOnGracefulShutdown() {
            await withTaskGroup { group in
                group.addTask { await Housekeeping(engine: engine).run() }
                group.addTask { await Erasing(engine: engine).run() }
                group.addTask { await Exporting(exporters: engine.exporters).run() }
                group.addTask { await Witnessing(witnesses: engine.witnesses).run() }
                group.addTask { await engine.backups.run() }
            }
            return
        }
    }
}
