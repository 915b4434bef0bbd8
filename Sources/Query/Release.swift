import Audit
import Contracts
import Privacy
import Store
import Synchronization
import Vault

/// The door through which plaintext leaves to readers and exporters. Nothing else in the program calls
/// `EventOpener` or asks the vault for the key of a stored event, but `Query+Access` for one person's
/// request.
///
/// A page of a derived stream is opened into memory that nobody else can reach, then what was
/// opened is put on record, and only when that record is synced are the bytes handed out. If the
/// record cannot be written they are wiped. One audit entry a page; none if nothing was opened or
/// masked. What is masked is opened to be hashed, and does not leave.
struct Release {
    let query: Query
    let reader: Query.Reader
    let derived: DerivedStreamDefinition

    /// Reads and opens one pass, and puts it on record.
    func read(_ pass: Pass) async throws(QueryError) -> (PageBody, PassEnd) {
        guard derived.isApproved else { throw .notApproved }
        for _ in 0..<Query.attemptsMax {
            if let result = try await readOnce(pass) { return result }
        }
        throw .unavailable(retryAfterSeconds: 1)
    }

    /// nil: the person of one of the events was erased between the opening and the hand-out. The
    /// bytes are wiped; the entry stays, and says more than what left.
    private func readOnce(_ pass: Pass) async throws(QueryError) -> (PageBody, PassEnd)? {
        let (query, derived) = (query, derived)
        let (opened, end) = try await query.onReaderThread { () throws(QueryError) in
            let opened = try OpenedEvents(
                query: query, derived, expectedBytes: pass.expectedBytes(in: query.store))
            let end = try opened.fill(pass)
            opened.closeTally()
            return (opened, end)
        }
        if opened.openedFields > 0 || opened.maskedValues > 0 {
            do {
                try await query.audit.append(entry(for: opened, pass.partition))
            } catch {
                opened.wipe()
                if Task.isCancelled { throw .cancelled }
                query.counters.refusedReleases.add(1, ordering: .relaxed)
                throw .auditUnavailable(retryAfterSeconds: 1)
            }
            query.counters.releases.add(1, ordering: .relaxed)
            guard !query.mustBeReadAnew(opened.disclosures) else {
                opened.wipe()
                return nil
            }
        }
        count(opened)
        return (opened.handOut(), end)
    }

    private func count(_ opened: OpenedEvents) {
        guard opened.events > 0 else { return }
        let counters = query.counters
        add(1, to: counters.derivedPages)
        add(opened.events, to: counters.derivedEvents)
        add(opened.openedFields, to: counters.openedFields)
        add(opened.goneFields, to: counters.goneFields)
        add(opened.damagedFields, to: counters.damagedFields)
    }

    private func entry(for opened: OpenedEvents, _ partition: PartitionID) -> AuditEntry {
        var entry = AuditEntry(act: .release)
        entry.client = reader.client
        entry.role = reader.role
        entry.stream = reader.source.name
        entry.derivedStream = derived.name
        entry.partition = Int(partition.partition)
        entry.offsets = (opened.firstOffset, opened.lastOffset)
        opened.name(in: &entry)
        entry.purposes = opened.openedLevels.levels
        entry.events = opened.openedEvents
        entry.keyLinks = opened.sequences
        entry.disclosures = opened.disclosures
        entry.sealedFields = opened.goneFields
        entry.detail = reader.detail
        if opened.maskedValues > 0 {
            entry.detail.merge(Self.maskedDetail(opened.maskedPaths)) { $1 }
            entry.detail["masked-values"] = String(opened.maskedValues)
        }
        return entry
    }
}

extension Release {
    /// Paths as `masked`, `masked-2` …: a text of an audit entry is cut at 256 bytes, so each holds
    /// as many whole paths as fit.
    static func maskedDetail(_ paths: [String]) -> [String: String] {
        let textBytesMax = 256
        var texts: [String] = []
        for path in paths {
            if let last = texts.last, last.utf8.count + 1 + path.utf8.count <= textBytesMax {
                texts[texts.count - 1] = "\(last) \(path)"
            } else {
                texts.append(path)
            }
        }
        return Dictionary(
            uniqueKeysWithValues: texts.enumerated().map { index, text in
                (index == 0 ? "masked" : "masked-\(index + 1)", text)
            })
    }
}

/// Events with their fields opened, not on record yet. Its bytes cannot be read outside this file.
///
/// Sendable because it has one owner at a time: the reader thread that fills it gives it to the
/// task that waits, through a continuation, and keeps nothing.
private final class OpenedEvents: @unchecked Sendable {
    private(set) var events = 0
    private(set) var openedEvents = 0
    private(set) var openedFields = 0
    /// Values that were replaced by a hash.
    private(set) var maskedValues = 0
    private(set) var goneFields = 0
    private(set) var damagedFields = 0
    private(set) var openedLevels = ConsentLevels(bits: 0)
    /// What the entry keeps of single sequences; nil before `closeTally`.
    private(set) var disclosures: Disclosures?
    private(set) var firstOffset = Offset(rawValue: 0)
    private(set) var lastOffset = Offset(rawValue: 0)

    private let query: Query
    private let levels: ConsentLevels
    private let opener = EventOpener()
    private var output: ByteBuilder
    private var spans: [SealedSpanValue] = []
    private let masks: [MaskRule]
    private let functions: [MaskFunction]
    private var edits: [FieldEdit] = []
    /// Keys that are gone: asked for once a page, not once an event.
    private var goneLinks: Set<KeyLink> = []
    private var tally = DisclosureTally()
    /// What was opened of each contract, by field index.
    private var contracts: [UInt32: ContractUse] = [:]
    private var current: ContractUse?
    private var failure: VaultError?
    private var details = PageDetails()

    init(
        query: Query, _ derived: DerivedStreamDefinition, expectedBytes: Int
    ) throws(QueryError) {
        self.query = query
        levels = derived.levels
        masks = derived.masks ?? []
        functions = try derived.maskFunctions(query.vault)
        output = ByteBuilder(capacity: expectedBytes)
    }

    /// Reads events up to the pass's bounds. Blocks on the disk, and on the vault for keys.
    func fill(_ pass: Pass) throws(QueryError) -> PassEnd {
        let now = query.clock()
        let end: PassEnd
        do {
            end = try pass.scan(query.store) { event in
                // On the header alone: a dropped event costs no look at its JSON.
                guard ConsentFilter.passes(event: event.consent, required: levels) else {
                    return .dropped
                }
                guard failure == nil else { return .full }
                let json = event.json
                if events > 0, output.count + json.count >= pass.bytesMax { return .full }
                guard append(event, json, now) else { return failure == nil ? .dropped : .full }
                if pass.collectsDetails, failure == nil { details.note(event) }
                return failure == nil ? .taken : .full
            }
        } catch {
            throw .store(error)
        }
        if let failure {
            wipe()
            if case .store(let error) = failure { throw .store(error) }
            throw .unavailable(retryAfterSeconds: 1)
        }
        return end
    }

    func wipe() { output.removeAll() }

    /// The bytes, once. Whoever calls has put them on record.
    func handOut() -> PageBody {
        defer { wipe() }
        // Only exports ask for them; a page of one event is not to pay for that.
        if !details.contracts.isEmpty {
            details.openedFields = Set(contracts.values.flatMap(\.opened).map(\.field.path))
            details.openedLevels = openedLevels
        }
        return PageBody(
            bytes: output.toArray(), count: events, sealedFields: goneFields + damagedFields,
            details: details)
    }

    /// How many sequences' events hold something opened or masked.
    var sequences: Int { tally.count }

    /// Nothing more is opened: what is to be put on record is made here, on the reader's thread.
    func closeTally() {
        guard tally.count > 0 else { return }
        disclosures = tally.disclosures(levels: openedLevels.levels)
    }

    /// Names the opened fields, and the contracts that have an opened or a masked one.
    func name(in entry: inout AuditEntry) {
        let used = contracts.values.filter { use in
            use.fields.contains { $0.values > 0 } || use.isMasked.contains(true)
        }
        entry.name(used, contracts: used.map(\.name).sorted())
    }

    var maskedPaths: [String] {
        let paths = contracts.values.flatMap { use in
            zip(use.plan?.paths ?? [], use.isMasked).filter(\.1).map(\.0)
        }
        return Set(paths).sorted()
    }

    /// False: the event is not handed out.
    private func append(
        _ event: borrowing EventRecordView, _ json: UnsafeRawBufferPointer, _ now: Milliseconds
    ) -> Bool {
        let wanted = readSpans(of: event)
        if !masks.isEmpty {
            guard mask(event, json, wanted, now) else { return false }
        } else if wanted > 0 {
            guard open(event, json, wanted, now) else { return false }
        } else {
            output.append(json)
        }
        output.append(byte: 0x0A)
        events += 1
        return true
    }

    /// Copies the event's span table; gives the number of fields to be opened.
    private func readSpans(of event: borrowing EventRecordView) -> Int {
        spans.removeAll(keepingCapacity: true)
        var wanted = 0
        for index in 0..<event.spanCount {
            let span = event.span(at: index)
            if levels.contains(Int(span.level)) { wanted += 1 }
            spans.append(
                SealedSpanValue(
                    start: span.start, length: span.length, fieldIndex: span.fieldIndex,
                    level: span.level, flags: span.flags))
        }
        return wanted
    }

    /// Appends the event, its fields opened if they can be. False: keys cannot be had at all, and
    /// nothing was appended.
    private func open(
        _ event: borrowing EventRecordView, _ json: UnsafeRawBufferPointer, _ wanted: Int,
        _ now: Milliseconds
    ) -> Bool {
        let link = event.keyLink
        guard let use = use(of: event.contract), fieldsAreKnown(to: use) else {
            // What cannot be named cannot be put on record, so it stays sealed.
            damagedFields += wanted
            output.append(json)
            return true
        }
        if goneLinks.contains(link) {
            goneFields += wanted
            output.append(json)
            return true
        }
        do throws(VaultError) {
            let isOpened = try query.vault.withKey(link: link, now: now) { key in
                open(json, key)
            }
            if isOpened {
                note(event.offset, link, use, wanted)
            } else {
                damagedFields += wanted
                output.append(json)
            }
            return true
        } catch {
            guard case .keyGone = error else {
                failure = error
                return false
            }
            goneLinks.insert(link)
            goneFields += wanted
            output.append(json)
            return true
        }
    }

    /// False: the sealed text was altered, or is not of this key; nothing was appended.
    private func open(_ json: UnsafeRawBufferPointer, _ key: borrowing DataKey) -> Bool {
        let keyID = key.keyID
        return key.withBytes { bytes in
            spans.withUnsafeBufferPointer { spans in
                do throws(OpenError) {
                    _ = try opener.open(
                        json: json, spans: spans, levels: levels, key: bytes, keyID: keyID,
                        into: &output)
                    return true
                } catch {
                    return false
                }
            }
        }
    }

    private func note(_ offset: Offset, _ link: KeyLink, _ use: ContractUse, _ opened: Int) {
        if openedEvents == 0 { firstOffset = offset }
        lastOffset = offset
        openedEvents += 1
        openedFields += opened
        var bits: UInt64 = 0
        var levelBits: UInt64 = 0
        for span in spans where levels.contains(Int(span.level)) {
            bits |= use.note(Int(span.fieldIndex), &tally)
            levelBits |= 1 << UInt64(span.level)
        }
        openedLevels.bits |= levelBits
        tally.add(link, levels: levelBits, opened: bits, isOpened: true)
    }

    /// Appends the event with its fields opened and masked. Values in clear are masked also if the
    /// key of the others is gone. False: nothing was appended, because there are no keys now, or
    /// because what is to be masked cannot be found.
    private func mask(
        _ event: borrowing EventRecordView, _ json: UnsafeRawBufferPointer, _ wanted: Int,
        _ now: Milliseconds
    ) -> Bool {
        guard let use = use(of: event.contract), fieldsAreKnown(to: use) else {
            damagedFields += max(wanted, 1)
            return false
        }
        guard let plan = use.plan else {
            guard wanted > 0 else {
                output.append(json)
                return true
            }
            return open(event, json, wanted, now)
        }
        let link = event.keyLink
        if wanted > 0 {
            do throws(VaultError) {
                guard !goneLinks.contains(link) else { throw .keyGone }
                let isEdited = try query.vault.withKey(link: link, now: now) { key in
                    let id = key.keyID
                    return key.withBytes { edit(json, plan, key: ($0, id)) }
                }
                if isEdited {
                    noteEdits(event.offset, link, use)
                    return true
                }
                damagedFields += wanted
            } catch {
                guard case .keyGone = error else {
                    failure = error
                    return false
                }
                goneLinks.insert(link)
                goneFields += wanted
            }
        }
        guard edit(json, plan, key: nil) else {
            damagedFields += 1
            return false
        }
        noteEdits(event.offset, nil, use)
        return true
    }

    /// False: nothing was appended.
    private func edit(
        _ json: UnsafeRawBufferPointer, _ plan: MaskPlan,
        key: (bytes: UnsafeRawBufferPointer, id: UInt32)?
    ) -> Bool {
        guard plan.write(spans, levels, json, keyed: key != nil, into: &edits) else {
            return false
        }
        return edits.withUnsafeBufferPointer { edits in
            do throws(OpenError) {
                try opener.edit(
                    json: json, edits: edits, functions: functions, key: key, into: &output)
                return true
            } catch {
                return false
            }
        }
    }

    private func noteEdits(_ offset: Offset, _ link: KeyLink?, _ use: ContractUse) {
        guard !edits.isEmpty else { return }
        if openedEvents == 0 { firstOffset = offset }
        lastOffset = offset
        openedEvents += 1
        for edit in edits where edit.kind != .open {
            use.isMasked[Int(edit.mask)] = true
            maskedValues += 1
        }
        guard let link else { return }
        var (opened, hashed, levelBits): (UInt64, UInt64, UInt64) = (0, 0, 0)
        var (openedValues, hashedValues) = (0, 0)
        var next = 0
        // A sealed value without an edit of its own went with the masked object that it stands in.
        for edit in edits where edit.kind != .maskPlain {
            while next < spans.count, spans[next].start < edit.start { next += 1 }
            guard next < spans.count, spans[next].start == edit.start else { continue }
            levelBits |= 1 << UInt64(spans[next].level)
            if edit.kind == .open {
                opened |= use.note(Int(spans[next].fieldIndex), &tally)
                openedValues += 1
            } else {
                hashed |= maskBit(Int(edit.mask), use)
                hashedValues += 1
            }
        }
        openedFields += openedValues
        openedLevels.bits |= levelBits
        tally.add(
            link, levels: levelBits, opened: opened, isOpened: openedValues > 0, hashed: hashed,
            isHashed: hashedValues > 0)
    }

    private func maskBit(_ mask: Int, _ use: ContractUse) -> UInt64 {
        if use.maskBits[mask] == 0 {
            use.maskBits[mask] = tally.hashedNames.bit(of: use.plan?.paths[mask] ?? "")
        }
        return use.maskBits[mask]
    }

    private func use(of number: UInt32) -> ContractUse? {
        if let current, current.contract.number == number { return current }
        if let known = contracts[number] {
            current = known
            return known
        }
        guard let contract = query.registry.contract(number: number) else { return nil }
        let made = ContractUse(contract, masks)
        contracts[number] = made
        current = made
        return made
    }

    private func fieldsAreKnown(to use: ContractUse) -> Bool {
        spans.allSatisfy {
            Int($0.fieldIndex) < use.fields.count && $0.level <= ConsentLevels.levelMax
        }
    }
}
