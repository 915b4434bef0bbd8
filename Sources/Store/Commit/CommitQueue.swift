/// What waits for the commit thread, in the order in which it came.
///
/// Bounded in events, requests and bytes: what is over that is refused, so that a burst costs the
/// senders a retry and not the server its memory. What is too large for the whole queue is taken
/// when nothing else waits. Events are refused too while the batch in hand does not end (a write
/// stall of the engine, a disk that hangs): their senders learn of it at once, and not by silence.
///
/// `@unchecked Sendable`: all mutable state is read and written with `lock` held.
final class CommitQueue: @unchecked Sendable {
    struct Request: Sendable {
        let mutations: [Mutation]
        let completion: (@Sendable (Result<CommitReceipt, StoreError>) -> Void)?
    }

    /// Work between two commits, on the commit thread.
    struct Control: Sendable {
        let body: @Sendable (Committer) -> Void
        let fail: @Sendable (StoreError) -> Void
    }

    enum Item: Sendable {
        case chunk(EventChunk)
        case request(Request)
        case control(Control)
    }

    struct Depth: Sendable {
        var events = 0
        var eventBytes = 0
        var requests = 0
        var requestBytes = 0
    }

    private enum Phase {
        case open
        case poisoned
        case closed
    }

    private let lock = ConditionLock()
    private let limits: StoreConfiguration
    private var items: [Item] = []
    private var depth = Depth()
    private var phase = Phase.open
    private var isConsumerWaiting = false
    private var isDiskFull = false
    private var isReserveUsedUp = false
    private var refusals: UInt64 = 0
    /// When the batch in hand was taken, in ns of the monotonic clock; 0: none is in hand.
    private var takenAt: UInt64 = 0

    init(limits: StoreConfiguration) { self.limits = limits }

    func submit(_ chunk: EventChunk) throws(StoreError) {
        try lock.withLock { () throws(StoreError) in
            try checkPhase()
            if isDiskFull {
                refusals += 1
                throw .diskFull
            }
            if stallNanoseconds > limits.stallNanosecondsMax {
                refusals += 1
                throw .overloaded(retryAfterSeconds: 1)
            }
            let events = depth.events + chunk.count
            let bytes = depth.eventBytes + chunk.byteCount
            if depth.events > 0 && (events > limits.queueEventsMax || bytes > limits.queueBytesMax)
            {
                refusals += 1
                throw .overloaded(retryAfterSeconds: 1)
            }
            depth.events = events
            depth.eventBytes = bytes
            append(.chunk(chunk))
        }
    }

    func submit(_ request: Request) throws(StoreError) {
        let size = Self.byteCount(request.mutations)
        try lock.withLock { () throws(StoreError) in
            try checkPhase()
            if isReserveUsedUp {
                refusals += 1
                throw .diskFull
            }
            let bytes = depth.requestBytes + size
            if depth.requests > 0
                && (depth.requests >= limits.queueRequestsMax
                    || bytes > limits.queueRequestBytesMax)
            {
                refusals += 1
                throw .overloaded(retryAfterSeconds: 1)
            }
            depth.requests += 1
            depth.requestBytes = bytes
            append(.request(request))
        }
    }

    func submit(_ control: Control) throws(StoreError) {
        try lock.withLock { () throws(StoreError) in
            try checkPhase()
            append(.control(control))
        }
    }

    /// Waits for work. Takes everything that waits, up to the bounds of a batch; a control comes
    /// alone. False: closed, and nothing waits any more.
    func take(into batch: inout [Item]) -> Bool {
        lock.withLock {
            takenAt = 0
            while items.isEmpty {
                if phase == .closed { return false }
                isConsumerWaiting = true
                lock.wait()
                isConsumerWaiting = false
            }
            var events = 0
            var bytes = 0
            var count = 0
            scan: for item in items {
                switch item {
                case .control:
                    if count == 0 { count = 1 }
                    break scan
                case .chunk(let chunk):
                    events += chunk.count
                    bytes += chunk.byteCount
                case .request(let request):
                    events += request.mutations.count
                    bytes += Self.byteCount(request.mutations)
                }
                if count > 0 && (events > limits.batchEventsMax || bytes > limits.batchBytesMax) {
                    break scan
                }
                count += 1
            }
            move(count, into: &batch)
            // A control may drop whole days, which is long and no stall.
            if case .control? = batch.first { return true }
            takenAt = MonotonicClock.nanoseconds()
            return true
        }
    }

    /// Refuses from now on, and gives what waits, so that it can be failed.
    func poison() -> [Item] {
        lock.withLock {
            if phase == .open { phase = .poisoned }
            var waiting: [Item] = []
            move(items.count, into: &waiting)
            return waiting
        }
    }

    /// Refuses from now on; what waits is still done.
    func close() {
        lock.withLock {
            phase = .closed
            lock.broadcast()
        }
    }

    /// `isFull`: events are refused. `isUsedUp`: mutations too.
    func setDisk(isFull: Bool, isUsedUp: Bool) {
        lock.withLock {
            isDiskFull = isFull
            isReserveUsedUp = isUsedUp
        }
    }

    struct Status {
        var depth: Depth
        var isPoisoned: Bool
        var isDiskFull: Bool
        var refusals: UInt64
        /// How long the batch in hand has taken so far; 0: none is in hand.
        var runningNanoseconds: UInt64
    }

    var status: Status {
        lock.withLock {
            Status(
                depth: depth, isPoisoned: phase == .poisoned, isDiskFull: isDiskFull,
                refusals: refusals, runningNanoseconds: stallNanoseconds)
        }
    }

    /// With the lock held.
    private var stallNanoseconds: UInt64 {
        takenAt == 0 ? 0 : MonotonicClock.nanoseconds() &- takenAt
    }

    private func checkPhase() throws(StoreError) {
        switch phase {
        case .open: return
        case .poisoned: throw .poisoned
        case .closed: throw .closed
        }
    }

    private func append(_ item: Item) {
        items.append(item)
        if isConsumerWaiting { lock.signal() }
    }

    private func move(_ count: Int, into batch: inout [Item]) {
        batch.removeAll(keepingCapacity: true)
        if count == items.count {
            swap(&batch, &items)
        } else {
            batch.append(contentsOf: items[..<count])
            items.removeFirst(count)
        }
        for item in batch {
            switch item {
            case .chunk(let chunk):
                depth.events -= chunk.count
                depth.eventBytes -= chunk.byteCount
            case .request(let request):
                depth.requests -= 1
                depth.requestBytes -= Self.byteCount(request.mutations)
            case .control: break
            }
        }
    }

    private static func byteCount(_ mutations: [Mutation]) -> Int {
        mutations.reduce(0) { sum, mutation in
            switch mutation {
            case .putKey(_, let record), .replaceKey(_, let record): sum + 16 + record.count
            case .putIndex(let key, let value), .putCursor(let key, let value),
                .putSubject(let key, let value):
                sum + key.count + value.count
            case .putDocument(_, let body, _): sum + 64 + body.count
            case .audit(let draft): sum + 64 + draft.byteCount
            case .deleteSubject(let key), .deleteIndex(let key), .deleteCursor(let key):
                sum + key.count
            case .deleteKey, .deleteDocument: sum + 64
            }
        }
    }
}
