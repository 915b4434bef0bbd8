import Audit
import Logging
package import Store
import Vault

/// `strm keys rotate-master --offline`: on a data directory whose server does not run.
package enum OfflineCustody {
    /// What became of it.
    package struct Rotation: Sendable {
        /// Kinds of custody: `file`, `environment` or `command`.
        package var from: String
        package var to: String
        package var generation: UInt64
        package var escrow: Escrow?
    }

    /// The copy of the keyring elsewhere, after it.
    package struct Escrow: Sendable {
        /// nil if it is not known.
        package var generation: UInt64?
        /// Since when it is behind, as the wire writes times; nil: it is not. While it is, it holds a
        /// keyring under the key before, which must be kept.
        package var behindSince: String?
    }

    /// Seals the keyring under the key that `target` names, made if it is a file that is missing; nil
    /// renews the key in its file.
    /// On record first, durable on return. Blocks.
    ///
    /// - Parameters:
    ///   - overrides: settings, as for a start.
    /// - Throws: `SettingsError`, `VaultError` (`.keyring` if a server runs on it), `StoreError`,
    ///   `MasterKeyError`: `.halfway` names the files that must be kept; of a place that is refused,
    ///   or an escrow that is behind, nothing is on record.
    package static func rotateMaster(
        directory: String, to target: MasterKeyCustody?, overrides: [String: String] = [:],
        environment: [String: String],
        clock: @escaping @Sendable () -> Milliseconds = SystemClock.milliseconds
    ) async throws -> Rotation {
        ProcessHardening.apply()
        let settings = try ServerSettings.load(
            directory: directory, overrides: overrides, environment: environment)
        let engine = try Engine(
            settings: settings, clock: clock,
            vaultClock: VaultClock.ofKernel(wall: clock),
            logger: Logger(label: "strm") { _ in SwiftLogNoOpLogHandler() })
        do {
            if let target { try engine.vault.checkMasterKeyPlace(target.source) }
            try engine.vault.checkEscrow()
            let before = engine.vault.statistics.masterKeyCustody
            let custody = target?.source.custody ?? before
            let detail = ["from": before, "to": custody, "where": "offline"]
            try await engine.audit.append(.server(.masterKeyRotated, detail: detail))
            do throws(MasterKeyError) {
                try replace(engine.vault, target, now: clock())
            } catch {
                await recordFailure(error, detail, in: engine.audit)
                throw error
            }
            await engine.close(recordsStop: false)
            let escrow = engine.vault.escrowStatus.map {
                Escrow(
                    generation: $0.generation,
                    behindSince: $0.behindSince.map { WireTime.format($0) })
            }
            return Rotation(
                from: before, to: custody, generation: engine.vault.statistics.generation,
                escrow: escrow)
        } catch {
            await engine.close(recordsStop: false)
            throw error
        }
    }

    /// The log must not keep a rotation that was none.
    private static func recordFailure(
        _ failure: MasterKeyError, _ detail: [String: String], in audit: AuditLog
    ) async {
        let all = detail.merging(["state": KeyRoutes.state(after: failure)]) { $1 }
        do {
            try await audit.append(.server(.masterKeyRotated, detail: all))
        } catch {
            // What is thrown instead may name files that must be kept.
            return
        }
    }

    private static func replace(
        _ vault: Vault, _ target: MasterKeyCustody?, now: Milliseconds
    ) throws(MasterKeyError) {
        guard let target else { return try vault.renewMasterKey(now: now) }
        try vault.rotateMasterKey(to: target.source, makingFile: true, now: now)
    }
}
