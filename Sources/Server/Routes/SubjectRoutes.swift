import Audit
import Contracts
import HTTP
import Query
import Store
import Subjects
import Vault

/// `/v1/subjects` and `/v1/erasures`: what a data protection officer asks and orders about one
/// person. The person is in the body, never in a path or a query, and in no answer but the person's
/// own events.
struct SubjectRoutes: Sendable {
    let subjects: SubjectService

    var routes: [Route] {
        let access = Route.Access.roles([.dpo])
        return [
            // What reads much is cut short by a stop, what changes something is finished.
            Route(
                method: .post, template: "/v1/subjects/links", access: access, work: .longPoll
            ) { try await answering($0, links) },
            Route(
                method: .post, template: "/v1/subjects/access", access: access, work: .longPoll
            ) { try await answering($0, page) },
            Route(method: .post, template: "/v1/subjects/erasures", access: access) {
                try await answering($0, erase)
            },
            Route(method: .post, template: "/v1/subjects/fences/lift", access: access) {
                try await answering($0, liftFence)
            },
            Route(method: .get, template: "/v1/erasures", access: access) {
                try await answering($0, list)
            },
            Route(method: .get, template: "/v1/erasures/{id}", access: access) {
                try await answering($0, show)
            },
            Route(method: .get, template: "/v1/erasures/{id}/receipt", access: access) {
                try await answering($0, receipt)
            },
        ]
    }

    private func answering(
        _ request: RouteRequest, _ handle: (RouteRequest) async throws -> HTTPResponse
    ) async throws -> HTTPResponse {
        do {
            return try await handle(request)
        } catch let error as SubjectError {
            throw Problem(error)
        }
    }

    // MARK: Asking

    private func links(_ request: RouteRequest) async throws -> HTTPResponse {
        _ = try request.query()
        let body = try request.object("subject", "streams")
        let subject = try Self.subject(body)
        let links = try await subjects.links(
            of: subject, streams: try Self.streams(body), by: try Self.requester(request))
        return Answer.secret([
            "person": .string(links.person), "at": .string(WireTime.format(links.at)),
            "items": .array(links.items.map(SubjectWire.link)),
        ])
    }

    private func page(_ request: RouteRequest) async throws -> HTTPResponse {
        _ = try request.query()
        let body = try request.object("subject", "streams", "from", "to", "limit", "cursor")
        let subject = try Self.subject(body)
        var question = AccessQuestion()
        question.streams = try Self.streams(body)
        question.from = try body.time("from")
        question.to = try body.time("to")
        question.cursor = try body.text("cursor")
        question.limit =
            try body.integer("limit", in: 1...Query.AccessRequest.limitMax)
            ?? Query.AccessRequest.limitMax
        let page = try await subjects.access(
            to: subject, question, by: try Self.requester(request))
        return Answer.secret(SubjectWire.page(page))
    }

    // MARK: Erasing

    private func erase(_ request: RouteRequest) async throws -> HTTPResponse {
        _ = try request.query()
        let body = try request.object("subject", "streams", "fence", "now", "reference")
        let subject = try Self.subject(body)
        var order = ErasureRequest()
        order.streams = try Self.streams(body)
        order.fence = try body.flag("fence") ?? false
        order.isNow = try body.flag("now") ?? false
        order.reference = try body.text("reference")
        let answer = try await subjects.erase(
            subject, order, by: try Self.requester(request))
        let receipt = try await subjects.receipt(of: answer.erasure.id)
        var members = SubjectWire.erasure(answer.erasure, dueAt: subjects.dueAt(answer.erasure))
        members.append(("isRepeated", .bool(answer.isRepeated)))
        members.append(("receipt", receipt.map { .json(Array($0.dropLast())) } ?? .null))
        // 202: the keys are unusable, and not destroyed yet.
        return Answer.json(
            .object(members), status: answer.erasure.state == .destroyed ? 200 : 202)
    }

    private func liftFence(_ request: RouteRequest) async throws -> HTTPResponse {
        _ = try request.query()
        let body = try request.object("subject", "streams")
        let subject = try Self.subject(body)
        let lifted = try await subjects.liftFence(
            of: subject, streams: try Self.streams(body), by: try Self.requester(request))
        return Answer.json(["streams": .array(lifted.map(WireValue.string))])
    }

    private func list(_ request: RouteRequest) async throws -> HTTPResponse {
        let query = try request.query("state", "after", "limit")
        var state: Erasure.State?
        if let name = try query.text("state") {
            guard let known = Erasure.State(rawValue: name) else {
                throw Problem.invalid("state", expected: "requested or destroyed")
            }
            state = known
        }
        let after = UInt64(try query.integer("after", in: 0...Int.max) ?? 0)
        let limit = try query.integer("limit", in: 1...1_000) ?? 100
        let found = subjects.erasures.filter { erasure in
            erasure.number > after && (state == nil || erasure.state == state)
        }
        let items = found.prefix(limit)
        return Answer.json([
            "items": .array(
                items.map { .object(SubjectWire.erasure($0, dueAt: subjects.dueAt($0))) }),
            "next": items.count < found.count
                ? .integer(Int64(clamping: items.last?.number ?? 0)) : .null,
        ])
    }

    private func show(_ request: RouteRequest) async throws -> HTTPResponse {
        _ = try request.query()
        let erasure = try subjects.erasure(id: request.parameter("id"))
        let receipt = try await subjects.receipt(of: erasure.id)
        var members = SubjectWire.erasure(erasure, dueAt: subjects.dueAt(erasure))
        members.append(("receipt", receipt.map { .json(Array($0.dropLast())) } ?? .null))
        return Answer.json(.object(members))
    }

    /// The file itself, byte for byte.
    private func receipt(_ request: RouteRequest) async throws -> HTTPResponse {
        _ = try request.query()
        guard let receipt = try await subjects.receipt(of: request.parameter("id")) else {
            throw Problem.notFound(
                "There is no receipt yet: it is written when the keys are destroyed.")
        }
        return HTTPResponse(
            status: 200, headers: [("content-type", "application/json")], body: receipt)
    }

    // MARK: Reading bodies

    static func requester(_ request: RouteRequest) throws -> Requester {
        let caller = try request.principal()
        return Requester(client: caller.clientID, role: caller.role.rawValue)
    }

    static func subject(_ body: BodyObject) throws(Problem) -> DataSubject {
        guard let subject = DataSubject(try body.requiredText("subject")) else {
            throw .invalid(
                "/subject",
                expected: "the data subject as events name it, 1 to "
                    + "\(DataSubject.bytesMax) bytes")
        }
        return subject
    }

    static func streams(_ body: BodyObject) throws(Problem) -> [String]? {
        guard let list = try body.list("streams") else { return nil }
        var names: [String] = []
        for item in list {
            guard case .string(let name) = item else {
                throw .invalid("/streams", expected: "a list of names of streams")
            }
            names.append(name)
        }
        guard !names.isEmpty else {
            throw .invalid("/streams", expected: "at least one name, or null for all")
        }
        return names
    }
}

extension Problem {
    init(_ error: SubjectError) {
        switch error {
        case .badRequest(let parameter, let expected):
            self = .invalid(parameter, expected: expected)
        case .unknownStream: self = .notFound("There is no stream of one of these names.")
        case .unknownErasure: self = .notFound("There is no erasure of this id.")
        case .auditUnavailable(let seconds):
            self = .unavailable(
                "The audit log cannot be written, so nothing is told.", retryAfterSeconds: seconds)
        case .unavailable(let seconds):
            self = .unavailable(
                "The keys cannot be reached now. What was asked for may be begun: repeat it.",
                retryAfterSeconds: seconds)
        case .store(let error): self = Problem(error)
        case .cancelled: self = .unavailable("The server is stopping.")
        }
    }
}
