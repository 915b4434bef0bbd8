import Audit
import HTTP
import Store
import Subjects

/// `POST /v1/audit/recipients`: who received a person's data. The person is in the body, never in
/// an address.
struct AuditRecipientsRoute: Sendable {
    let subjects: SubjectService

    var route: Route {
        Route(
            method: .post, template: "/v1/audit/recipients", access: .roles(AuditRoutes.readers),
            work: .longPoll
        ) { request in
            do {
                return try await recipients(request)
            } catch let error as SubjectError {
                throw Problem(error)
            }
        }
    }

    private func recipients(_ request: RouteRequest) async throws -> HTTPResponse {
        _ = try request.query()
        let body = try request.object(
            "subject", "streams", "from", "to", "client", "derivedStream", "purpose", "field", "act"
        )
        let subject = try SubjectRoutes.subject(body)
        var question = RecipientsQuestion()
        question.streams = try SubjectRoutes.streams(body)
        question.from = try body.time("from")
        question.to = try body.time("to")
        question.filter = try filter(body)
        question.field = try body.text("field")
        let found = try await subjects.recipients(
            of: subject, question, by: try SubjectRoutes.requester(request))
        return Answer.json([
            "streams": .texts(found.streams.map(\.name).sorted()),
            "keyLinks": .integer(Int64(found.keyLinks)),
            "erasures": .array(found.erasures.map(SubjectWire.erasureOfRecipients)),
            "answer": WireValue(found.answer),
        ])
    }

    private func filter(_ body: BodyObject) throws(Problem) -> AuditFilter {
        var filter = AuditFilter(
            client: try body.text("client"), derivedStream: try body.text("derivedStream"),
            purpose: try body.integer("purpose", in: 0...63))
        if let name = try body.text("act") {
            filter.acts = [
                try AuditQuestionRoutes.act(
                    name, "/act", of: [.release, .keysExported, .subjectAccessed])
            ]
        }
        return filter
    }
}
