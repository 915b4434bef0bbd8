import Audit
import AuditProof
import Export
import FoundationEssentials
package import Store
import Vault

/// `strm restore`: puts a backup into an empty data directory, offline.
///
/// Nothing that is there is overwritten. Everything is checked before anything is written; what is
/// written is synced before it gets its name. A restore that was interrupted is begun again.
package enum Restoration {
    private static let unfinished = "db.restoring"

    /// Reads the backup three times and writes it once.
    /// - Throws: `BackupFailure`, `SettingsError`, `VaultError`, `StoreError`: nothing was restored.
    package static func restore(
        _ options: RestoreOptions,
        clock: @escaping @Sendable () -> Milliseconds = SystemClock.milliseconds
    ) throws -> RestoreResult {
        ProcessHardening.apply()
        let data = options.dataDirectory
        guard BackupFiles.kind(options.backup) == .directory else {
            throw BackupFailure.refused("there is no backup at \(options.backup)")
        }
        guard BackupFiles.kind("\(options.backup)/\(BackupManifest.fileName)") == .file else {
            throw BackupFailure.refused(
                "\(options.backup) is no backup: it has no \(BackupManifest.fileName)")
        }
        let settings = try settings(options)
        for path in [settings.keyringDirectory, data] { try FileOwner.expectOwn(path) }
        try refuseUsed(data, settings)
        try makeDirectory(data)
        if let escrow = options.escrowDirectory {
            try prepareKeyringDirectory(settings.keyringDirectory, for: escrow)
        }
        // Holds the lock of the keyring, which a running server has, until the end of the check.
        let manifest = try verified(
            options, settings, in: options.escrowDirectory ?? settings.keyringDirectory, clock)
        let wroteSettings = try prepare(options, settings)
        var generation: UInt64?
        if let escrow = options.escrowDirectory {
            generation = try Vault.bringBackKeyring(
                fromEscrow: escrow, to: settings.keyringDirectory)
        }
        let vault = try unlock(options, settings, in: settings.keyringDirectory, clock)
        let lostLedger =
            options.acceptsLostLedger
            ? LostLedger(seen: vault.knownLedgerNumber, found: vault.foundLedgerNumber) : nil
        let watermark = try WatermarkFacts.read("\(settings.keyringDirectory)/watermark")
        try copy(options.backup, to: data, vault)
        let copy = try StoredCopy(path: "\(data)/\(unfinished)")
        var result = result(
            manifest, copy, watermark, now: clock(), generation: generation,
            wroteSettings: wroteSettings)
        result.lostLedger = lostLedger
        result.hasNoEscrow =
            generation != nil && !options.adoptsEscrow && settings.backups.escrowDirectory == nil
        // First the permission, then the name: a start in between finds no database and refuses.
        try ticket(manifest, watermark, lostLedger).leave(in: settings.keyringDirectory, vault)
        if lostLedger != nil { try vault.giveUpLedger(now: clock()) }
        try BackupFiles.rename("\(data)/\(unfinished)", to: "\(data)/db")
        try BackupFiles.sync(directory: data)
        return result
    }

    private static func settings(_ options: RestoreOptions) throws -> ServerSettings {
        var overrides: [String: String] = [:]
        overrides["keyring.directory"] = options.keyringDirectory
        overrides["erasures.directory"] = options.erasuresDirectory
        overrides["masterKey"] = options.masterKey?.description
        // It is written into new settings, so it is held to what they are held to.
        if options.adoptsEscrow { overrides["keyring.escrow.directory"] = options.escrowDirectory }
        let settings = try ServerSettings.load(
            directory: options.dataDirectory, overrides: overrides, environment: [:])
        try settings.backups.expectApart()
        return settings
    }

    /// A data directory may hold its settings and its keys, and what a server or an interrupted
    /// restore leaves that is no data.
    private static func refuseUsed(_ data: String, _ settings: ServerSettings) throws {
        switch BackupFiles.kind(data) {
        case .missing: return
        case .directory: break
        case .file, .other: throw BackupFailure.refused("\(data) is no directory")
        }
        var allowed: Set = ["strm.json", "lock", "port", unfinished]
        let own = [settings.keyringDirectory, settings.erasures.directory]
        for path in own where path.hasPrefix(data + "/") {
            allowed.insert(String(path.dropFirst(data.count + 1).prefix { $0 != "/" }))
        }
        if let other = try BackupFiles.names(data).first(where: { !allowed.contains($0) }) {
            throw BackupFailure.refused(
                "\(data) is not empty: it holds \(other). A restore overwrites nothing: move it "
                    + "away first")
        }
    }

    /// As the server does, but for what changes something: no escrow is written.
    private static func unlock(
        _ options: RestoreOptions, _ settings: ServerSettings, in keyring: String,
        _ clock: @escaping @Sendable () -> Milliseconds
    ) throws -> Vault {
        var configuration = VaultConfiguration(cachedKeysMax: 64)
        configuration.erasuresDirectory = settings.erasures.directory
        configuration.renewsMasterKey = false
        configuration.isReadOnly = true
        configuration.acceptsOlderLedger = options.acceptsLostLedger
        do throws(VaultError) {
            return try Vault.unlock(
                keyringDirectory: keyring, masterKey: settings.masterKey.source,
                clock: VaultClock.ofKernel(wall: clock),
                configuration: configuration)
        } catch {
            guard case .ledger(let reason) = error, !options.acceptsLostLedger else { throw error }
            throw BackupFailure.refused(
                "the erasure ledger cannot be used: \(reason). If it is lost for good, see "
                    + "--erasure-ledger-lost in docs/backup.md")
        }
    }

    private static func verified(
        _ options: RestoreOptions, _ settings: ServerSettings, in keyring: String,
        _ clock: @escaping @Sendable () -> Milliseconds
    ) throws -> BackupManifest {
        let vault = try unlock(options, settings, in: keyring, clock)
        let manifestPath = "\(options.backup)/\(BackupManifest.fileName)"
        let bytes = try BackupFiles.contents(manifestPath, bytesMax: BackupManifest.bytesMax)
        // Told apart, though a wrong keyring also has another signing key.
        let id = HexText.text(vault.keyringID)
        guard try BackupManifest(unverified: bytes).keyringID == id else {
            throw BackupFailure.refused(
                "the keyring in \(keyring) is another installation's than the backup")
        }
        let manifest = try BackupVerification(path: options.backup).verify(keys: try keys(vault))
        try expectKeyOfItsTime(bytes, manifest, options, vault)
        return manifest
    }

    /// A key that was replaced may be in other hands: it made no backup that knows its successor, nor
    /// one from after that came. The keyring tells when it did; a change of the key that broke off,
    /// or was given up by a restore, leaves a key there that signs nothing, so that the time alone
    /// can be overruled.
    private static func expectKeyOfItsTime(
        _ file: [UInt8], _ manifest: BackupManifest, _ options: RestoreOptions, _ vault: Vault
    ) throws {
        let numbered = Array(zip(vault.auditSigningNumbers, try keys(vault)))
        let signed = numbered.last { numbered in
            (try? BackupManifest(file, verifiedBy: [numbered.1])) == manifest
        }
        guard let number = signed?.0 else {
            throw BackupFailure.damaged("its manifest is not the one that was read before")
        }
        let successor = vault.report.secrets.first {
            $0.kind == "auditSigning" && $0.number == number + 1
        }
        guard let successor else { return }
        let knowsIt = try StoredCopy(path: "\(options.backup)/db")
            .documents(kind: AuditKeys.kind).contains { $0.key.name == String(successor.number) }
        guard !knowsIt else {
            throw BackupFailure.refused(
                "the backup is signed by a key that its own audit log replaced: this installation "
                    + "did not make it")
        }
        guard manifest.createdAt <= successor.created || options.acceptsReplacedKey else {
            throw BackupFailure.refused(
                "the backup says to be of \(WireTime.format(manifest.createdAt)), but a newer key "
                    + "than the one that signed it was made at "
                    + "\(WireTime.format(successor.created)). If the older one was replaced then, "
                    + "whoever holds it may have made the backup; if that change of the key broke "
                    + "off, or a restore gave it up, the installation went on signing with it. If "
                    + "you know that the backup is yours, see --replaced-signing-key in "
                    + "docs/backup.md")
        }
    }

    private static func keys(_ vault: Vault) throws -> [VerifierKey] {
        try AuditKeys.keys(named: BackupManifest.keyName, vault)
    }

    /// A keyring directory that is lost is made before the check, which looks for the erasure ledger
    /// in it. One that is there may hold the keyring of the escrow: a restore that was interrupted has
    /// put it there.
    private static func prepareKeyringDirectory(
        _ directory: String, for escrow: String
    ) throws {
        if BackupFiles.kind(directory) == .missing { try BackupFiles.makeDirectory(directory) }
        guard BackupFiles.kind("\(directory)/keyring") != .missing else { return }
        guard try Vault.isKeyring(in: directory, thatOfEscrow: escrow) else {
            throw BackupFailure.refused(
                "there is another keyring in \(directory) than in the escrow: it is not replaced. If "
                    + "it is the backup's own, leave out --keyring-from-escrow")
        }
    }

    /// Also before the check: the directory of keys may be inside it.
    private static func makeDirectory(_ data: String) throws {
        guard BackupFiles.kind(data) == .missing else { return }
        do {
            try FileManager.default.createDirectory(
                atPath: data, withIntermediateDirectories: true,
                attributes: [.posixPermissions: 0o700])
        } catch {
            throw BackupFailure.io(
                "\(data) cannot be made by this user: make it first, as docs/backup.md says: "
                    + "install -d -o USER -m 700 \(data)")
        }
    }

    /// If there are no settings, writes a file with those of the options.
    private static func prepare(
        _ options: RestoreOptions, _ settings: ServerSettings
    ) throws -> Bool {
        let data = options.dataDirectory
        let path = "\(data)/strm.json"
        guard BackupFiles.kind(path) == .missing else { return false }
        var keyring: [(name: String, value: WireValue)] = []
        if let directory = options.keyringDirectory {
            keyring.append(("directory", .string(directory)))
        }
        // Of a drill it would be the escrow of the server that goes on elsewhere.
        if options.adoptsEscrow, let escrow = options.escrowDirectory {
            keyring.append(("escrow", ["directory": .string(escrow)]))
        }
        var members: [(name: String, value: WireValue)] = []
        if !keyring.isEmpty { members.append(("keyring", .object(keyring))) }
        if let directory = options.erasuresDirectory {
            members.append(("erasures", ["directory": .string(directory)]))
        }
        if let masterKey = options.masterKey {
            members.append(("masterKey", .string(masterKey.description)))
        }
        try BackupFiles.create(path, WireValue.object(members).bytes + [0x0A])
        return true
    }

    /// Copies the database under a name that no start takes for one, and compares what was copied.
    private static func copy(_ backup: String, to data: String, _ vault: Vault) throws {
        let target = "\(data)/\(unfinished)"
        if BackupFiles.kind(target) != .missing { try BackupFiles.removeTree(target) }
        try BackupFiles.makeDirectory(target)
        let (_, sums) = try BackupVerification(path: backup).describe(keys: try keys(vault))
        for (name, sha256) in sums.files.sorted(by: { $0.key < $1.key }) {
            let copied = try BackupFiles.copy(
                "\(backup)/db/\(name)", to: "\(target)/\(name)", isCancelled: { false })
            let again = try BackupFiles.hash("\(target)/\(name)", isCancelled: { false })
            guard copied.sha256 == sha256, again.sha256 == sha256 else {
                throw BackupFailure.damaged("db/\(name) is not what it was")
            }
        }
        try BackupFiles.sync(directory: target)
    }

    private static func ticket(
        _ manifest: BackupManifest, _ watermark: WatermarkFacts?, _ lostLedger: LostLedger?
    ) -> RestoreTicket {
        var random = SystemRandomNumberGenerator()
        let id = (0..<16).map { _ in UInt8.random(in: 0...255, using: &random) }
        return RestoreTicket(
            id: HexText.text(id), backup: manifest.name, sequence: manifest.sequence,
            auditSize: manifest.auditSize, auditRoot: manifest.auditRoot,
            abandoned: watermark.flatMap { watermark in
                AuditWatermark(watermark.audit).map {
                    RestoreTicket.Abandoned(
                        auditSize: $0.size, auditRoot: $0.root, sequence: watermark.sequence)
                }
            }, lostLedger: lostLedger)
    }

    private static func result(
        _ manifest: BackupManifest, _ copy: StoredCopy, _ watermark: WatermarkFacts?,
        now: Milliseconds, generation: UInt64?, wroteSettings: Bool
    ) -> RestoreResult {
        let audit = watermark.flatMap { AuditWatermark($0.audit) }
        let lost = watermark.map { watermark in
            watermark.heads.reduce(UInt64(0)) { sum, head in
                let there = copy.heads[head.key] ?? 0
                return sum + (head.value > there ? head.value - there : 0)
            }
        }
        return RestoreResult(
            backup: manifest.name, createdAt: WireTime.format(manifest.createdAt),
            events: manifest.events, bytes: manifest.bytes, auditSize: manifest.auditSize,
            abandonedAuditSize: audit?.size, abandonedAuditRoot: audit?.root.base64,
            lostEvents: lost, days: copy.days.count,
            expiredDays: copy.days.count { $0.day.end <= $0.retention.floor(now: now) },
            escrowGeneration: generation, wroteSettings: wroteSettings)
    }
}
