package import Store
import Synchronization

extension AuditLog {
    /// Entries whose attachments one round forgets at most.
    package static let forgottenCountMax = 5_000

    /// Deletes what is kept beside entries that are older than a time: whose fields they handed
    /// out. The entries stay, with its hash. One entry says so, in the same commit; durable on
    /// return. Bounded; call it again until it gives 0. To be called by one task at a time.
    /// - Returns: how many entries were stripped.
    package func forgetDisclosures(before time: Milliseconds) async throws(StoreError) -> Int {
        let found: [UInt64]
        do {
            let start = state.withLock { $0.attachmentsFrom }
            found = try await store.readers.run { [self] in try attachments(from: start, time) }
        } catch let error as StoreError {
            throw error
        } catch {
            throw .overloaded(retryAfterSeconds: 1)
        }
        guard let first = found.first, let last = found.last else { return 0 }
        var draft = Self.draft(
            AuditEntry(
                act: .disclosuresForgotten,
                detail: [
                    "first-entry": String(first), "last-entry": String(last),
                    "entries": String(found.count),
                ]))
        draft.forgetsAttachments = found
        _ = try await store.commit([.audit(draft)])
        // So that the next search does not begin with what was deleted.
        state.withLock { $0.attachmentsFrom = last + 1 }
        return found.count
    }

    private func attachments(
        from start: UInt64, _ time: Milliseconds
    ) throws(StoreError) -> [UInt64] {
        let end = try firstIndex(notBefore: time, in: 0..<size)
        var found: [UInt64] = []
        try AuditRecovery.scan(store, from: AuditFamily.attachmentKey(start)) { key, _ in
            guard let index = AuditFamily.attachmentIndex(key), index < end else { return false }
            found.append(index)
            return found.count < Self.forgottenCountMax
        }
        return found
    }
}
