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
    }

    /// Seals the keyring under the key that `target` names; one in a file is made if it is missing.
    /// On record first, durable on return. Blocks.
    ///
    /// - Parameters:
    ///   - overrides: settings, as for a start.
    /// - Throws: `SettingsError`, `VaultError` (`.keyring` if a server runs on it), `StoreError`.
    package static func rotateMaster(
        directory: String, to target: MasterKeyCustody?, overrides: [String: String] = [:],
        environment: [String: String],
        clock: @escaping @Sendable () -> Milliseconds = SystemClock.milliseconds
    ) async throws -> Rotation {
        ProcessHardening.apply()
        guard let target else { throw VaultError.masterKey(KeyRoutes.onlyFiles) }
        let settings = try ServerSettings.load(
            directory: directory, overrides: overrides, environment: environment)
        let engine = try Engine(
            settings: settings, clock: clock,
            vaultClock: VaultClock(wall: clock, monotonic: VaultClock.system.monotonic),
            logger: Logger(label: "strm") { _ in SwiftLogNoOpLogHandler() })
        do {
            let before = engine.vault.statistics.masterKeyCustody
            let source = target.source
            try await engine.audit.append(
                .server(
                    .masterKeyRotated,
                    detail: ["from": before, "to": source.custody, "where": "offline"]))
            try engine.vault.rotateMasterKey(to: source, makingFile: true, now: clock())
            await engine.close(recordsStop: false)
            return Rotation(
                from: before, to: source.custody, generation: engine.vault.statistics.generation)
        } catch {
            await engine.close(recordsStop: false)
            throw error
        }
    }
}
