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
            connectionsMax: engine.settings.limits.webSocketsMax, clock: engine.clock,
            logger: logger)
        let gateway = Gateway(
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
        do {
            onReady(try await server.start())
        } catch {
            await server.shutdownGracefully(deadlineSeconds: 0)
            stopLanes()
            throw error
        }
        do {
            try await gracefulShutdown()
        } catch {
            // Cancelled: the same end, only without a signal.
        }
        waits.finish()
        await server.shutdownGracefully(
            deadlineSeconds: Double(engine.settings.http.shutdownSeconds))
        stopLanes()
    }

    private func stopLanes() {
        for lane in lanes { lane.stop() }
    }
}
