import Audit
import HTTP
import Logging
import Store
import Vault

/// `/v1/keys`: how the keys are kept, and the master key's replacement. Never a key.
struct KeyRoutes: Sendable {
    let engine: Engine

    var routes: [Route] {
        [
            Route(
                method: .get, template: "/v1/keys",
                access: .roles([.administrator, .dpo, .auditor])
            ) { request in
                _ = try request.query()
                return Answer.json(status)
            },
            Route(
                method: .post, template: "/v1/keys/rotate-master",
                access: .roles([.administrator])
            ) { request in
                _ = try request.query()
                return try await rotateMaster(request)
            },
            // Of a sealed server alone, which answers it before there are any routes.
            Route(method: .post, template: "/v1/unseal", access: .open) { _ in
                throw Problem.notSealed
            },
        ]
    }

    private var status: WireValue {
        let report = engine.vault.report
        let figures = engine.vault.statistics
        return [
            "masterKey": ["custody": .string(figures.masterKeyCustody)],
            "keyring": [
                "generation": .integer(Int64(clamping: figures.generation)),
                "failure": .optional(figures.keyringFailure),
            ],
            "epoch": .integer(Int64(figures.epoch)),
            "day": .optional(figures.epochDay?.description),
            "clock": [
                "onRecord": .string(WireTime.format(report.clockOnRecord)),
                "isDestructionOnHold": .bool(figures.isDestructionOnHold),
                "awaitsTimeSource": .bool(figures.awaitsTimeSource),
            ],
            "secrets": .array(
                report.secrets.map {
                    [
                        "kind": .string($0.kind), "number": .integer(Int64($0.number)),
                        "createdAt": .string(WireTime.format($0.created)),
                    ]
                }),
            "epochs": .array(report.epochs.map(ExpiryReport.wire)),
        ]
    }

    /// The entry comes first: after the deed nobody could prove that it had been on record.
    private func rotateMaster(_ request: RouteRequest) async throws -> HTTPResponse {
        let body = try request.object("to")
        let caller = try request.principal()
        let target = try body.text("to").map(Self.source)
        let before = engine.vault.statistics.masterKeyCustody
        let oldFile = engine.vault.masterKeyPath
        guard target != nil || before == "file" else { throw Problem.conflict(Self.onlyFiles) }
        // What is refused is no rotation, so it is not recorded as one.
        try await change { vault in
            if let target { try vault.checkMasterKeyPlace(target.source) }
            try vault.checkEscrow()
        }
        let custody = target?.source.custody ?? before
        let detail = ["from": before, "to": custody]
        try await engine.audit.append(.by(caller, .masterKeyRotated, detail: detail))
        do {
            try await engine.store.readers.run {
                [vault = engine.vault, now = request.now] () throws -> Void in
                guard let target else { return try vault.renewMasterKey(now: now) }
                try vault.rotateMasterKey(to: target.source, makingFile: true, now: now)
            }
        } catch {
            await recordFailure(error, caller, detail)
            guard let error = error as? MasterKeyError else { throw error }
            throw Self.problem(error, engine.logger)
        }
        return Answer.json([
            "from": .string(before), "custody": .string(custody),
            "generation": .integer(Int64(clamping: engine.vault.statistics.generation)),
            "setting": .optional(target?.description),
            // While it is behind, it holds a keyring under the key before.
            "escrow": engine.escrowStatus,
            // It opens every older copy of the keyring.
            "destroyFile": .optional(oldFile == engine.vault.masterKeyPath ? nil : oldFile),
        ])
    }

    /// The log must not keep a rotation that was none, such as one whose escrow went away in
    /// between.
    private func recordFailure(
        _ error: any Error, _ caller: Principal, _ detail: [String: String]
    ) async {
        let state = Self.state(after: error)
        let all = detail.merging(["state": state]) { $1 }
        do {
            try await engine.audit.append(.by(caller, .masterKeyRotated, detail: all))
        } catch {
            // Whoever asked is told all the same.
            engine.logger.error(
                "a refused rotation of the master key could not be recorded",
                metadata: ["state": "\(state)", "error": "\(error)"])
        }
    }

    /// What became of a rotation that was put on record and then failed, for the entry that says so:
    /// `refused`: nothing was changed; `halfway`: the new key is not in its place; `failed`: the
    /// keyring could not be written.
    static func state(after error: any Error) -> String {
        guard let error = error as? MasterKeyError else {
            // No thread could be had: it never came to the vault.
            return error is StoreError ? "refused" : "failed"
        }
        switch error {
        case .halfway: return "halfway"
        case .badPlace, .unchanged, .escrowBehind, .vault(.masterKey), .vault(.masterKeyAbsent):
            return "refused"
        case .vault: return "failed"
        }
    }

    /// On a thread that may block.
    private func change(_ body: @escaping @Sendable (Vault) throws -> Void) async throws {
        do {
            try await engine.store.readers.run { [vault = engine.vault] in try body(vault) }
        } catch let error as MasterKeyError {
            throw Self.problem(error, engine.logger)
        }
    }

    static let onlyFiles =
        "A master key in a file is renewed in place; one that is kept elsewhere is replaced there. "
        + "Say with \"to\" where the new one is."

    /// A command is not taken from the network: it would be a program that an administrator's token
    /// runs on this machine.
    static func source(_ text: String) throws(Problem) -> MasterKeyCustody {
        let expected = "file:/ABSOLUTE/PATH or environment:NAME"
        switch MasterKeyCustody(text) {
        case .file(let path) where path.hasPrefix("/"): return .file(path)
        case .environment(let name): return .environment(name)
        case .command:
            throw .invalid(
                "/to",
                expected: expected + "; a command is taken on a stopped server alone "
                    + "(strm keys rotate-master --offline)")
        default: throw .invalid("/to", expected: expected)
        }
    }

    static func problem(_ error: MasterKeyError, _ logger: Logger) -> Problem {
        switch error {
        case .badPlace(let expected): return .invalid("/to", expected: expected)
        case .unchanged:
            return .conflict(
                "Nothing was changed: \(error.description). A key in a file is renewed without "
                    + "\"to\".")
        case .escrowBehind:
            return .conflict("Nothing was changed: \(error.description).")
        case .halfway(let path):
            logger.error("the master key was replaced in part", metadata: ["file": "\(path)"])
            return .masterKeyHalfway(error.description)
        case .vault(let error): return problem(error, logger)
        }
    }

    private static func problem(_ error: VaultError, _ logger: Logger) -> Problem {
        switch error {
        case .masterKey, .masterKeyAbsent:
            return .conflict("Nothing was changed: \(error.description).")
        case .keyGone, .sealedVault, .store, .keyring, .ledger, .subjectFenced:
            logger.error(
                "the master key could not be replaced", metadata: ["error": "\(error)"])
            return .unavailable("The keyring cannot be written.")
        }
    }
}
