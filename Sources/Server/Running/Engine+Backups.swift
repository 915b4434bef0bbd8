import Audit
import AuditProof
import Export
import FoundationEssentials
import Logging
import Store
import Subjects
import Vault

/// Backups and escrow, as the engine wires them.
extension Engine {
    static func makeBackups(
        _ settings: ServerSettings, _ store: Store, _ vault: Vault, _ audit: AuditLog,
        _ clock: @escaping @Sendable () -> Milliseconds, _ logger: Logger
    ) throws -> Backups {
        let maker = settings.backups.directory.map { directory in
            BackupMaker(
                store: store, signer: { audit.signer(named: BackupManifest.keyName) },
                keyringID: HexText.text(vault.keyringID),
                directory: directory, dataDirectory: settings.directory, program: version,
                clock: clock)
        }
        return try Backups(
            maker: maker, keys: { try AuditKeys.keys(named: BackupManifest.keyName, vault) },
            tidy: { [directory = settings.backups.directory, data = settings.directory] in
                try BackupMaker.tidy(directory: directory, dataDirectory: data)
            },
            settings: settings.backups, audit: audit,
            clock: clock, logger: logger)
    }

    /// Puts on record that the database is a backup, or an older state that a setting let in, before
    /// anything else is: also before what the erasure ledger does in it again. Blocks.
    static func beginRestored(
        _ ticket: RestoreTicket?, _ older: AcceptedOlderState?, _ vault: Vault, _ audit: AuditLog,
        now: Milliseconds
    ) throws {
        if let older {
            let entry = AuditEntry.server(
                .olderStateAccepted, detail: older.detail(try audit.signedTree().checkpoint))
            try vault.beginRestored(
                recording: .audit(AuditLog.draft(entry)), givesUpLedger: false, now: now)
        }
        guard let ticket, try !isRecorded(ticket, audit) else { return }
        let entry = AuditEntry.server(.storeRestored, detail: ticket.detail)
        try vault.beginRestored(
            recording: .audit(AuditLog.draft(entry)), givesUpLedger: ticket.lostLedger != nil,
            now: now)
    }

    /// Records what the log has lost of receipts, and gives up the permission to be older.
    func finishRestore() async throws {
        guard let ticket = restoreTicket else { return }
        try await subjects.recordReceiptsAgain()
        try await store.readers.run { [settings] in
            try RestoreTicket.remove(in: settings.keyringDirectory)
        }
        logger.notice("a backup was brought back", metadata: ["backup": "\(ticket.backup)"])
    }

    /// A start that died after the entry and before the ticket was gone has recorded it already.
    private static func isRecorded(_ ticket: RestoreTicket, _ audit: AuditLog) throws -> Bool {
        let page = try audit.entries(
            matching: AuditFilter(act: .storeRestored), from: ticket.auditSize, limit: 100)
        return page.lines.contains { $0.line.contains("\"restore\":\"\(ticket.id)\"") }
    }

    /// Brings the escrow up to date if it is behind, and ends a renewal of the master key that waits
    /// for it.
    func settleEscrow() async throws {
        guard vault.escrowStatus != nil else { return }
        try await store.readers.run { [vault] in
            if vault.mustSettleEscrow { try vault.settleEscrow() }
        }
    }

    func isEscrowLate(now: Milliseconds) -> Bool {
        guard let since = vault.escrowStatus?.behindSince else { return false }
        return now - since > Milliseconds(settings.backups.escrowHours) * 3_600_000
    }

    var escrowStatus: WireValue {
        guard let escrow = vault.escrowStatus else { return .null }
        return [
            "generation": escrow.generation.map { .integer(Int64(clamping: $0)) } ?? .null,
            "behindSince": .optional(escrow.behindSince.map { WireTime.format($0) }),
            "problem": .optional(escrow.failure),
        ]
    }
}
