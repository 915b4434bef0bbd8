import Audit
import FoundationEssentials
import Logging
package import Store
import Vault

/// `strm init`: makes a data directory with its keys and the first administrator.
package enum Installation {
    /// Makes the directory (0700), keyring and master key, the store, `strm.json`, and one
    /// administrator whose secret is in the result and nowhere else.
    /// - Throws: `InstallationError.notEmpty` if the directory holds anything: an existing
    ///   installation is never touched. `VaultError`, `StoreError`.
    package static func initialise(
        _ options: InitOptions,
        clock: @escaping @Sendable () -> Milliseconds = SystemClock.milliseconds
    ) async throws -> InitResult {
        ProcessHardening.apply()
        let directory = options.dataDirectory
        try makeDirectory(directory)
        let settingsPath = "\(directory)/strm.json"
        var overrides: [String: String] = [:]
        overrides["keyring.directory"] = options.keyringDirectory
        overrides["keyring.escrow.directory"] = options.escrowDirectory
        overrides["masterKey"] = options.masterKey?.description
        overrides["billingId"] = options.billingID
        if options.isSinglePerson { overrides["governance.singlePerson"] = "true" }
        // The settings that a start without flags will find are the ones that are checked and used
        // here.
        let settings = try ServerSettings.load(
            directory: directory, overrides: overrides, environment: [:])
        try settings.backups.expectApart()
        if let escrow = options.escrowDirectory { try Vault.prepareEscrow(directory: escrow) }
        do {
            try write(overrides, to: settingsPath)
            try Vault.initialise(
                keyringDirectory: settings.keyringDirectory, masterKey: settings.masterKey.source,
                now: clock())
        } catch {
            undo(settingsPath: settingsPath, keyringDirectory: settings.keyringDirectory)
            throw error
        }
        let logger = Logger(label: "strm") { _ in SwiftLogNoOpLogHandler() }
        let engine = try Engine(
            settings: settings, clock: clock,
            vaultClock: VaultClock.ofKernel(wall: clock),
            logger: logger)
        do {
            let client = try NewClient(
                role: .administrator, scope: nil, secrets: engine.secrets, now: clock())
            try await engine.catalog.commit(
                [client.mutation],
                recording: .server(
                    .clientCreated,
                    detail: ["client": client.record.id, "role": Role.administrator.rawValue]))
            // Puts the clocks of now on record: the first start is measured by them.
            _ = engine.vault.mayDestroy(now: clock())
            try engine.vault.settleEscrow()
            await engine.close(recordsStop: false)
            var masterKeyPath: String?
            if case .file(let path) = settings.masterKey { masterKeyPath = path }
            return InitResult(
                administrator: client.credentials, auditVerifierKey: engine.audit.verifierKey,
                masterKeyPath: masterKeyPath, settingsPath: settingsPath)
        } catch {
            await engine.close(recordsStop: false)
            throw error
        }
    }

    private static func makeDirectory(_ path: String) throws {
        let files = FileManager.default
        do {
            try files.createDirectory(
                atPath: path, withIntermediateDirectories: true,
                attributes: [.posixPermissions: 0o700])
            guard try files.contentsOfDirectory(atPath: path).isEmpty else {
                throw InstallationError.notEmpty(directory: path)
            }
            // Also if it was there before, empty and open to others.
            try files.setAttributes([.posixPermissions: 0o700], ofItemAtPath: path)
        } catch let error as InstallationError {
            throw error
        } catch {
            throw InstallationError.unusable(directory: path)
        }
    }

    /// So that the same command, put right, is not refused for what this one left: a master key that
    /// cannot be had is a mistake that people make. A directory that holds anything stays.
    private static func undo(settingsPath: String, keyringDirectory: String) {
        let files = FileManager.default
        try? files.removeItem(atPath: settingsPath)
        if (try? files.contentsOfDirectory(atPath: keyringDirectory))?.isEmpty == true {
            try? files.removeItem(atPath: keyringDirectory)
        }
    }

    /// Only what differs from the defaults, so that a later version's better defaults apply.
    private static func write(_ overrides: [String: String], to path: String) throws {
        var members: [(name: String, value: WireValue)] = []
        var keyring: [(name: String, value: WireValue)] = []
        if let directory = overrides["keyring.directory"] {
            keyring.append(("directory", .string(directory)))
        }
        if let escrow = overrides["keyring.escrow.directory"] {
            keyring.append(("escrow", ["directory": .string(escrow)]))
        }
        if !keyring.isEmpty { members.append(("keyring", .object(keyring))) }
        if overrides["governance.singlePerson"] != nil {
            members.append(("governance", ["singlePerson": true]))
        }
        for name in ["masterKey", "billingId"] {
            if let value = overrides[name] { members.append((name, .string(value))) }
        }
        let bytes = WireValue.object(members).bytes + [0x0A]
        guard
            FileManager.default.createFile(
                atPath: path, contents: Data(bytes), attributes: [.posixPermissions: 0o600])
        else { throw InstallationError.unusable(directory: path) }
    }
}

/// Why `strm init` did nothing.
package enum InstallationError: Error, Sendable, Equatable, CustomStringConvertible {
    case notEmpty(directory: String)
    case unusable(directory: String)

    package var description: String {
        switch self {
        case .notEmpty(let directory):
            "\(directory) is not empty: an installation is never overwritten"
        case .unusable(let directory):
            "\(directory) cannot be made or written"
        }
    }
}
