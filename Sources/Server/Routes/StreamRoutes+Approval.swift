import Audit
import Contracts
import HTTP
import Store

// A derived stream is a request for the fields of its levels: a data protection officer decides
// about it, and may take an approval back. Who may decide is `ApprovalPolicy`'s.

extension StreamRoutes {
    var approvalRoutes: [Route] {
        [
            Route(
                method: .post, template: "/v1/streams/{stream}/approve",
                access: .roles([.dpo, .administrator])
            ) { request in
                let id = try ContractRoutes.approved("id", request)
                return try await decide(request, .derivedStreamApproved, id: id) {
                    (derived, caller) throws(LifeCycleError) in
                    guard !derived.isApproved else {
                        throw .wrongState(needed: ["pending", "rejected"], found: "approved")
                    }
                    return try policy.approval(
                        by: caller.actor, of: [derived.createdBy], at: request.now)
                }
            },
            Route(
                method: .post, template: "/v1/streams/{stream}/reject",
                access: .roles([.dpo, .administrator])
            ) { request in
                let reason = try ContractRoutes.reason(request)
                return try await decide(request, .derivedStreamRejected) {
                    (_, caller) throws(LifeCycleError) in
                    try policy.rejection(by: caller.actor, reason: reason, at: request.now)
                }
            },
        ]
    }

    private func decide(
        _ request: RouteRequest, _ act: Act, id: Int? = nil,
        _ decision: (DerivedStreamDefinition, Principal) throws(LifeCycleError) -> Approval
    ) async throws -> HTTPResponse {
        _ = try request.query()
        let name = request.parameter("stream")
        let caller = try request.principal()
        let snapshot = catalog.snapshot
        guard var entry = snapshot.derivedStreams[name] else {
            guard snapshot.streams[name] == nil else {
                throw Problem.conflict("Only derived streams are approved; this is a stream.")
            }
            throw Self.missing
        }
        guard id == nil || id == Int(entry.value.id.rawValue) else {
            throw Problem.conflict(
                "This is another derived stream of the same name, with the id "
                    + "\(entry.value.id.rawValue). Look at it again.")
        }
        entry.value.approval = try decision(entry.value, caller)
        var detail = Self.detail(entry.value)
        if entry.value.approval?.isSelfApproved == true {
            detail["selfApproved"] = "single-person installation"
        }
        // Its readers' tokens are looked at anew from the moment of the commit on.
        try await catalog.commit(
            [
                try Catalog.put(
                    entry.value, kind: DerivedStreamDefinition.kind, name: name,
                    expectedRevision: entry.revision)
            ],
            recording: .by(
                caller, act, stream: entry.value.source, derivedStream: name,
                purposes: entry.value.levels.levels,
                detail: detail))
        return Answer.json(.object(Self.members(entry.value, catalog.snapshot)))
    }

    /// Which derived stream an entry of the audit log is about: its id is never given twice, and
    /// what it shows never changes.
    static func detail(_ derived: DerivedStreamDefinition) -> [String: String] {
        [
            "id": String(derived.id.rawValue),
            "levels": derived.levels.levels.map(String.init).joined(separator: "-"),
            "masked-fields": String(derived.masks?.count ?? 0),
        ]
    }
}
