import HTTP
import Logging
import NIOCore
import Query
import Store
import Synchronization

/// What the HTTP module calls: sends each request to where it is answered.
///
/// The two ingest routes are matched on bytes and stay on the event loop. For the others the token
/// is looked at on the loop too (its cache is there), then the request is copied and runs as a
/// task.
///
/// `@unchecked Sendable`: `lanes` is written by `attach` before the server listens and after its
/// event loops have stopped, and only read from then on.
final class Gateway: HTTPHandler, @unchecked Sendable {
    private let router: Router
    private let webSocket: WebSocketRoute
    private let work: RequestRunner
    private let waits: RequestRunner
    private let clock: @Sendable () -> Milliseconds
    private let logger: Logger
    private var lanes: [LoopIngest] = []

    init(
        router: Router, webSocket: WebSocketRoute, work: RequestRunner, waits: RequestRunner,
        clock: @escaping @Sendable () -> Milliseconds, logger: Logger
    ) {
        self.router = router
        self.webSocket = webSocket
        self.work = work
        self.waits = waits
        self.clock = clock
        self.logger = logger
    }

    func attach(_ lanes: [LoopIngest]) { self.lanes = lanes }

    func handle(
        _ request: borrowing HTTPRequestView, _ token: ResponseToken, on loop: HTTPLoop
    ) {
        let path = Self.pathOnly(request.path)
        if request.method == .post {
            // What stands behind the path, its "?" included: empty for nearly all.
            let rest = UnsafeRawBufferPointer(rebasing: request.path[path.count...])
            if path.matches("/event") {
                return lanes[loop.index].receive(request, token, isBatch: false, query: rest)
            }
            if path.matches("/events") {
                return lanes[loop.index].receive(request, token, isBatch: true, query: rest)
            }
        }
        dispatch(request, path, token, loop)
    }

    func webSocketRequested(_ request: HTTPRequest) async -> WebSocketDecision {
        await webSocket.decide(request, now: clock())
    }

    private func dispatch(
        _ request: borrowing HTTPRequestView, _ path: UnsafeRawBufferPointer,
        _ token: ResponseToken, _ loop: HTTPLoop
    ) {
        let now = clock()
        let route: Route
        let parameters: [String: String]
        switch router.match(
            method: request.method.rawValue, path: String(decoding: path, as: UTF8.self))
        {
        case .found(let found, let values): (route, parameters) = (found, values)
        case .otherMethod(let allowed):
            return loop.respond(token, Problem.methodNotAllowed(allowed).response)
        case .nothing:
            return loop.respond(
                token,
                Problem.notFound("No route has this path. GET /openapi.yaml lists them.").response)
        }
        var caller: Principal?
        if let roles = Self.roles(of: route.access) {
            guard let known = lanes[loop.index].principal(request.authorization, now: now) else {
                return loop.respond(token, Problem.unauthorized.response)
            }
            if let problem = Self.refusal(known, needing: roles) {
                return loop.respond(token, problem.response)
            }
            caller = known
        }
        if case .webSocket = route.work {
            return loop.respond(token, Problem.upgradeRequired.response)
        }
        let call = RouteRequest(
            http: request.copied(), parameters: parameters, caller: caller, now: now)
        var runner = work
        if case .longPoll = route.work { runner = waits }
        let isTaken = runner.submit {
            let response = await self.run(route, call)
            loop.submit(token, response)
        }
        if !isTaken {
            loop.respond(token, Problem.overloaded(retryAfterSeconds: 1).response)
        }
    }

    private func run(_ route: Route, _ call: RouteRequest) async -> HTTPResponse {
        do {
            return try await route.handle(call)
        } catch let problem as Problem {
            return problem.response
        } catch let error as LifeCycleError {
            return Problem(error).response
        } catch let error as StoreError {
            logIfOurs(error, route)
            return Problem(error).response
        } catch let error as QueryError {
            if case .store(let inner) = error { logIfOurs(inner, route) }
            return Problem(error).response
        } catch {
            // The type names the mistake; the value of an unknown error could hold anything.
            logger.error(
                "a request failed",
                metadata: [
                    "route": "\(route.method.rawValue) \(route.template)",
                    "error": "\(type(of: error))",
                ])
            return Problem.internalError.response
        }
    }

    private func logIfOurs(_ error: StoreError, _ route: Route) {
        switch error {
        case .overloaded, .conflict, .closed, .subjectFenced: return
        case .poisoned, .corrupt, .io, .locked, .olderThanWatermark, .diskFull:
            logger.error(
                "the store failed a request",
                metadata: [
                    "route": "\(route.method.rawValue) \(route.template)", "error": "\(error)",
                ])
        }
    }

    /// nil: no token is needed. Empty: any role will do.
    private static func roles(of access: Route.Access) -> [Role]? {
        switch access {
        case .open: nil
        case .anyClient: []
        case .roles(let roles): roles
        }
    }

    private static func refusal(_ caller: Principal, needing roles: [Role]) -> Problem? {
        guard !roles.isEmpty, !roles.contains(caller.role) else { return nil }
        let needed = roles.map(\.rawValue).joined(separator: " or ")
        return .forbidden(
            "This needs the role \(needed); this client's role is \(caller.role.rawValue).")
    }

    static func pathOnly(_ target: UnsafeRawBufferPointer) -> UnsafeRawBufferPointer {
        guard let end = target.firstIndex(of: UInt8(ascii: "?")) else { return target }
        return UnsafeRawBufferPointer(rebasing: target[..<end])
    }
}
