import HTTP
import Store

/// Health, metrics, status and the description of the interface.
struct OperationsRoutes: Sendable {
    let engine: Engine

    var routes: [Route] {
        [
            Route(method: .get, template: "/healthz", access: .open) { _ in
                Answer.json(["status": "up"])
            },
            Route(method: .get, template: "/is-alive", access: .open) { _ in
                Answer.json(["status": "up"])
            },
            Route(method: .get, template: "/readyz", access: .open) { _ in ready },
            Route(method: .get, template: "/metrics", access: .open) { _ in
                Answer.text(engine.metrics.text, type: PrometheusText.contentType)
            },
            Route(method: .get, template: "/openapi.yaml", access: .open) { _ in
                Answer.text(OpenAPIDocument.text, type: "application/yaml")
            },
            Route(
                method: .get, template: "/v1/status",
                access: .roles([.administrator, .dpo, .auditor])
            ) { request in
                _ = try request.query()
                return Answer.json(engine.status(now: request.now))
            },
            Route(
                method: .post, template: "/v1/clock/confirm", access: .roles([.administrator])
            ) { request in
                _ = try request.query()
                try await engine.confirmClock(by: try request.principal())
                return Answer.noContent
            },
        ]
    }

    private var ready: HTTPResponse {
        let reasons = engine.unreadiness
        guard reasons.isEmpty else {
            var problem = Problem.unavailable("Not ready: \(reasons.joined(separator: "; ")).")
            problem.slug = "not-ready"
            problem.title = "The server is not ready"
            return problem.response
        }
        return Answer.json(["status": "ready"])
    }
}
