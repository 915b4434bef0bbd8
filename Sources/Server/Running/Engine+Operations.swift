import Audit
import Export
import Ingest
import Logging
import Query
import Store
import Synchronization
import Vault
import Witness

extension Engine {
    /// Why the server should get no traffic; empty if it should. Sentences that are safe to show to
    /// anyone.
    var unreadiness: [String] {
        let statistics = store.statistics
        var reasons: [String] = []
        if statistics.isPoisoned { reasons.append("a write failed; restart the server") }
        if statistics.isDiskFull { reasons.append("the disk is full") }
        if isEscrowLate(now: clock()) { reasons.append("the escrow of the keyring is behind") }
        return reasons
    }

    var metrics: MetricsPage {
        let snapshot = catalog.snapshot
        var names: [UInt32: String] = [:]
        for stream in snapshot.streams.values {
            names[stream.value.id.rawValue] = stream.value.name
        }
        for derived in snapshot.derivedStreams.values {
            names[derived.value.id.rawValue] = derived.value.name
        }
        let figures = httpFigures
        return MetricsPage(
            http: figures?.statistics(), ingest: ingest.statistics,
            rejections: ingest.rejections.all, keeping: ingest.keeper.statistics,
            store: store.statistics, vault: vault.statistics, query: query.statistics,
            exporters: exporters.statuses, witnesses: witnesses.statuses,
            backups: backups.figures, now: clock(),
            auditSize: audit.size,
            tokensIssued: tokenService.issued,
            tokensRefused: tokenService.refused, requestsRunning: figures?.running() ?? 0,
            requestsWaiting: figures?.waiting() ?? 0, streamNames: names, startedAt: startedAt,
            isReady: unreadiness.isEmpty, wrongMasterKeys: figures?.wrongMasterKeys() ?? 0,
            swept: sweeper.statistics,
            housekeepingRounds: housekeepingRounds.load(ordering: .relaxed),
            housekeepingEndedAt: housekeepingEndedAt.load(ordering: .relaxed))
    }

    /// `GET /v1/status`
    func status(now: Milliseconds) -> WireValue {
        let snapshot = catalog.snapshot
        let (disk, keyring) = (store.statistics, vault.statistics)
        let streams = snapshot.streams.values.map(\.value).sorted { $0.id < $1.id }.map {
            stream -> WireValue in
            let events = stream.partitionIDs.reduce(UInt64(0)) { $0 + store.tail($1).rawValue }
            return [
                "name": .string(stream.name), "nextOffset": .integer(Int64(clamping: events)),
                "retentionDays": .integer(Int64(stream.retention.days)),
                "derivedStreams": .array(
                    snapshot.derivedStreams(of: stream.name).map { .string($0.name) }),
            ]
        }
        return [
            "version": .string(Self.version),
            "startedAt": .string(WireTime.format(startedAt)),
            "uptimeSeconds": .integer(max(0, (now - startedAt) / 1_000)),
            "isReady": .bool(unreadiness.isEmpty),
            "notReadyBecause": .array(unreadiness.map(WireValue.string)),
            "streams": .array(streams),
            "contracts": .integer(Int64(snapshot.contracts.count)),
            "clients": .integer(Int64(snapshot.clients.count)),
            "audit": ["size": .integer(Int64(clamping: audit.size))],
            "auditWitnesses": witnessStatus(now: now),
            "keys": [
                "cached": .integer(Int64(keyring.cachedKeys)),
                "made": .integer(Int64(clamping: keyring.keysMade)),
                "epoch": .integer(Int64(keyring.epoch)),
                "keyringGeneration": .integer(Int64(clamping: keyring.generation)),
                "keyringFailure": .optional(keyring.keyringFailure),
                "ledgerFailure": .optional(keyring.ledgerFailure),
                "masterKeyCustody": .string(keyring.masterKeyCustody),
                "isDestructionOnHold": .bool(keyring.isDestructionOnHold),
                "escrow": escrowStatus,
            ],
            "backups": backups.status(now: now),
            "disk": [
                "usedBytes": .integer(Int64(clamping: disk.diskBytes)),
                "freeBytes": .integer(Int64(clamping: disk.freeBytes)),
                "isFull": .bool(disk.isDiskFull),
            ],
        ]
    }

    /// An operator says that the clock is right: what is due may be destroyed from now on.
    func confirmClock(by caller: Principal) async throws {
        try await audit.append(.by(caller, .clockConfirmed))
        do {
            try await store.readers.run { [vault] in try vault.confirmClock() }
        } catch let error as VaultError {
            logger.error("the clock could not be confirmed", metadata: ["error": "\(error)"])
            throw Problem.unavailable("The keyring cannot be written.")
        }
    }
}
