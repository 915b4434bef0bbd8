/// Where a read ended.
package struct ReadEnd: Sendable, Equatable {
    /// Where the next read goes on.
    package var next: Offset
    /// Nothing more was there when the read began.
    package var reachedTail: Bool
    /// The next event is not older than `until`: since times never fall, no later one is.
    package var reachedUntil: Bool
    /// Events that were given to the visit.
    package var visited: Int
    /// Records that were looked at, those that the key link filter passed over included.
    package var scanned: Int

    package init(
        next: Offset, reachedTail: Bool, reachedUntil: Bool = false, visited: Int = 0,
        scanned: Int = 0
    ) {
        self.next = next
        self.reachedTail = reachedTail
        self.reachedUntil = reachedUntil
        self.visited = visited
        self.scanned = scanned
    }
}

/// One that waits for events of a partition; give it to `Store.unwatch`.
package struct WatchTicket: Hashable, Sendable {
    let partition: PartitionID
    let number: UInt64
}

/// A day of one retention class that was dropped.
package struct DroppedDay: Sendable, Equatable {
    package var retention: RetentionClass
    package var day: UTCDay
}
