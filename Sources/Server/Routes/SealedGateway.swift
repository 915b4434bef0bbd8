import HTTP
import Logging
import Store
import Vault

/// Answers every request while the server has no master key: health, metrics, `POST /v1/unseal`,
/// and 503 `sealed` for all the rest, sending and reading included.
///
/// All but the opening itself happens on the event loop; nothing here can reach an event, because
/// there is no engine.
final class SealedGateway: HTTPHandler {
    private let seal: Seal
    private let work: RequestRunner
    private let startedAt: Milliseconds
    private let statistics: @Sendable () -> HTTPStatistics?
    private let onOpen: @Sendable (Engine) -> Void

    /// - Parameter onOpen: called once, with the engine that a key has opened, before the request
    ///   that brought the key is answered.
    init(
        seal: Seal, work: RequestRunner, startedAt: Milliseconds,
        statistics: @escaping @Sendable () -> HTTPStatistics?,
        onOpen: @escaping @Sendable (Engine) -> Void
    ) {
        self.seal = seal
        self.work = work
        self.startedAt = startedAt
        self.statistics = statistics
        self.onOpen = onOpen
    }

    func handle(
        _ request: borrowing HTTPRequestView, _ token: ResponseToken, on loop: HTTPLoop
    ) {
        let path = Gateway.pathOnly(request.path)
        switch request.method {
        case .get, .head:
            if path.matches("/healthz") || path.matches("/is-alive") {
                return loop.respond(token, Answer.json(["status": "up"]))
            }
            if path.matches("/metrics") {
                return loop.respond(
                    token, Answer.text(metrics.text, type: PrometheusText.contentType))
            }
        case .post where path.matches("/v1/unseal"):
            return unseal(request, token, loop)
        default: break
        }
        loop.respond(token, Problem.sealed().response)
    }

    func webSocketRequested(_ request: HTTPRequest) async -> WebSocketDecision {
        .reject(Problem.sealed().response)
    }

    /// The body is read where it lies and overwritten there: no copy of it is made but the key in
    /// locked memory.
    private func unseal(
        _ request: borrowing HTTPRequestView, _ token: ResponseToken, _ loop: HTTPLoop
    ) {
        defer { request.wipeBody() }
        let (isTLS, isFromHere) = (request.isTLS, Self.isLoopback(request.remoteAddress))
        let isForwarded = request.isForwarded
        // A proxy on this machine has loopback's address too, whoever stands behind it.
        guard isTLS || isFromHere && !isForwarded else {
            return loop.respond(token, Problem.unsealInClear.response)
        }
        guard let key = GivenMasterKey(request.body) else {
            return loop.respond(token, Problem.notAMasterKey.response)
        }
        let isTaken = work.submit { [seal, onOpen] in
            do throws(Problem) {
                onOpen(try await seal.unseal(key))
                loop.submit(token, Answer.noContent)
            } catch {
                loop.submit(token, error.response)
            }
        }
        if !isTaken {
            loop.respond(token, Problem.overloaded(retryAfterSeconds: 1).response)
        }
    }

    /// - Parameter address: as the system tells it, so it is an address and no name.
    static func isLoopback(_ address: String) -> Bool {
        address == "::1" || address.hasPrefix("127.") || address.hasPrefix("::ffff:127.")
    }

    private var metrics: PrometheusText {
        var page = PrometheusText()
        page.gauge(
            "strm_ready", "1 if events are taken and the audit log can be written.", 0)
        page.gauge(
            "strm_start_time_seconds", "When the process started, in seconds since 1970.",
            Double(startedAt) / 1_000)
        MetricsPage.addSeal(isSealed: true, wrongKeys: seal.wrongKeys, to: &page)
        if let http = statistics() {
            page.gauge("strm_http_connections", "Open connections.", Double(http.connectionsOpen))
        }
        return page
    }
}
