import Audit
import HTTP
import Store

/// `GET /v1/expiry`: what was destroyed when, and what will be.
struct ExpiryRoute: Sendable {
    let engine: Engine

    var route: Route {
        Route(
            method: .get, template: "/v1/expiry", access: .roles([.dpo, .auditor, .administrator])
        ) { request in
            let query = try request.query("from", "to", "after")
            let from = try query.time("from")
            let to = try query.time("to")
            let after = UInt64(try query.integer("after", in: 0...Int.max) ?? 0)
            let report = ExpiryReport(engine: engine, now: request.now)
            return Answer.json(
                try await engine.store.readers.run {
                    try report.answer(from: from, to: to, after: after)
                })
        }
    }
}
