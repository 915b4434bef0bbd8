import HTTP
import Logging
import Query
import Store
import Synchronization

/// `GET /ws`: the events of the token's stream as they come, one JSON event a text frame. A slow
/// reader waits in `send` and costs one page; nothing is read ahead of it.
final class WebSocketRoute: Sendable {
    static let parameters = ["asJson", "cursor", "from", "to", "limit", "keyLink"]

    private let authority: Authority
    private let query: Query
    private let connectionsMax: Int
    private let runner: RequestRunner
    private let logger: Logger
    private let clock: @Sendable () -> Milliseconds
    private let open = Atomic<Int>(0)

    init(
        authority: Authority, query: Query, connectionsMax: Int, runner: RequestRunner,
        clock: @escaping @Sendable () -> Milliseconds, logger: Logger
    ) {
        self.clock = clock
        self.authority = authority
        self.query = query
        self.connectionsMax = connectionsMax
        self.runner = runner
        self.logger = logger
    }

    /// The row of the table; a request without handshake gets 426.
    var route: Route {
        Route(
            method: .get, template: "/ws", access: .roles([.reader, .streamOwner]),
            work: .webSocket
        ) { _ in throw Problem.upgradeRequired }
    }

    func decide(_ request: HTTPRequest, now: Milliseconds) async -> WebSocketDecision {
        do throws(Problem) {
            guard request.path == "/ws" else {
                throw .notFound("The only WebSocket is /ws.")
            }
            let session = try accept(request, now)
            guard open.load(ordering: .relaxed) < connectionsMax else {
                throw .overloaded(retryAfterSeconds: 5)
            }
            return .accept { connection in
                // The place is taken here, not above: a client that is gone before its handshake
                // ends never gets here, and would keep it for ever.
                defer { self.open.subtract(1, ordering: .relaxed) }
                guard self.open.add(1, ordering: .relaxed).newValue <= self.connectionsMax else {
                    return await connection.close(code: .tryAgainLater, reason: "overloaded")
                }
                await self.run(connection, session)
            }
        } catch {
            return .reject(error.response)
        }
    }

    private func accept(
        _ request: HTTPRequest, _ now: Milliseconds
    ) throws(Problem) -> Session {
        guard let header = request.header("authorization") else { throw .unauthorized }
        let verified = Array(header.utf8).withUnsafeBytes { bytes in
            Authority.bearer(bytes).flatMap { authority.principal(of: $0, now: now) }
        }
        guard let verified else { throw .unauthorized }
        let caller = verified.principal
        let parameters = try QueryParameters(request.query, allowed: Self.parameters)
        _ = try parameters.flag("asJson")
        let target = try caller.readTarget(of: caller.scope ?? "", in: authority.catalog.snapshot)
        let wanted = try EventRoutes.request(parameters)
        return Session(
            caller: caller,
            reader: Query.Reader(
                client: caller.clientID, role: caller.role.rawValue, target: target),
            wanted: wanted, expiresAt: verified.expiresAtSeconds * 1_000)
    }

    /// Serves as a job of the runner, so that a stop ends it before the event loops go.
    private func run(_ connection: WebSocketConnection, _ session: Session) async {
        await withCheckedContinuation { continuation in
            let isTaken = runner.submit {
                await self.serve(connection, session)
                continuation.resume()
            }
            if !isTaken { continuation.resume() }
        }
    }

    /// Ends when the client goes, its token expires, its right is taken away, or the server stops.
    private func serve(_ connection: WebSocketConnection, _ session: Session) async {
        let reason = await withTaskGroup(of: CloseReason.self) { group in
            group.addTask { await self.send(session, to: connection) }
            group.addTask { await self.watch(session, connection) }
            let first = await group.next() ?? .done
            group.cancelAll()
            return first
        }
        await connection.close(code: reason.code, reason: reason.text)
    }

    private func send(_ session: Session, to connection: WebSocketConnection) async -> CloseReason {
        do {
            for try await page in query.follow(session.reader, session.wanted) {
                // Looked at for each page, so that a right that was taken away ends before the next
                // frame.
                guard isAllowed(session) else { return .tokenEnded }
                try await connection.send(lines: page.body)
            }
            return Task.isCancelled ? .stopped : .done
        } catch let error as QueryError {
            if case .store(let inner) = error {
                logger.error("a WebSocket reader failed", metadata: ["error": "\(inner)"])
            }
            return .failed(Problem(error).title)
        } catch {
            // The client is gone or was closed for being too slow; there is nobody to tell.
            return .done
        }
    }

    /// Notices within a second that a reader to whom nothing is sent is gone or has lost its right.
    private func watch(_ session: Session, _ connection: WebSocketConnection) async -> CloseReason {
        while !connection.isClosed {
            guard isAllowed(session) else { return .tokenEnded }
            do {
                try await Task.sleep(for: .seconds(1))
            } catch {
                return .stopped
            }
        }
        return .done
    }

    private func isAllowed(_ session: Session) -> Bool {
        clock() < session.expiresAt && authority.catalog.snapshot.allows(session.caller)
    }

    private struct Session: Sendable {
        var caller: Principal
        var reader: Query.Reader
        var wanted: Query.Request
        var expiresAt: Milliseconds
    }

    private enum CloseReason: Sendable {
        case done
        case stopped
        case tokenEnded
        case failed(String)

        var code: WebSocketCloseCode {
            switch self {
            case .done: .normal
            case .stopped: .goingAway
            case .tokenEnded: .policyViolation
            case .failed: .internalError
            }
        }

        var text: String {
            switch self {
            case .done, .stopped: ""
            case .tokenEnded: "the access token has ended"
            case .failed(let text): text
            }
        }
    }
}
