/// Where a partition's next event goes. Only the commit thread has it; it runs ahead of what is
/// durable while a batch is made, which is no harm: if the batch fails nothing is written any more.
struct PartitionHead {
    let partition: PartitionID
    let retention: RetentionClass
    var next: UInt64
    var lastTimestamp: Milliseconds
    /// Minutes since 1970 of the last event; -1: the next one begins a minute.
    var minute: Int64 = -1
    /// The day of the last event and the handle of its family; nil: look it up.
    var day: UTCDay?
    var family: OpaquePointer?
    /// Its stream is gone: what still arrives is dropped with it.
    var isDropped = false
    /// Changed by the batch in hand.
    var isTouched = false
    var newDays: [PartitionTable.Day] = []

    init(
        partition: PartitionID, retention: RetentionClass, next: UInt64 = 0,
        lastTimestamp: Milliseconds = 0
    ) {
        self.partition = partition
        self.retention = retention
        self.next = next
        self.lastTimestamp = lastTimestamp
    }

    var record: PartitionRecord {
        PartitionRecord(
            retention: retention, nextOffset: next, lastTimestamp: lastTimestamp,
            isDropped: isDropped)
    }
}
