import Audit
import Store

/// What the audit log says of erasures. People are keyed hashes.
enum ErasureEntries {
    static func requested(_ erasure: Erasure, isReplay: Bool) -> Mutation {
        var detail = ["erasure": erasure.id, "person": erasure.person.hexadecimal]
        detail["reference"] = erasure.reference
        if erasure.hasFence { detail["fence"] = "true" }
        if isReplay { detail["replayed"] = "true" }
        return .audit(
            AuditLog.draft(
                AuditEntry(
                    act: .erasureRequested, client: erasure.client, role: erasure.role,
                    keyLinks: erasure.linkCount, detail: detail)))
    }

    static func completed(_ batch: ErasureBatch, number: UInt64, isReplay: Bool) -> [Mutation] {
        batch.erasures.map { id in
            var detail = [
                "erasure": id, "ledgerNumber": String(number), "buckets": String(batch.buckets),
                "keysDestroyed": String(batch.keysDestroyed),
                "survivors": String(batch.survivors),
                "keyringGeneration": String(batch.keyringGeneration),
                "masterKeyCustody": batch.masterKeyCustody,
                "masterKeyRenewed": String(batch.isMasterKeyRenewed),
            ]
            if isReplay { detail["replayed"] = "true" }
            return .audit(
                AuditLog.draft(
                    AuditEntry(act: .erasureCompleted, detail: detail)))
        }
    }

    static func replayed(
        from: UInt64, to: UInt64, erasures: Int, keys: Int, rewrapped: Int
    ) -> Mutation {
        .audit(
            AuditLog.draft(
                AuditEntry(
                    act: .erasuresReplayed,
                    detail: [
                        "storeNumber": String(from), "ledgerNumber": String(to),
                        "erasures": String(erasures), "keysDeleted": String(keys),
                        "recordsRewrapped": String(rewrapped),
                    ])))
    }

    static func fenceLifted(_ lifted: ErasureBook.Lift) -> Mutation {
        .audit(
            AuditLog.draft(
                AuditEntry(
                    act: .fenceLifted, client: lifted.client, role: lifted.role,
                    detail: ["person": lifted.person, "streams": String(lifted.streams)])))
    }
}
