import Audit
import Contracts
import Export
import HTTP
import Ingest
import Query
import Store

/// `/v1/streams`: streams and derived streams, which share one space of names. Whoever makes one
/// gets, once, the credentials that may use it.
struct StreamRoutes: Sendable {
    let catalog: Catalog
    let store: Store
    let query: Query
    let ingest: Ingest
    let secrets: ClientSecrets
    let policy: ApprovalPolicy
    let retentionDays: Int

    var routes: [Route] {
        [
            Route(method: .get, template: "/v1/streams", access: .anyClient) { try list($0) },
            Route(
                method: .post, template: "/v1/streams",
                access: .roles([.administrator, .dpo, .author])
            ) { try await create($0) },
            Route(method: .get, template: "/v1/streams/{stream}", access: .anyClient) {
                try get($0)
            },
            Route(
                method: .delete, template: "/v1/streams/{stream}",
                access: .roles([.administrator, .dpo, .author])
            ) { try await delete($0) },
        ] + approvalRoutes
    }

    // MARK: Reading

    private func list(_ request: RouteRequest) throws -> HTTPResponse {
        _ = try request.query()
        let caller = try request.principal()
        let snapshot = catalog.snapshot
        let all =
            snapshot.streams.values.map { ($0.value.id, Self.members($0.value)) }
            + snapshot.derivedStreams.values.map { ($0.value.id, Self.members($0.value, snapshot)) }
        let visible = all.sorted { $0.0 < $1.0 }.map(\.1).filter { members in
            guard let scope = caller.scope else { return true }
            if case .string(scope)? = WireValue.object(members)["name"] { return true }
            return false
        }
        return Answer.json(["items": .array(visible.map(WireValue.object))])
    }

    private func get(_ request: RouteRequest) throws -> HTTPResponse {
        _ = try request.query()
        let name = request.parameter("stream")
        let snapshot = catalog.snapshot
        if let scope = try request.principal().scope, scope != name {
            throw Problem.forbidden("This client may see only the stream that it was made for.")
        }
        if let stream = snapshot.streams[name]?.value {
            return Answer.json(.object(Self.members(stream)))
        }
        guard let derived = snapshot.derivedStreams[name]?.value else { throw Self.missing }
        return Answer.json(.object(Self.members(derived, snapshot)))
    }

    // MARK: Making

    private func create(_ request: RouteRequest) async throws -> HTTPResponse {
        _ = try request.query()
        let body = try request.object(
            "name", "retentionDays", "keepsRejections", "derivedFrom", "levels", "cumulative",
            "masks")
        let caller = try request.principal()
        if body.has("derivedFrom") {
            return try await createDerived(body, caller, request.now)
        }
        guard !body.has("levels"), !body.has("cumulative"), !body.has("masks") else {
            throw Problem.invalid(
                "/derivedFrom", expected: "the stream that the levels and masks are for")
        }
        return try await createStream(body, caller, request.now)
    }

    private func createStream(
        _ body: BodyObject, _ caller: Principal, _ now: Milliseconds
    ) async throws -> HTTPResponse {
        let name = try StreamName.check(try body.requiredText("name"), at: "/name")
        let days =
            try body.integer(
                "retentionDays", in: RetentionClass.daysMin...RetentionClass.daysMax)
            ?? retentionDays
        guard let retention = RetentionClass(days: days) else {
            throw Problem.invalid("/retentionDays", expected: "1 to 400")
        }
        guard caller.role == .administrator else {
            throw Problem.forbidden(
                "Making a stream needs the role administrator; "
                    + "this client's role is \(caller.role.rawValue).")
        }
        try refuseTaken(name)
        let number = try catalog.takeNumber("stream")
        var stream = StreamDefinition(
            name: name, id: StreamID(rawValue: number.number), retention: retention,
            createdAt: now, createdBy: caller.clientID)
        let keepsRejections = try body.flag("keepsRejections") ?? false
        stream.keepsRejections = keepsRejections ? true : nil
        let partitions =
            stream.partitionIDs + (keepsRejections ? stream.rejectionPartitions : [])
        let client = try NewClient(role: .streamOwner, scope: name, secrets: secrets, now: now)
        // The partition first: a crash in between leaves an empty one that nobody names, and the
        // number is taken again.
        try await store.readers.run { [store] in
            for partition in partitions {
                try store.openPartition(partition, retention: retention)
            }
        }
        try await catalog.commit(
            [
                number.mutation,
                try Catalog.put(
                    stream, kind: StreamDefinition.kind, name: name, expectedRevision: nil),
                // A document of the other kind must not take the name at the same moment: both
                // kinds share this one.
                try StreamName.claim(name), client.mutation,
            ],
            recording: .by(
                caller, .streamCreated, stream: name,
                detail: [
                    "retentionDays": String(days), "client": client.record.id,
                    "keepsRejections": String(keepsRejections),
                ]))
        return Self.created(Self.members(stream), name, client)
    }

    private func createDerived(
        _ body: BodyObject, _ caller: Principal, _ now: Milliseconds
    ) async throws -> HTTPResponse {
        guard !body.has("keepsRejections") else {
            throw Problem.invalid(
                "/keepsRejections", expected: "nothing: events are sent to streams alone")
        }
        guard !body.has("retentionDays") else {
            throw Problem.invalid(
                "/retentionDays", expected: "nothing: a derived stream has its source's retention")
        }
        let snapshot = catalog.snapshot
        let sourceName = try body.requiredText("derivedFrom")
        guard let source = snapshot.streams[sourceName] else {
            if snapshot.derivedStreams[sourceName] != nil {
                throw Problem.invalid("/derivedFrom", expected: "a stream that is not derived")
            }
            throw Problem.notFound("There is no stream of the name given in derivedFrom.")
        }
        let choice = try LevelChoice(body)
        let pointer = body.has("levels") ? "/levels" : "/cumulative"
        try snapshot.checkPurposes(choice.levels, at: pointer)
        let masks = try MaskChoice.masks(body)
        try checkMasks(masks, choice)
        let name = try StreamName.check(
            try body.text("name") ?? choice.defaultName(source: sourceName), at: "/name")
        try refuseTaken(name)
        let number = try catalog.takeNumber("stream")
        let derived = try await query.mask(
            DerivedStreamDefinition(
                name: name, id: StreamID(rawValue: number.number), source: sourceName,
                mode: choice.mode, levels: choice.levels, createdAt: now,
                createdBy: caller.clientID, approval: .pending),
            with: masks)
        let client = try NewClient(role: .reader, scope: name, secrets: secrets, now: now)
        try await catalog.commit(
            [
                number.mutation,
                try Catalog.put(
                    derived, kind: DerivedStreamDefinition.kind, name: name, expectedRevision: nil),
                try StreamName.claim(name), client.mutation,
                // Touches the source, so that it cannot be deleted at the same moment.
                try Catalog.put(
                    source.value, kind: StreamDefinition.kind, name: sourceName,
                    expectedRevision: source.revision),
            ] + snapshot.touchPurposes(choice.levels),
            recording: .by(
                caller, .derivedStreamCreated, stream: sourceName, derivedStream: name,
                purposes: choice.levels.levels,
                detail: Self.detail(derived).merging(["client": client.record.id]) { $1 }))
        return Self.created(Self.members(derived, catalog.snapshot), name, client)
    }

    private func checkMasks(_ masks: [MaskRule], _ choice: LevelChoice) throws(Problem) {
        do throws(MaskError) {
            try query.check(masks, levels: choice.levels)
        } catch {
            throw Problem(error)
        }
    }

    private func refuseTaken(_ name: String) throws(Problem) {
        if catalog.snapshot.isTaken(name) {
            throw .conflict("There is a stream or derived stream of this name.")
        }
    }

    private static func created(
        _ members: [(name: String, value: WireValue)], _ name: String, _ client: NewClient
    ) -> HTTPResponse {
        var answer = Answer.secret(
            .object(members + [("client", client.shown)]), status: 201)
        answer.headers.append(("location", "/v1/streams/\(name)"))
        return answer
    }

    // MARK: Deleting

    private func delete(_ request: RouteRequest) async throws -> HTTPResponse {
        _ = try request.query()
        let name = request.parameter("stream")
        let caller = try request.principal()
        let snapshot = catalog.snapshot
        var mutations = [try StreamName.release(name, store)]
        // Their tokens are refused from the moment of the commit on.
        mutations += snapshot.clients(of: name).map {
            Catalog.delete(
                kind: ClientRecord.kind, name: $0.value.id, expectedRevision: $0.revision)
        }
        let exporters = snapshot.exporters(of: name)
        guard exporters.isEmpty else {
            let names = exporters.map(\.name).joined(separator: ", ")
            throw Problem.conflict("Exporters depend on it: \(names). Delete them first.")
        }
        if let derived = snapshot.derivedStreams[name] {
            guard caller.role != .author || derived.value.createdBy == caller.clientID else {
                throw LifeCycleError.notAuthor
            }
            mutations.append(
                Catalog.delete(
                    kind: DerivedStreamDefinition.kind, name: name,
                    expectedRevision: derived.revision))
            try await catalog.commit(
                mutations,
                recording: .by(
                    caller, .derivedStreamDeleted, stream: derived.value.source,
                    derivedStream: name))
            if let source = snapshot.streams[derived.value.source]?.value {
                try await query.forgetConsumers(of: .derived(derived.value, source: source))
            }
            return Answer.noContent
        }
        guard let stream = snapshot.streams[name] else { throw Self.missing }
        guard caller.role == .administrator else {
            throw Problem.forbidden(
                "Deleting a stream needs the role administrator; "
                    + "this client's role is \(caller.role.rawValue).")
        }
        let derived = snapshot.derivedStreams(of: name)
        guard derived.isEmpty else {
            let names = derived.map(\.name).joined(separator: ", ")
            throw Problem.conflict("Derived streams depend on it: \(names). Delete them first.")
        }
        mutations.append(
            Catalog.delete(
                kind: StreamDefinition.kind, name: name, expectedRevision: stream.revision))
        try await catalog.commit(mutations, recording: .by(caller, .streamDeleted, stream: name))
        try await store.readers.run { [store] in
            for partition in stream.value.partitionIDs + stream.value.rejectionPartitions {
                try store.dropPartition(partition)
            }
        }
        try await query.forgetConsumers(of: .stream(stream.value))
        ingest.rejections.forget(stream: name)
        ingest.keeper.forget(stream: stream.value.id)
        query.forgetReplays(of: stream.value.id)
        return Answer.noContent
    }

    // MARK: Wire form

    static let missing = Problem.notFound("There is no stream of this name.")

    static func members(_ stream: StreamDefinition) -> [(name: String, value: WireValue)] {
        [
            ("name", .string(stream.name)), ("kind", "stream"),
            ("retentionDays", .integer(Int64(stream.retention.days))),
            ("keepsRejections", .bool(stream.keepsRejections ?? false)),
            ("allowsKeyExport", .bool(stream.allowsKeyExport ?? false)),
            ("createdAt", .string(WireTime.format(stream.createdAt))),
            ("createdBy", .string(stream.createdBy)),
        ]
    }

    static func members(
        _ derived: DerivedStreamDefinition, _ snapshot: CatalogSnapshot
    ) -> [(name: String, value: WireValue)] {
        var members: [(name: String, value: WireValue)] = [
            ("name", .string(derived.name)), ("kind", "derived-stream"),
            ("id", .integer(Int64(derived.id.rawValue))),
            ("derivedFrom", .string(derived.source)),
            ("levels", .array(derived.levels.levels.map { .integer(Int64($0)) })),
            ("purposes", snapshot.shownPurposes(derived.levels)),
            (
                "state",
                .string(derived.isApproved ? "approved" : derived.approval?.state.rawValue ?? "")
            ),
        ]
        if case .cumulative(let level) = derived.mode {
            members.append(("cumulative", .integer(Int64(level))))
        }
        if let approval = derived.approval { members.append(("approval", approval.wire)) }
        if let masks = derived.masks { members.append(("masks", MaskChoice.shown(masks))) }
        if let days = snapshot.streams[derived.source]?.value.retention.days {
            members.append(("retentionDays", .integer(Int64(days))))
        }
        return members + [
            ("createdAt", .string(WireTime.format(derived.createdAt))),
            ("createdBy", .string(derived.createdBy)),
        ]
    }
}
