import Audit
import AuditProof
import HTTP
import Store
import Vault

/// `/v1/proofs`: what `strm prove` needs of the server that it looks at. The server puts the result
/// on record and signs that it did; it does not judge it.
struct ProofRoutes: Sendable {
    static let askers: [Role] = [.administrator, .dpo, .auditor]
    /// The name under which the audit log's key signs: a verifier cannot take a proof for a
    /// checkpoint or a manifest.
    static let keyName = "streammachine.dev/proofs"
    static let verdicts = ["clean", "leak", "inconclusive"]

    let audit: AuditLog
    let places: ServerPlaces

    var routes: [Route] {
        [
            Route(method: .post, template: "/v1/proofs", access: .roles(Self.askers)) {
                try await record($0)
            },
            Route(method: .get, template: "/v1/proofs/process", access: .roles(Self.askers)) {
                request in
                _ = try request.query()
                return Answer.json([
                    "pid": .integer(Int64(ProcessHardening.identifier)),
                    "isDumpable": .bool(ProcessHardening.isDumpable),
                    "version": .string(Engine.version),
                    "directories": .object(
                        places.directories.map { (name: $0.name, value: .string($0.path)) }),
                ])
            },
        ]
    }

    /// The signed text, six lines:
    ///
    ///     strm-proof v1
    ///     sha256 <of the result's canonical JSON, lower-case hexadecimal>
    ///     verdict clean|leak|inconclusive
    ///     recorded <RFC 3339>
    ///     by <client> <role>
    ///     log <name> <entries>
    ///
    /// The entry `proofRecorded` is among the first so many entries of the log.
    private func record(_ request: RouteRequest) async throws -> HTTPResponse {
        _ = try request.query()
        let body = try request.object("sha256", "verdict")
        let sha256 = try body.requiredText("sha256")
        let digits = Set("0123456789abcdef".utf8)
        guard sha256.utf8.count == 64, sha256.utf8.allSatisfy(digits.contains) else {
            throw Problem.invalid("/sha256", expected: "64 hexadecimal digits in lower case")
        }
        let verdict = try body.requiredText("verdict")
        guard Self.verdicts.contains(verdict) else {
            throw Problem.invalid(
                "/verdict", expected: "one of \(Self.verdicts.joined(separator: ", "))")
        }
        let caller = try request.principal()
        try await audit.append(
            .by(caller, .proofRecorded, detail: ["sha256": sha256, "verdict": verdict]))
        let text = """
            strm-proof v1
            sha256 \(sha256)
            verdict \(verdict)
            recorded \(WireTime.format(request.now))
            by \(caller.clientID) \(caller.role.rawValue)
            log streammachine.dev/audit \(audit.size)

            """
        let signer = audit.signer(named: Self.keyName)
        let note = try signer.sign(text).serialized
        return Answer.json(
            ["note": .string(note), "verifierKey": .string(signer.key.description)], status: 201)
    }
}
