import Audit
import Contracts
import Store
import Synchronization

/// What is held about one person, for the answer to that person's request. The second door through
/// which opened fields leave, beside `Release`: every level is opened, whatever the events consent
/// to, because the person has a right to all of it; and only a data protection officer's route
/// leads here.
///
/// Which events are a person's is asked of the events: a sequence may be shared by several people,
/// so an event of one of the person's sequences is handed out only if its own data-subject field,
/// opened in memory if it is sealed, is this person. What was opened of others is wiped.
extension Query {
    /// Events that one call looks at: some 0.3 s of one thread if none matches. It then answers,
    /// empty if need be, and says where to go on.
    package static let accessScannedMax = 2_000_000

    /// The next events of a person. One audit entry, durable before this returns, also if nothing
    /// was found: that somebody asked is on record in any case.
    /// - Throws: `.auditUnavailable` and nothing is handed out; `.badRequest`, `.cancelled`,
    ///   `.store`.
    package func access(_ request: AccessRequest) async throws(QueryError) -> AccessPage {
        guard (1...AccessRequest.limitMax).contains(request.limit) else {
            throw .badRequest("limit must be 1 to \(AccessRequest.limitMax)")
        }
        for _ in 0..<Self.attemptsMax {
            if let page = try await accessOnce(request) { return page }
        }
        throw .unavailable(retryAfterSeconds: 1)
    }

    /// nil: the person was erased between the opening and the hand-out.
    private func accessOnce(_ request: AccessRequest) async throws(QueryError) -> AccessPage? {
        var scan = AccessScan(query: self, request: request)
        let opened = try await scan.run()
        var page = scan.page
        do {
            try await audit.append(entry(for: opened, page, request))
        } catch {
            opened?.wipe()
            if Task.isCancelled { throw .cancelled }
            counters.refusedReleases.add(1, ordering: .relaxed)
            throw .auditUnavailable(retryAfterSeconds: 1)
        }
        if let opened {
            counters.releases.add(1, ordering: .relaxed)
            guard !mustBeReadAnew(opened.disclosures) else {
                opened.wipe()
                return nil
            }
            add(opened.openedFields, to: counters.openedFields)
            add(opened.goneFields, to: counters.goneFields)
            add(opened.damagedFields, to: counters.damagedFields)
            page.events = opened.events
            page.body = opened.handOut()
        }
        return page
    }

    private func entry(
        for opened: AccessedEvents?, _ page: AccessPage, _ request: AccessRequest
    ) -> AuditEntry {
        var entry = AuditEntry(act: .subjectAccessed, client: request.client, role: request.role)
        entry.detail = ["person": request.person]
        for (name, count) in [
            ("others", page.others), ("nameless", page.nameless), ("undecided", page.undecided),
        ] where count > 0 {
            entry.detail[name] = String(count)
        }
        entry.events = opened?.events.count ?? 0
        guard let opened, let first = opened.events.first, let last = opened.events.last else {
            return entry
        }
        entry.stream = request.sources.first { $0.stream.id == page.stream }?.stream.name
        entry.partition = page.partition
        entry.offsets = (first.offset, last.offset)
        opened.name(in: &entry)
        entry.disclosures = opened.disclosures
        entry.purposes = opened.openedLevels.levels
        entry.keyLinks = Set(opened.events.map(\.link)).count
        entry.sealedFields = opened.goneFields
        return entry
    }
}

/// Goes through the streams of a request until a pass finds events of the person.
private struct AccessScan {
    let query: Query
    let request: Query.AccessRequest
    private(set) var page = Query.AccessPage()
    private var scanned = 0

    init(query: Query, request: Query.AccessRequest) {
        self.query = query
        self.request = request
    }

    /// nil: nothing was found up to the end, or up to the bound; `page.next` says which.
    mutating func run() async throws(QueryError) -> AccessedEvents? {
        let places = request.sources.flatMap { source in
            source.stream.partitionIDs.indices.map { (source, $0) }
        }
        for (source, partition) in places {
            let id = source.stream.id
            var next = Offset(rawValue: 0)
            if let start = request.start {
                if (id, partition) < (start.stream, start.partition) { continue }
                if (id, partition) == (start.stream, start.partition) { next = start.offset }
            }
            while true {
                if Task.isCancelled { throw .cancelled }
                guard scanned < Query.accessScannedMax else {
                    page.next = .init(stream: id, partition: partition, offset: next)
                    return nil
                }
                let pass = pass(source, partition, next)
                let (opened, end) = try await read(pass)
                scanned += max(end.scanned, 1)
                page.others += opened.others
                page.nameless += opened.nameless
                page.undecided += opened.undecided
                let isOver = end.reachedTail || end.isPastUntil || end.next <= next
                next = max(next, end.next)
                if !opened.events.isEmpty {
                    page.stream = id
                    page.partition = partition
                    page.next = .init(stream: id, partition: partition, offset: next)
                    if isOver,
                        places.last.map({ ($0.0.stream.id, $0.1) == (id, partition) }) ?? true
                    {
                        page.next = nil
                    }
                    return opened
                }
                if isOver { break }
            }
        }
        return nil
    }

    private func pass(
        _ source: Query.AccessSource, _ partition: Int, _ start: Offset
    ) -> Pass {
        let floor = source.stream.retention.floor(now: query.clock())
        var pass = Pass(
            partition: source.stream.partitionIDs[partition], start: start, limit: request.limit,
            scannedMax: PageScan.passScannedMax,
            notBefore: max(floor, source.from, request.from ?? .min), until: request.to,
            keyLink: nil, bytesMax: Query.Request.pageBytesMax)
        pass.keyLinks = source.links
        return pass
    }

    private func read(_ pass: Pass) async throws(QueryError) -> (AccessedEvents, PassEnd) {
        let (query, subject) = (query, request.subject)
        return try await query.onReaderThread { () throws(QueryError) in
            let opened = AccessedEvents(query: query, subject: subject)
            return (opened, try opened.fill(pass))
        }
    }
}
