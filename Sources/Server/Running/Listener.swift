import HTTP
import Logging
import ServiceLifecycle

/// The HTTP server as a service: listens, serves, and at a stop lets go of long-polls before it
/// drains.
final class Listener: Service {
    private let engine: Engine
    private let waits: RequestRunner
    private let server: HTTPServer
    private let lanes: [LoopIngest]
    private let gateway: Gateway
    private let onReady: @Sendable (Int) -> Void

    init(
        engine: Engine, work: RequestRunner, waits: RequestRunner, logger: Logger,
        onReady: @escaping @Sendable (Int) -> Void
    ) {
        self.engine = engine
        self.waits = waits
        self.onReady = onReady
        let authority = Authority(tokens: engine.tokens, catalog: engine.catalog)
        let webSocket = WebSocketRoute(
            authority: authority, query: engine.query,
            connectionsMax: engine.settings.limits.webSocketsMax, runner: waits,
            clock: engine.clock, logger: logger)
        gateway = Gateway(
            router: Router(RouteTable.routes(engine, webSocket)), webSocket: webSocket,
            work: work, waits: waits, clock: engine.clock, logger: logger)
        server = HTTPServer(
            configuration: engine.settings.http.configuration, handler: gateway, logger: logger)
        lanes = server.loops.map {
            LoopIngest(
                loop: $0, ingest: engine.ingest, authority: authority, clock: engine.clock)
        }
        gateway.attach(lanes)
        engine.attach(
            Engine.HTTPFigures(
                statistics: { [server] in server.statistics },
                running: { work.runningCount }, waiting: { waits.runningCount }))
    }

    func run() async throws {
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { await self.waits.run() }
            do {
                onReady(try await server.start())
            } catch {
                waits.finish()
                await server.shutdownGracefully(deadlineSeconds: 0)
                release()
                throw error
            }
            do {
                try await gracefulShutdown()
            } catch {
                // Cancelled: the same end, only without a signal.
            }
            // Long-polls and WebSockets are cut short first; then what is in flight is finished.
            waits.finish()
            try await group.waitForAll()
            await server.shutdownGracefully(
                deadlineSeconds: Double(engine.settings.http.shutdownSeconds))
            release()
        }
    }

    /// The event loops have stopped. Lanes, loops and gateway hold each other in circles; without
    /// this the vault would never let go of its keyring.
    private func release() {
        for lane in lanes { lane.stop() }
        gateway.attach([])
    }
}
