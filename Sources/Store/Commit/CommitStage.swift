/// Takes part in each commit: gives the audit drafts their numbers and hashes.
///
/// All of it is called on the commit thread, never twice at once. `stage` is called before the
/// write of a batch that holds drafts or new keys; `didCommit` after the sync of that batch and
/// before anybody hears of it. If the write fails, `didCommit` is not called, the store is poisoned
/// and the stage is not called again: nothing has to be undone.
package protocol CommitStage: AnyObject, Sendable {
    /// Adds puts and deletes to family `audit` and sets `writes.auditSizeAfter`.
    /// - Parameters:
    ///   - drafts: in the order of the requests.
    ///   - keysMade: how many data keys this batch brings.
    ///   - time: when the batch is committed; not monotone if the clock is not.
    func stage(
        _ drafts: [AuditDraft], keysMade: Int, at time: Milliseconds,
        into writes: inout StagedWrites)

    func didCommit()

    /// Up to `Watermark.auditBytesMax` bytes (size and root) of what is durable. They are kept in
    /// the watermark file and given back by `Store.recoveredAuditWatermark` after a restart.
    func watermark() -> [UInt8]
}

/// What a stage adds to the batch.
package struct StagedWrites {
    package private(set) var audit: [(key: [UInt8], value: [UInt8])] = []
    package private(set) var forgotten: [[UInt8]] = []
    /// The size of the audit log once this batch is durable: comes back in the receipts.
    package var auditSizeAfter: UInt64 = 0

    package init() {}

    package mutating func putAudit(key: [UInt8], value: [UInt8]) {
        audit.append((key, value))
    }

    /// Deletes a key of family `audit`.
    package mutating func forgetAudit(key: [UInt8]) { forgotten.append(key) }

    mutating func removeAll() {
        forgotten.removeAll(keepingCapacity: true)
        audit.removeAll(keepingCapacity: true)
    }
}
