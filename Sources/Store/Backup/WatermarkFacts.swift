/// What a watermark file says, for those who only look: a restore tells by it what a backup lacks.
package struct WatermarkFacts: Sendable, Equatable {
    /// When it was written, ms since 1970.
    package var time: Milliseconds
    /// The number of the last write that was durable.
    package var sequence: UInt64
    /// What the commit stage said of the audit log (`CommitStage.watermark`).
    package var audit: [UInt8]
    /// The next offset of each partition.
    package var heads: [PartitionID: UInt64]

    /// - Returns: nil if there is no file, or neither of its slots is valid.
    package static func read(_ path: String) throws(StoreError) -> WatermarkFacts? {
        guard case .valid(let watermark) = try WatermarkFile(path: path).read() else { return nil }
        return WatermarkFacts(
            time: watermark.time, sequence: watermark.sequence, audit: watermark.audit,
            heads: watermark.heads)
    }
}
