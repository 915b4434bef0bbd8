import Export
import ServiceLifecycle

/// Lets exporters work while the server runs. A stop gives up what is on its way; the next start
/// goes on with its plan.
struct Exporting: Service {
    let exporters: Exporters

    func run() async {
        await cancelWhenGracefulShutdown { await exporters.run() }
    }
}
