package import Store

/// The keys of one UTC day and one retention class that are left out of the keyring, or will be.
package struct DestroyedEpoch: Sendable, Hashable {
    /// Number of the epoch. Grows; never used twice.
    package let epoch: UInt32
    package let day: UTCDay
    package let retention: RetentionClass

    package init(epoch: UInt32, day: UTCDay, retention: RetentionClass) {
        self.epoch = epoch
        self.day = day
        self.retention = retention
    }
}
