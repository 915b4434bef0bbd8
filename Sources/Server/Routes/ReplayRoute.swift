import Contracts
import HTTP
import Ingest
import Query
import Store

/// `POST /v1/streams/{stream}/rejections/replay`: kept refused events go through the gate again,
/// once what refused them is mended.
struct ReplayRoute: Sendable {
    let kept: KeptRejectionRoutes

    /// Bodies that are opened at once: events, and about so many bytes.
    private static let groupEventsMax = 64
    private static let groupBytesMax = 4 << 20
    /// Kept events that one call looks at to find those that its filter names.
    private static let scannedMax = 10_000

    var route: Route {
        Route(
            method: .post, template: "\(KeptRejectionRoutes.path)/replay",
            access: .roles([.dpo, .administrator])
        ) { try await replay($0) }
    }

    /// What is to be replayed: offsets, or what a filter finds.
    private struct Choice {
        var items: [Query.Rejection] = []
        /// Offsets that were asked for and hold nothing.
        var gone: [UInt64] = []
        var next: Offset?
    }

    private func replay(_ request: RouteRequest) async throws -> HTTPResponse {
        _ = try request.query()
        let body = try request.object("offsets", "from", "contract", "limit", "cursor")
        let caller = try request.principal()
        let stream = try kept.entry(of: request).value
        guard kept.ingest.replays.enter(stream.id) else {
            throw Problem.conflict("A replay of this stream is running.")
        }
        defer { kept.ingest.replays.leave(stream.id) }
        await kept.ingest.keeper.settle()
        let choice = try await choose(body, stream)
        var results: [(offset: UInt64, value: WireValue)] = []
        var counts = (accepted: 0, refused: 0)
        results += choice.gone.map { ($0, Self.result($0, "gone")) }
        let fresh = choice.items.filter { !$0.isReplayed }
        for item in choice.items where item.isReplayed {
            let offset = item.offset.rawValue
            results.append((offset, Self.result(offset, "already-replayed")))
        }
        if !fresh.isEmpty {
            let permit = try await kept.query.permitReplay(
                of: stream, offsets: Set(fresh.map(\.offset.rawValue)), by: caller.clientID,
                role: caller.role.rawValue)
            for (offset, outcome) in await run(permit, fresh, caller, request.now) {
                switch outcome {
                case .accepted?: counts.accepted += 1
                case .refused?, .subjectErased?, .subjectFenced?: counts.refused += 1
                case .failed?, nil: break
                }
                results.append((offset, Self.result(offset, outcome)))
            }
            try await kept.query.endReplay(
                permit, accepted: counts.accepted, refused: counts.refused)
        }
        return Answer.json([
            "accepted": .integer(Int64(counts.accepted)),
            "refused": .integer(Int64(counts.refused)),
            "results": .array(results.sorted { $0.offset < $1.offset }.map(\.value)),
            "nextCursor": .optional(choice.next?.description),
        ])
    }

    /// Group after group, so that memory holds a few bodies at once. nil: it has expired meanwhile.
    private func run(
        _ permit: Query.ReplayPermit, _ items: [Query.Rejection], _ caller: Principal,
        _ now: Milliseconds
    ) async -> [(offset: UInt64, outcome: Ingest.ReplayOutcome?)] {
        let target = StreamTarget(
            name: permit.stream.name, client: caller.clientID,
            partition: PartitionID(stream: permit.stream.id, partition: 0),
            retention: permit.stream.retention)
        let sizes = Dictionary(
            items.map { ($0.offset, $0.about.byteCount) }, uniquingKeysWith: { $1 })
        var outcomes: [UInt64: Ingest.ReplayOutcome] = [:]
        var start = 0
        while start < permit.offsets.count {
            var end = start
            var bytes = 0
            while end < permit.offsets.count, end - start < Self.groupEventsMax,
                end == start || bytes < Self.groupBytesMax
            {
                bytes += sizes[permit.offsets[end]] ?? 0
                end += 1
            }
            let opened: [Query.OpenedRejection]
            do {
                opened = try await kept.query.openRejections(permit, start..<end)
            } catch {
                // What was done before is done: the caller learns of it, and of what is left.
                for offset in permit.offsets[start...] {
                    outcomes[offset.rawValue] = .failed(.overloaded(retryAfterSeconds: 1))
                }
                break
            }
            let group = opened.map {
                (rejection: $0.rejection.offset, rejectedAt: $0.rejection.at, body: $0.body)
            }
            let ended = await kept.ingest.replay(group, to: target, now: now)
            for (item, outcome) in zip(group, ended) {
                outcomes[item.rejection.rawValue] = outcome
            }
            start = end
        }
        return permit.offsets.map { (offset: $0.rawValue, outcome: outcomes[$0.rawValue]) }
    }

    // MARK: Choosing

    private func choose(_ body: BodyObject, _ stream: StreamDefinition) async throws -> Choice {
        let limit = try body.integer("limit", in: 1...Query.replayMax)
        guard let offsets = try body.integers("offsets", in: 0...Int.max) else {
            return try await find(body, stream, limit: limit ?? Query.replayMax)
        }
        for name in ["from", "contract", "limit", "cursor"] where body.has(name) {
            throw Problem.invalid("/\(name)", expected: "nothing beside offsets")
        }
        guard (1...Query.replayMax).contains(offsets.count) else {
            throw Problem.invalid("/offsets", expected: "1 to \(Query.replayMax) offsets")
        }
        var choice = Choice()
        for number in Set(offsets.map { UInt64($0) }).sorted() {
            let page = try await kept.query.rejections(
                of: stream, from: nil, start: Offset(rawValue: number), limit: 1)
            if let item = page.items.first, item.offset.rawValue == number {
                choice.items.append(item)
            } else {
                choice.gone.append(number)
            }
        }
        return choice
    }

    /// Those that the filter names and that were not replayed.
    private func find(
        _ body: BodyObject, _ stream: StreamDefinition, limit: Int
    ) async throws -> Choice {
        let contract = try body.text("contract")
        let from = try Self.time(body)
        var choice = Choice()
        var start = try KeptRejectionRoutes.offset(try body.text("cursor"), at: "/cursor")
        var scanned = 0
        while true {
            let page = try await kept.query.rejections(
                of: stream, from: from, start: start, limit: limit - choice.items.count)
            choice.items += page.items.filter { item in
                !item.isReplayed && (contract == nil || item.about.contract == contract)
            }
            scanned += page.items.count
            start = page.next
            if page.isAtEnd { return choice }
            guard choice.items.count < limit, scanned < Self.scannedMax else { break }
        }
        choice.next = start
        return choice
    }

    /// Milliseconds or RFC 3339, as in queries.
    private static func time(_ body: BodyObject) throws(Problem) -> Milliseconds? {
        guard body.has("from") else { return nil }
        if (try? body.text("from")) != nil { return try body.time("from") }
        return try body.integer("from", in: 0...Int(WireTime.millisecondsMax)).map {
            Milliseconds($0)
        }
    }

    // MARK: Wire form

    private static func result(
        _ offset: UInt64, _ outcome: Ingest.ReplayOutcome?
    ) -> WireValue {
        switch outcome {
        case nil: return result(offset, "gone")
        case .accepted?: return result(offset, "accepted")
        case .refused(let refusal)?:
            // The place, not the pointer: whoever replays is not who sent it.
            var problem: [(name: String, value: WireValue)] = [
                ("type", .string(Problem.typeBase + refusal.kind.rawValue)),
                ("place", .string(refusal.place)), ("rule", .string(refusal.rule)),
            ]
            if let id = refusal.ruleID { problem.append(("ruleId", .string(id))) }
            problem.append(("expected", .string(refusal.expected)))
            return result(offset, "refused", problem)
        case .subjectErased?: return result(offset, "refused", problemType(.subjectErased))
        case .subjectFenced?: return result(offset, "refused", problemType(.subjectFenced))
        case .failed(let error)?: return result(offset, "failed", problemType(Problem(error)))
        }
    }

    private static func problemType(_ problem: Problem) -> [(name: String, value: WireValue)] {
        [("type", .string(Problem.typeBase + problem.slug))]
    }

    private static func result(
        _ offset: UInt64, _ outcome: String, _ problem: [(name: String, value: WireValue)] = []
    ) -> WireValue {
        var members: [(name: String, value: WireValue)] = [
            ("offset", .integer(Int64(clamping: offset))), ("outcome", .string(outcome)),
        ]
        if !problem.isEmpty { members.append(("problem", .object(problem))) }
        return .object(members)
    }
}
