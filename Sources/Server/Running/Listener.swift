import HTTP
import Logging
import ServiceLifecycle
import Store
import Synchronization

/// The HTTP server as a service: listens, serves, and at a stop lets go of long-polls before it
/// drains.
///
/// It listens before there is an engine, and answers as `SealedGateway` says; `open` gives it one.
/// The port, its limits and TLS are the same before and after.
final class Listener: Service {
    private let settings: ServerSettings
    private let work: RequestRunner
    private let waits: RequestRunner
    private let server: HTTPServer
    private let seal: Seal
    private let logger: Logger
    private let onReady: @Sendable (Int) -> Void
    private let front = Front()

    /// What `open` makes. The sealed gateway, which calls `open`, is held by the server.
    private final class Front: Sendable {
        struct State {
            var gateway: Gateway?
            var lanes: [LoopIngest] = []
            var isStopped = false
        }

        let state = Mutex(State())
    }

    init(
        settings: ServerSettings, seal: Seal, work: RequestRunner, waits: RequestRunner,
        startedAt: Milliseconds, logger: Logger, onReady: @escaping @Sendable (Int) -> Void
    ) {
        self.settings = settings
        self.seal = seal
        self.work = work
        self.waits = waits
        self.logger = logger
        self.onReady = onReady
        let opening = Opening()
        let sealed = SealedGateway(
            seal: seal, work: work, startedAt: startedAt,
            statistics: { opening.listener?.server.statistics },
            onOpen: { opening.listener?.open($0) })
        server = HTTPServer(
            configuration: settings.http.configuration, handler: sealed, logger: logger)
        opening.set(self)
    }

    /// Lets the sealed gateway, which is made first, reach the listener that it is made for.
    private final class Opening: Sendable {
        private struct Box { weak var listener: Listener? }
        private let box = Mutex(Box())

        var listener: Listener? { box.withLock { $0.listener } }
        func set(_ listener: Listener) { box.withLock { $0.listener = listener } }
    }

    /// Requests go to the engine from now on. Called once; does nothing after the stop.
    func open(_ engine: Engine) {
        let authority = Authority(tokens: engine.tokens, catalog: engine.catalog)
        let webSocket = WebSocketRoute(
            authority: authority, query: engine.query,
            connectionsMax: settings.limits.webSocketsMax, runner: waits,
            clock: engine.clock, logger: logger)
        let gateway = Gateway(
            router: Router(RouteTable.routes(engine, webSocket)), webSocket: webSocket,
            work: work, waits: waits, clock: engine.clock, logger: logger)
        let lanes = server.loops.map {
            LoopIngest(
                loop: $0, ingest: engine.ingest, authority: authority, clock: engine.clock)
        }
        gateway.attach(lanes)
        engine.attach(
            Engine.HTTPFigures(
                statistics: { [server] in server.statistics },
                running: { [work] in work.runningCount },
                waiting: { [waits] in waits.runningCount },
                wrongMasterKeys: { [seal] in seal.wrongKeys }))
        let isStopped = front.state.withLock { state in
            if !state.isStopped { (state.gateway, state.lanes) = (gateway, lanes) }
            return state.isStopped
        }
        guard !isStopped else {
            for lane in lanes { lane.stop() }
            gateway.attach([])
            return
        }
        for loop in server.loops { loop.replaceHandler(with: gateway) }
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
                deadlineSeconds: Double(settings.http.shutdownSeconds))
            release()
        }
    }

    /// The event loops have stopped. Lanes, loops and gateway hold each other in circles; without
    /// this the vault would never let go of its keyring.
    private func release() {
        let (gateway, lanes) = front.state.withLock { state in
            defer { state = Front.State(isStopped: true) }
            return (state.gateway, state.lanes)
        }
        for lane in lanes { lane.stop() }
        gateway?.attach([])
    }
}
