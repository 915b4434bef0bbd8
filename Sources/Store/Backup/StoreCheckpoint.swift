/// What a checkpoint of the database holds: everything up to a write, and nothing after it.
package struct StoreCheckpoint: Sendable, Equatable {
    /// The number of its last write.
    package var sequence: UInt64
    /// What the commit stage says of the audit log in it (`CommitStage.watermark`); empty without
    /// one.
    package var audit: [UInt8]
    /// The next offset of each partition in it.
    package var heads: [PartitionID: UInt64]
    /// How long no commit could be made for it.
    package var stalledNanoseconds: UInt64
}
