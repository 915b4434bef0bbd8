import Contracts
import HTTP
import Query
import Store

/// What a derived stream would show, counted before anybody may read it: for one that is only
/// described, and for one that exists.
struct DryRunRoutes: Sendable {
    static let askers: [Role] = [.administrator, .dpo]

    let catalog: Catalog
    let query: Query

    var routes: [Route] {
        [
            Route(
                method: .post, template: "/v1/dry-runs", access: .roles(Self.askers),
                work: .longPoll
            ) { try await measureDescribed($0) },
            Route(
                method: .get, template: "/v1/streams/{stream}/dry-run",
                access: .roles(Self.askers), work: .longPoll
            ) { try await measureStored($0) },
        ]
    }

    private func measureDescribed(_ request: RouteRequest) async throws -> HTTPResponse {
        _ = try request.query()
        let body = try request.object(
            "name", "derivedFrom", "levels", "cumulative", "masks", "from")
        let caller = try request.principal()
        let sourceName = try body.requiredText("derivedFrom")
        guard let source = catalog.snapshot.streams[sourceName]?.value else {
            throw Problem.notFound("There is no stream of the name given in derivedFrom.")
        }
        let choice = try LevelChoice(body)
        let masks = try MaskChoice.masks(body)
        do throws(MaskError) {
            try query.check(masks, levels: choice.levels)
        } catch {
            throw Problem(error)
        }
        var from: Milliseconds?
        if let text = try body.text("from") {
            guard let time = WireTime.parse(text) else {
                throw Problem.invalid("/from", expected: "a time such as 2026-11-23T10:00:00Z")
            }
            from = time
        }
        let derived = DerivedStreamDefinition(
            name: "", id: StreamID(rawValue: 0), source: sourceName, mode: choice.mode,
            levels: choice.levels, createdAt: request.now, createdBy: caller.clientID,
            masks: masks.isEmpty ? nil : masks)
        return try await measure(derived, source, caller, from: from, isStored: false)
    }

    private func measureStored(_ request: RouteRequest) async throws -> HTTPResponse {
        let from = try request.query("from").time("from")
        let name = request.parameter("stream")
        guard case .derived(let derived, let source)? = catalog.snapshot.target(name) else {
            throw Problem.notFound("There is no derived stream of this name.")
        }
        return try await measure(
            derived, source, try request.principal(), from: from, isStored: true)
    }

    private func measure(
        _ derived: DerivedStreamDefinition, _ source: StreamDefinition, _ caller: Principal,
        from: Milliseconds?, isStored: Bool
    ) async throws -> HTTPResponse {
        let reader = Query.Reader(
            client: caller.clientID, role: caller.role.rawValue,
            target: .derived(derived, source: source))
        let run = try await query.dryRun(reader, from: from, isStored: isStored)
        return Answer.json(Self.value(run, derived))
    }

    private static func value(
        _ run: Query.DryRun, _ derived: DerivedStreamDefinition
    ) -> WireValue {
        let lacking = run.lacking.map {
            WireValue.object([
                ("level", .integer(Int64($0.level))), ("events", .integer(Int64($0.events))),
            ])
        }
        return .object([
            ("derivedFrom", .string(derived.source)),
            ("levels", .array(derived.levels.levels.map { .integer(Int64($0)) })),
            ("from", .string(WireTime.format(max(run.from, 0)))),
            ("to", .string(WireTime.format(run.to))), ("isComplete", .bool(run.isComplete)),
            ("seenEvents", .integer(Int64(run.seen))),
            ("passingEvents", .integer(Int64(run.passing))),
            ("droppedEvents", .integer(Int64(run.dropped))),
            ("droppedWithoutConsent", .integer(Int64(run.withoutConsent))),
            ("droppedForLevel", .array(lacking)),
            ("contracts", .array(run.contracts.map(contract))),
            ("keyLinks", count(run.keyLinks)), ("sequences", count(run.sequences)),
            ("people", run.people.map(count) ?? .null),
            ("smallestGroup", run.smallestGroup.map(group) ?? .null),
        ])
    }

    private static func contract(_ contract: Query.DryRun.ContractCount) -> WireValue {
        let fields = contract.fields.map { field in
            WireValue.object([
                ("field", .string(field.path)),
                ("level", field.level.map { .integer(Int64($0)) } ?? .null),
                ("opened", .integer(Int64(field.opened))),
                ("masked", .integer(Int64(field.masked))),
                ("keyGone", .integer(Int64(field.keyGone))),
            ])
        }
        return .object([
            ("contract", .string(contract.contract)), ("events", .integer(Int64(contract.events))),
            ("fields", .array(fields)),
        ])
    }

    private static func count(_ count: Query.DryRun.Count) -> WireValue {
        .object([
            ("count", .integer(Int64(count.value))), ("isLowerBound", .bool(count.isLowerBound)),
        ])
    }

    private static func group(_ group: Query.DryRun.Group) -> WireValue {
        .object([
            ("sequences", .integer(Int64(group.sequences))),
            ("isLowerBound", .bool(group.isLowerBound)),
            ("combinations", .integer(Int64(group.combinations))),
            ("contract", .string(group.contract)),
            ("fields", .array(group.fields.map(WireValue.string))),
        ])
    }
}
