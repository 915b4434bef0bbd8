import Store

/// One pass over one partition: short enough not to keep a reader thread from others.
struct Pass: Sendable {
    var partition: PartitionID
    var start: Offset
    /// Events handed out at most.
    var limit: Int
    /// Events looked at at most.
    var scannedMax: Int
    /// Older events are not there any more, or not asked for.
    var notBefore: Milliseconds
    var until: Milliseconds?
    var keyLink: KeyLink?
    /// Only events of these sequences; nil: of all.
    var keyLinks: KeyLinkSet?
    /// The bytes of the page: it ends before the event that would exceed them.
    var bytesMax: Int
    /// The first offset that does not belong to the range any more; nil: the range is open.
    var end: Offset?
    /// Whether the page says which contracts and sequences it holds.
    var collectsDetails = false
}

/// How a pass ended.
struct PassEnd: Sendable {
    /// The first offset that was not looked at.
    var next: Offset
    var scanned: Int
    var dropped: Int
    /// An event at or after `until` was met.
    var isPastUntil: Bool
    var reachedTail: Bool
}

extension Pass {
    /// Room for what the page will probably hold, so that it need not grow: by the events that are
    /// there, at what a usual one takes.
    func expectedBytes(in store: Store) -> Int {
        let tail = store.tail(partition)
        guard tail > start else { return 0 }
        let events = min(UInt64(limit), tail.rawValue - start.rawValue)
        return min(Int(events) * 512, bytesMax)
    }

    enum Taken { case taken, dropped, full }

    /// The one loop over the store's events: what has expired or was not asked for never reaches
    /// `take`. Cost of an event passed over by the key link: its header only. Blocks on the disk.
    ///
    /// `take` answers what it did with the event; after `.full` the event was not looked at.
    func scan(
        _ store: Store, take: (borrowing EventRecordView) -> Taken
    ) throws(StoreError) -> PassEnd {
        var taken = 0
        var dropped = 0
        var notTaken: Offset?
        let read: ReadEnd
        do {
            read = try store.read(
                partition, from: start, limit: .max, notBefore: notBefore, until: until,
                keyLink: keyLink, keyLinks: keyLinks, scanLimit: scannedMax
            ) { event in
                if let end, event.offset >= end {
                    notTaken = event.offset
                    return false
                }
                switch take(event) {
                case .taken: taken += 1
                case .dropped: dropped += 1
                case .full:
                    notTaken = event.offset
                    return false
                }
                return taken < limit
            }
        } catch let error as StoreError {
            throw error
        } catch {
            // The closure throws nothing, so this can only be a new kind of error of the store.
            throw .io("a read failed")
        }
        return PassEnd(
            next: notTaken ?? read.next, scanned: read.scanned, dropped: dropped,
            isPastUntil: read.reachedUntil, reachedTail: notTaken == nil && read.reachedTail)
    }
}
