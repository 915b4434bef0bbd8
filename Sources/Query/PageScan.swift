import Contracts
import Store

/// Runs passes over the partitions of a view until one of them yields something.
struct PageScan: Sendable {
    /// Events that one request may look at before it answers, empty if need be: bounds what a
    /// filter that matches nothing can cost. The cursor has moved, so repeating goes on behind.
    static let scannedMax = 1_000_000
    /// Events of one pass: about 20 ms of one thread for a filter that matches nothing.
    static let passScannedMax = 100_000

    let query: Query
    let reader: Query.Reader
    let request: Query.Request

    /// nil: nothing to hand out up to the tail, or up to the bound of scanned events. Moves `place`
    /// in any case. The page comes from one partition, so that a release has one range of offsets;
    /// the next begins with the next partition, so that none starves.
    func run(_ place: inout Place, _ totals: inout PageTotals) async throws(QueryError) -> PageBody?
    {
        let partitions = reader.source.partitionIDs
        var ended = 0
        for step in 0..<partitions.count {
            let index = (place.cursor.turn + step) % partitions.count
            var more = true
            while more {
                if Task.isCancelled { throw .cancelled }
                if totals.scanned >= Self.scannedMax { return nil }
                let now = query.clock()
                if query.store.tail(partitions[index]) <= place.cursor.offsets[index] {
                    if let to = request.to, now >= to { ended += 1 }
                    break
                }
                let pass = makePass(partitions[index], place.cursor.offsets[index], now)
                let (body, end) = try await read(pass)
                place.cursor.offsets[index] = max(end.next, place.cursor.offsets[index])
                totals.scanned += max(end.scanned, 1)
                totals.dropped += end.dropped
                if body.count > 0 {
                    place.cursor.turn = (index + 1) % partitions.count
                    return body
                }
                if end.isPastUntil { ended += 1 }
                // A pass that did not move cannot have left anything: no endless loop, whatever
                // the store says.
                more = !end.reachedTail && !end.isPastUntil && end.next > pass.start
            }
        }
        place.isAtEnd = ended == partitions.count
        return nil
    }

    private func makePass(_ partition: PartitionID, _ start: Offset, _ now: Milliseconds) -> Pass {
        let floor = reader.source.retention.floor(now: now)
        return Pass(
            partition: partition, start: start, limit: request.limit,
            scannedMax: Self.passScannedMax,
            notBefore: max(floor, request.from ?? .min), until: request.to,
            keyLink: request.keyLink, bytesMax: request.pageBytesMax)
    }

    func read(_ pass: Pass) async throws(QueryError) -> (PageBody, PassEnd) {
        switch reader.target {
        case .stream:
            let store = query.store
            let result = try await query.onReaderThread { () throws(StoreError) in
                try SealedPages.read(pass, from: store)
            }
            if result.0.count > 0 {
                add(1, to: query.counters.sealedPages)
                add(result.0.count, to: query.counters.sealedEvents)
            }
            return result
        case .derived(let derived, _):
            return try await Release(query: query, reader: reader, derived: derived).read(pass)
        }
    }
}

/// A page, and whether no later one can hold anything: everything before `to` was read.
struct PageResult: Sendable {
    var page: Query.Page
    var isAtEnd: Bool
}

/// Where a scan stands.
struct Place: Sendable {
    var cursor: Cursor
    /// Everything before the request's `to` was looked at.
    var isAtEnd = false
}

/// Sums over all passes of one request.
struct PageTotals: Sendable {
    var dropped = 0
    var scanned = 0
}

/// What is handed out.
struct PageBody: Sendable {
    var bytes: [UInt8] = []
    var count = 0
    var sealedFields = 0
    /// Only for a pass that collects them.
    var details = PageDetails()
}

/// What a page holds, for the manifest of an export.
struct PageDetails: Sendable {
    /// The catalog's numbers of the contracts of all events.
    var contracts: Set<UInt32> = []
    var keyLinks: Set<KeyLink> = []
    /// Paths of the fields that were opened, and their levels.
    var openedFields: Set<String> = []
    var openedLevels = ConsentLevels(bits: 0)
    private var lastContract: UInt32?
    private var lastLink: KeyLink?

    /// Most events are of the contract, and many of the sequence, of the one before.
    mutating func note(_ event: borrowing EventRecordView) {
        let (contract, link) = (event.contract, event.keyLink)
        if contract != lastContract {
            contracts.insert(contract)
            lastContract = contract
        }
        if link != lastLink {
            keyLinks.insert(link)
            lastLink = link
        }
    }
}
