import Audit
import AuditProof
import Buckets
import Contracts
import Export
import FoundationEssentials
import HTTP
import Ingest
import Logging
import Privacy
import Query
import Store
import Subjects
import Synchronization
import Vault
import Witness

/// Everything below HTTP, opened in order and closed in the reverse order.
///
/// Order of the start: the vault is unlocked (without its keys nothing can be read), the ciphers
/// prove themselves on known answers, the store is opened (it refuses a state older than its
/// watermark), the audit log takes its place in the commit, contracts are compiled, partitions
/// opened; only then does the commit thread start.
final class Engine: Sendable {
    static let version = "0.1.0"

    let settings: ServerSettings
    let clock: @Sendable () -> Milliseconds
    let logger: Logger
    let startedAt: Milliseconds
    let vault: Vault
    let store: Store
    let audit: AuditLog
    let auditKeys: AuditKeys
    let catalog: Catalog
    let loader: ContractLoader
    let ingest: Ingest
    let query: Query
    let exporters: Exporters
    let witnesses: Witnesses
    let backups: Backups
    /// A backup was brought back, and this is the first start on it.
    let restoreTicket: RestoreTicket?
    let subjects: SubjectService
    let sweeper: RecordSweeper
    let keys: SigningKeys
    let secrets: ClientSecrets
    let tokens: Tokens
    let tokenService: TokenService
    /// Set once the listener is there: where `/metrics` gets its HTTP figures from.
    private let listener = Mutex<HTTPFigures?>(nil)
    private let hasClosed = Atomic<Bool>(false)
    /// Rounds of housekeeping since the start.
    let housekeepingRounds = Atomic<UInt64>(0)
    /// When the last of them ended, ms since 1970; 0: none has.
    let housekeepingEndedAt = Atomic<Int64>(0)

    struct HTTPFigures: Sendable {
        var statistics: @Sendable () -> HTTPStatistics
        var running: @Sendable () -> Int
        var waiting: @Sendable () -> Int
        /// Master keys that were given to the server while it was sealed, and were wrong.
        var wrongMasterKeys: @Sendable () -> UInt64 = { 0 }
    }

    /// Blocks: reads the keyring and recovers the store. `observer` is for tests that stall or fail
    /// commits.
    ///
    /// - Parameter masterKey: nil for the one that the settings name.
    /// - Throws: `VaultError`, `StoreError`, `CipherSelfTestError`; the start must be refused with
    ///   its description.
    init(
        settings: ServerSettings, clock: @escaping @Sendable () -> Milliseconds,
        vaultClock: VaultClock, logger: Logger, observer: (any CommitObserver)? = nil,
        masterKey: MasterKeySource? = nil
    ) throws {
        self.settings = settings
        self.clock = clock
        self.logger = logger
        startedAt = clock()
        try CipherSelfTest.run()
        vault = try Vault.unlock(
            keyringDirectory: settings.keyringDirectory,
            masterKey: masterKey ?? settings.masterKey.source, clock: vaultClock,
            configuration: Self.vaultConfiguration(settings))
        restoreTicket = try RestoreTicket.find(settings, vault)
        let older = try AcceptedOlderState.find(settings, restoreTicket, logger)
        let configuration = Self.storeConfiguration(settings, restoreTicket, observer)
        store = try Store.open(configuration, clock: clock)
        do {
            audit = try AuditKeys.openLog(
                vault: vault, store: store, acceptsOlderState: configuration.acceptsOlderState)
            auditKeys = AuditKeys(vault: vault, store: store, audit: audit)
            store.setCommitStage(audit)
            vault.attach(store: store)
            sweeper = RecordSweeper(vault: vault, store: store)
            catalog = try Catalog(store: store)
            loader = ContractLoader(registry: ContractRegistry())
            let snapshot = catalog.snapshot
            try loader.load { snapshot }
            Self.warnOfUnmappedLevels(snapshot, loader.registry, logger)
            keys = SigningKeys(try SigningKeyRotation.load(vault: vault, store: store))
            secrets = ClientSecrets(pepper: vault.secret(.clientPepper))
            ingest = Ingest(
                store: store, vault: vault, registry: loader.registry,
                limits: Self.ingestLimits(settings), billingId: settings.billingID)
            query = Query(
                store: store, vault: vault, audit: audit, registry: loader.registry,
                cursorKey: vault.secret(.cursorKey), clock: clock)
            exporters = Self.makeExporters(
                settings, store, query, audit, vault, catalog, clock, logger)
            witnesses = try Self.makeWitnesses(settings, audit, exporters, clock, logger)
            backups = try Self.makeBackups(settings, store, vault, audit, clock, logger)
            subjects = Self.makeSubjects(
                settings, store, vault, audit, query, loader.registry, catalog, clock, logger)
            tokens = Tokens(
                keys: keys, issuer: settings.tokens.issuer ?? settings.http.defaultIssuer,
                audience: settings.tokens.audience, accessSeconds: settings.tokens.accessSeconds,
                refreshSeconds: settings.tokens.refreshSeconds)
            tokenService = TokenService(
                catalog: catalog, tokens: tokens, secrets: secrets, audit: audit)
            try store.start()
            try Self.beginRestored(restoreTicket, older, vault, audit, now: clock())
            try vault.recoverErasures(now: clock())
            warnOfUnfinished()
            // After the start: opening a partition may have to commit.
            for stream in snapshot.streams.values.map(\.value) {
                let kept = stream.keepsRejections == true ? stream.rejectionPartitions : []
                for partition in stream.partitionIDs + kept {
                    try store.openPartition(partition, retention: stream.retention)
                }
            }
            try query.start()
            try exporters.update { [catalog] in catalog.snapshot.exporters.values.map(\.value) }
            ingest.start()
        } catch {
            store.close()
            throw error
        }
    }

    private func warnOfUnfinished() {
        if let reason = vault.interruptedDestruction {
            logger.warning(
                "a destruction was interrupted and is tried again",
                metadata: ["reason": "\(reason)"])
        }
        if let number = auditKeys.unusedNumber {
            // What the older key signs from now on looks as if whoever stole it had made it.
            logger.warning(
                """
                an older key signs than the keyring's newest: a change of the signing key broke \
                off, or a backup from before it was brought back; strm keys rotate-signing ends that
                """, metadata: ["unused": "\(number)"])
        }
    }

    /// Ends what waits, writes the last audit entry, closes the store. Call it after the listener
    /// has stopped.
    func close(recordsStop: Bool = true) async {
        guard !hasClosed.exchange(true, ordering: .acquiringAndReleasing) else { return }
        ingest.stop()
        if recordsStop {
            do {
                try await audit.append(.server(.serverStopped))
            } catch {
                logger.error("the stop could not be recorded", metadata: ["error": "\(error)"])
            }
        }
        await recordClock()
        store.close()
        // The figures hold the server, whose routes hold this engine.
        listener.withLock { $0 = nil }
    }

    /// So that a reboot of some minutes is measured by the moment of the stop. A stop is not held up
    /// by a keyring that cannot be written.
    private func recordClock() async {
        do {
            try await store.readers.run { [vault] in try vault.recordClockAtStop() }
        } catch {
            logger.warning(
                "the clock is not on record: the next start after a boot may wait for a time source",
                metadata: ["error": "\(error)"])
        }
    }

    func attach(_ figures: HTTPFigures) { listener.withLock { $0 = figures } }

    var httpFigures: HTTPFigures? { listener.withLock { $0 } }

    private static func ingestLimits(_ settings: ServerSettings) -> IngestLimits {
        var limits = EventLimits()
        limits.bodyBytesMax = settings.http.bodyBytesMax
        limits.canonicalBytesMax = 2 * settings.http.bodyBytesMax
        var ingestLimits = IngestLimits(event: limits)
        ingestLimits.rejections = settings.rejections.limits
        return ingestLimits
    }

    static func vaultConfiguration(_ settings: ServerSettings) -> VaultConfiguration {
        var configuration = VaultConfiguration(cachedKeysMax: settings.limits.keyCacheMax)
        configuration.erasuresDirectory = settings.erasures.directory
        configuration.renewsMasterKey = settings.erasures.renewsMasterKey
        configuration.escrowDirectory = settings.backups.escrowDirectory
        configuration.issuedReceipts = { [directory = settings.erasures.directory] in
            SubjectService.issuedReceipts(below: directory)
        }
        return configuration
    }

    private static func storeConfiguration(
        _ settings: ServerSettings, _ ticket: RestoreTicket?, _ observer: (any CommitObserver)?
    ) -> StoreConfiguration {
        var configuration = StoreConfiguration(
            directory: settings.directory,
            watermarkPath: "\(settings.keyringDirectory)/watermark")
        configuration.queueEventsMax = settings.limits.queueEventsMax
        configuration.queueBytesMax = settings.limits.queueBytesMax
        configuration.acceptsOlderState =
            settings.acceptsOlderState || ticket?.allowsOlderState == true
        configuration.observer = observer
        #if DEBUG
            // The negative control of the durability tests; no release build reads it.
            let environment = ProcessInfo.processInfo.environment
            configuration.isSyncEnabled = environment["STRM_TEST_UNSAFE_NO_SYNC"] != "1"
        #endif
        return configuration
    }

    /// An installation from before there were purposes has none: its senders should not be the
    /// first to learn it.
    private static func warnOfUnmappedLevels(
        _ snapshot: CatalogSnapshot, _ registry: ContractRegistry, _ logger: Logger
    ) {
        let contracts = snapshot.contracts.values.map(\.value).filter { $0.state == .active }
        let used = contracts.flatMap { record in
            registry.contract(number: record.number)?.piiFields.map(\.level) ?? []
        }
        let unmapped = Set(used).filter { snapshot.purposes[$0] == nil }.sorted()
        guard !unmapped.isEmpty else { return }
        logger.warning(
            "consent levels have no purpose: events that name them are refused",
            metadata: ["levels": "\(unmapped.map(String.init).joined(separator: ","))"])
    }

    private static func makeWitnesses(
        _ settings: ServerSettings, _ audit: AuditLog, _ exporters: Exporters,
        _ clock: @escaping @Sendable () -> Milliseconds, _ logger: Logger
    ) throws -> Witnesses {
        let context = exporters.context
        return try Witnesses(
            settings.witness.places, periodSeconds: settings.witness.periodSeconds, audit: audit,
            store: context.store,
            openBucket: { name throws(BucketError) in
                try await Connectors.open(named: name, context)
            }, clock: clock, logger: logger)
    }

    /// Manifests are signed by the key of the audit log under a name of its own: to a verifier it
    /// is another key, and no text of the one can be taken for one of the other.
    private static func makeExporters(
        _ settings: ServerSettings, _ store: Store, _ query: Query, _ audit: AuditLog,
        _ vault: Vault, _ catalog: Catalog, _ clock: @escaping @Sendable () -> Milliseconds,
        _ logger: Logger
    ) -> Exporters {
        Exporters(
            context: ExportContext(
                store: store, query: query, vault: vault,
                signer: { audit.signer(named: AuditKeys.exportsName) },
                policy: settings.exports.policy,
                batchesInFlightMax: settings.exports.batchesInFlightMax, clock: clock,
                target: { catalog.snapshot.target($0) }, logger: logger))
    }

    /// Receipts are signed like manifests, under a name of their own.
    private static func makeSubjects(
        _ settings: ServerSettings, _ store: Store, _ vault: Vault, _ audit: AuditLog,
        _ query: Query, _ registry: ContractRegistry, _ catalog: Catalog,
        _ clock: @escaping @Sendable () -> Milliseconds, _ logger: Logger
    ) -> SubjectService {
        SubjectService(
            store: store, vault: vault, audit: audit, query: query, registry: registry,
            directory: settings.erasures.directory, batchMinutes: settings.erasures.batchMinutes,
            logger: logger, clock: clock,
            signer: { audit.signer(named: SubjectService.receiptKeyName) },
            catalog: {
                let snapshot = catalog.snapshot
                let streams = snapshot.streams.values.map(\.value)
                // A counter that cannot be read stops what makes streams, not answers.
                let last = (try? catalog.lastNumber("stream")) ?? 0
                let former = Set((0..<last).map { StreamID(rawValue: $0 + 1) })
                    .subtracting(streams.map(\.id))
                return SubjectCatalog(
                    streams: streams, purposes: snapshot.purposes.values.map(\.value),
                    formerStreams: former.sorted())
            })
    }
}
