import Audit
import AuditProof
import Crypto
import Store

extension SubjectService {
    /// Puts the hashes of receipts on record whose entries the audit log has lost, because it was
    /// brought back from a backup. Before anybody is served. Cost: one look through the log, and a
    /// read for each receipt that it does not know.
    package func recordReceiptsAgain() async throws(SubjectError) {
        let (receipts, audit) = (receipts, audit)
        let lost = try await onReaderThread {
            let ids = try receipts.all()
            guard !ids.isEmpty else { return [(id: String, hash: String)]() }
            let known = try Self.recordedReceipts(in: audit)
            return try ids.compactMap { id -> (id: String, hash: String)? in
                guard let document = try receipts.read(id) else { return nil }
                let hash = HexText.text(SHA256.hash(data: document))
                return known.contains(hash) ? nil : (id, hash)
            }
        }
        for (id, hash) in lost {
            try await record(
                AuditEntry(
                    act: .erasureReceiptIssued,
                    detail: ["erasure": id, "sha256": hash, "again": "true"]))
        }
    }

    /// SHA-256 of all receipts that the log knows. Blocks.
    private static func recordedReceipts(in audit: AuditLog) throws(StoreError) -> Set<String> {
        var known: Set<String> = []
        var next: UInt64 = 0
        while true {
            let page = try audit.entries(
                matching: AuditFilter(act: .erasureReceiptIssued), from: next, limit: 1_000)
            for entry in page.lines {
                let words = entry.line.split(separator: "\"", omittingEmptySubsequences: false)
                guard let name = words.firstIndex(of: "sha256"), name + 2 < words.count else {
                    continue
                }
                known.insert(String(words[name + 2]))
            }
            if page.isComplete { return known }
            next = page.next
        }
    }
}
