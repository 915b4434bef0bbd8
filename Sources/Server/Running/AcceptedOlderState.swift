import Audit
import AuditProof
import Logging
import Store

/// A state that is older than the watermark, or has none, and that `recovery.acceptsOlderState` lets
/// in. It is put on record, so that nobody can go back in silence and leave the setting to blame.
struct AcceptedOlderState: Sendable, Equatable {
    /// What was missing; holds numbers and no name.
    var reason: String
    /// What the watermark knew of the audit log; nil: there was none, so nobody here knows.
    var abandoned: AuditWatermark?

    /// Blocks: opens the database to look, if the setting is there. Before the store is opened, which
    /// writes a new watermark.
    /// - Returns: nil if nothing needs the setting, or a restore's own permission lets it in.
    static func find(
        _ settings: ServerSettings, _ ticket: RestoreTicket?, _ logger: Logger
    ) throws(StoreError) -> AcceptedOlderState? {
        guard settings.acceptsOlderState else { return nil }
        logger.critical(
            "recovery.acceptsOlderState is set: any older state is taken; remove the setting")
        guard ticket?.allowsOlderState != true else { return nil }
        let watermark = try WatermarkFacts.read("\(settings.keyringDirectory)/watermark")
        let abandoned = watermark.flatMap { AuditWatermark($0.audit) }
        let database = "\(settings.directory)/db"
        let reason: String?
        if BackupFiles.kind("\(database)/CURRENT") == .missing {
            // Without a watermark it is a new installation.
            reason = watermark == nil ? nil : "there is no database"
        } else if let watermark {
            reason = shortfall(database, watermark, abandoned)
        } else {
            reason = "the watermark is missing or damaged"
        }
        return reason.map { AcceptedOlderState(reason: $0, abandoned: abandoned) }
    }

    /// For the audit entry `olderStateAccepted`, with the tree that was taken.
    func detail(_ tree: Checkpoint) -> [String: String] {
        [
            "reason": reason, "auditSize": String(tree.size), "auditRoot": tree.root.base64,
            "abandonedAuditSize": abandoned.map { String($0.size) } ?? "unknown",
            "abandonedAuditRoot": abandoned.map { $0.root.base64 } ?? "unknown",
        ]
    }

    /// What the watermark has and the database lacks; nil: all is there.
    private static func shortfall(
        _ database: String, _ watermark: WatermarkFacts, _ audit: AuditWatermark?
    ) -> String? {
        do throws(StoreError) {
            let copy = try StoredCopy(path: database)
            if copy.sequence < watermark.sequence {
                return "the database ends at write \(copy.sequence), but write "
                    + "\(watermark.sequence) was acknowledged"
            }
            let short = watermark.heads.count { (copy.heads[$0.key] ?? .max) < $0.value }
            if short > 0 { return "\(short) partitions end before what was acknowledged" }
            if let audit, try AuditCopy.root(of: copy, size: audit.size) != audit.root {
                return "the audit log is another one"
            }
            return nil
        } catch {
            // Damage is told by whoever opens the store; a log that is too short comes here too.
            return "it does not hold what the watermark has: \(error.description)"
        }
    }
}
