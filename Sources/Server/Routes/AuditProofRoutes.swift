import Audit
import AuditProof
import HTTP
import Logging
import Store
import Vault

/// Proofs about the audit log that are verified without this server, its keys, and how the log is
/// confirmed outside.
struct AuditProofRoutes: Sendable {
    let engine: Engine

    var routes: [Route] {
        let access = Route.Access.roles(AuditRoutes.readers)
        return [
            Route(method: .get, template: "/v1/audit/proofs/inclusion", access: access) {
                try await inclusion($0)
            },
            Route(method: .get, template: "/v1/audit/proofs/consistency", access: access) {
                try await consistency($0)
            },
            Route(method: .get, template: "/v1/audit/verifier-keys", access: access) { request in
                _ = try request.query()
                return Answer.json(keys)
            },
            Route(
                method: .get, template: "/v1/audit/rotations/{number}", access: access
            ) { try await rotation($0) },
            Route(method: .get, template: "/v1/audit/witnesses", access: access) { request in
                _ = try request.query()
                return Answer.json(engine.witnessReport(now: request.now))
            },
            Route(
                method: .post, template: "/v1/keys/rotate-signing", access: .roles([.administrator])
            ) { try await rotate($0) },
        ]
    }

    private func inclusion(_ request: RouteRequest) async throws -> HTTPResponse {
        let query = try request.query("entry", "size")
        guard let entry = try query.integer("entry", in: 0...Int.max) else {
            throw Problem.invalid("entry", expected: "the number of an entry")
        }
        let size = try query.integer("size", in: 1...Int.max)
        let proof = try await engine.store.readers.run { [audit = engine.audit] in
            try audit.entryProof(UInt64(entry), size: size.map(UInt64.init) ?? audit.size)
        }
        guard let proof else {
            throw Problem.notFound("The log, or the tree of that size, has no such entry.")
        }
        return Answer.text(proof.text)
    }

    private func consistency(_ request: RouteRequest) async throws -> HTTPResponse {
        let query = try request.query("from", "to")
        guard let from = try query.integer("from", in: 0...Int.max) else {
            throw Problem.invalid("from", expected: "the size of the older tree")
        }
        let to = try query.integer("to", in: 0...Int.max)
        let update = try await engine.store.readers.run { [audit = engine.audit] in
            try audit.treeUpdate(from: UInt64(from), to: to.map(UInt64.init) ?? audit.size)
        }
        guard let update else {
            throw Problem.notFound("The log has no two trees of these sizes, the smaller first.")
        }
        return Answer.text(update.text)
    }

    private func rotation(_ request: RouteRequest) async throws -> HTTPResponse {
        _ = try request.query()
        let number = UInt32(request.parameter("number"))
        let proof = try await engine.store.readers.run { [audit = engine.audit] in
            try number.flatMap { number throws(StoreError) in try audit.rotationProof(number) }
        }
        guard let proof else { throw Problem.notFound("The key was not changed so often.") }
        return Answer.text(proof.text)
    }

    /// All keys that the log ever had: with the old ones, what they signed is verified for ever.
    private var keys: WireValue {
        let terms = engine.audit.terms
        let items = terms.map { term -> WireValue in
            func named(_ name: String) -> WireValue {
                .optional((try? term.signer.named(name))?.key.description)
            }
            return [
                "number": .integer(Int64(term.number)), "key": .string(term.signer.verifierKey),
                "manifestKey": named(AuditKeys.exportsName),
                "receiptKey": named(AuditKeys.receiptsName),
                "fromEntry": .integer(Int64(clamping: term.entry ?? 0)),
                "isCurrent": .bool(term.number == terms.last?.number),
            ]
        }
        return ["items": .array(items)]
    }

    private func rotate(_ request: RouteRequest) async throws -> HTTPResponse {
        _ = try request.query()
        let body = try request.object("overlapDays")
        let days = try body.integer("overlapDays", in: 0...365) ?? 30
        let before = engine.audit.verifierKey
        let term: SigningTerm
        do {
            term = try await engine.auditKeys.rotate(
                by: try request.principal(), overlapDays: days, now: request.now)
        } catch let error as VaultError {
            engine.logger.error("the audit key was not changed", metadata: ["error": "\(error)"])
            throw Problem.unavailable("The keyring cannot be written.")
        }
        return Answer.json([
            "number": .integer(Int64(term.number)), "key": .string(term.signer.verifierKey),
            "previous": .string(before),
            "entry": .integer(Int64(clamping: term.entry ?? 0)),
            "overlapDays": .integer(Int64(days)),
        ])
    }
}
