import Audit
import Contracts
import Privacy
import Store
import Vault

/// Events of one person with their fields opened, not on record yet. Only `Query.access` asks for
/// its bytes, once what they hold is on record.
///
/// Sendable because it has one owner at a time: the reader thread that fills it gives it to the
/// task that waits, through a continuation, and keeps nothing.
final class AccessedEvents: @unchecked Sendable {
    private(set) var events: [Query.AccessedEvent] = []
    private(set) var openedFields = 0
    private(set) var goneFields = 0
    private(set) var damagedFields = 0
    private(set) var openedLevels = ConsentLevels(bits: 0)
    private(set) var others = 0
    private(set) var nameless = 0
    private(set) var undecided = 0

    private let query: Query
    private let subject: [UInt8]
    private let opener = EventOpener()
    private var output = ByteBuilder()
    /// One event with its fields opened, before it is known whose it is.
    private var candidate = ByteBuilder()
    private var spans: [SealedSpanValue] = []
    private var goneLinks: Set<KeyLink> = []
    private var contracts: [UInt32: AccessUse] = [:]
    private var tally = DisclosureTally()
    private var failure: VaultError?

    private final class AccessUse {
        let fields: ContractUse
        let finder: SubjectFinder?
        var isUsed = false
        init(_ contract: Contract) {
            fields = ContractUse(contract, [])
            finder = SubjectFinder(contract)
        }
    }

    private enum Opening { case opened, gone, damaged, failed }

    init(query: Query, subject: [UInt8]) {
        self.query = query
        self.subject = subject
    }

    /// Reads events up to the pass's bounds. Blocks on the disk, and on the vault for keys.
    func fill(_ pass: Pass) throws(QueryError) -> PassEnd {
        let now = query.clock()
        let end: PassEnd
        do {
            end = try pass.scan(query.store) { event in
                guard failure == nil else { return .full }
                if !events.isEmpty, output.count + event.json.count >= pass.bytesMax {
                    return .full
                }
                let isTaken = take(event, now)
                guard failure == nil else { return .full }
                return isTaken ? .taken : .dropped
            }
        } catch {
            throw .store(error)
        }
        candidate.removeAll()
        if let failure {
            wipe()
            if case .store(let error) = failure { throw .store(error) }
            throw .unavailable(retryAfterSeconds: 1)
        }
        return end
    }

    func wipe() { output.removeAll() }

    /// The bytes, once. Whoever calls has put them on record.
    func handOut() -> [UInt8] {
        defer { wipe() }
        return output.toArray()
    }

    /// Names the fields that are handed out in clear, and the contracts of the events.
    func name(in entry: inout AuditEntry) {
        let used = contracts.values.filter(\.isUsed).map(\.fields)
        entry.name(used, contracts: used.map(\.name).sorted())
    }

    /// Of which sequences; nil: nothing was opened.
    var disclosures: Disclosures? {
        openedFields > 0 ? tally.disclosures(levels: openedLevels.levels) : nil
    }

    /// True: the event is the person's and was appended.
    private func take(_ event: borrowing EventRecordView, _ now: Milliseconds) -> Bool {
        guard let use = use(of: event.contract) else {
            undecided += 1
            return false
        }
        guard let finder = use.finder else {
            nameless += 1
            return false
        }
        spans.copySpans(of: event)
        let stored = event.json
        let isSealed = isSubjectSealed(finder, stored)
        // In clear, it saves opening what is not the person's.
        if !isSealed, !isPerson(finder, stored) { return false }
        candidate.removeAll()
        let opening = spans.isEmpty ? .opened : open(stored, event.keyLink, use, now)
        switch opening {
        case .failed: return false
        case .opened:
            if spans.isEmpty { candidate.append(stored) }
            guard !isSealed || candidate.withBytes({ isPerson(finder, $0) }) else { return false }
        case .gone, .damaged:
            guard !isSealed else {
                undecided += 1
                return false
            }
            candidate.append(stored)
        }
        note(event, use, opening)
        return true
    }

    private func note(
        _ event: borrowing EventRecordView, _ use: AccessUse, _ opening: Opening
    ) {
        let start = output.count
        candidate.withBytes { output.append($0) }
        use.isUsed = true
        let isOpened = opening == .opened
        events.append(
            Query.AccessedEvent(
                offset: event.offset, at: event.timestamp, link: event.keyLink,
                contract: event.contract, consent: event.consent,
                opened: isOpened ? spans.count : 0, sealed: isOpened ? 0 : spans.count,
                json: start..<output.count))
        switch opening {
        case .opened:
            openedFields += spans.count
            var (levels, opened): (UInt64, UInt64) = (0, 0)
            for span in spans {
                opened |= use.fields.note(Int(span.fieldIndex), &tally)
                levels |= 1 << UInt64(span.level)
            }
            openedLevels.bits |= levels
            if !spans.isEmpty {
                tally.add(event.keyLink, levels: levels, opened: opened, isOpened: true)
            }
        case .gone: goneFields += spans.count
        case .damaged: damagedFields += spans.count
        case .failed: break
        }
    }

    /// Counts what is not the person's.
    private func isPerson(_ finder: SubjectFinder, _ json: UnsafeRawBufferPointer) -> Bool {
        switch subject.withUnsafeBytes({ finder.compare(json, with: $0) }) {
        case .same: return true
        case .other: others += 1
        case .nobody: nameless += 1
        case .unreadable: undecided += 1
        }
        return false
    }

    private func isSubjectSealed(
        _ finder: SubjectFinder, _ json: UnsafeRawBufferPointer
    ) -> Bool {
        guard !spans.isEmpty, let place = finder.place(in: json) else { return false }
        return spans.contains {
            Int($0.start) == place.lowerBound + 1 && Int($0.length) == place.count - 2
        }
    }

    /// Writes the event with all its fields opened to `candidate`.
    private func open(
        _ json: UnsafeRawBufferPointer, _ link: KeyLink, _ use: AccessUse, _ now: Milliseconds
    ) -> Opening {
        // What cannot be named cannot be put on record, so it stays sealed.
        guard
            spans.allSatisfy({
                Int($0.fieldIndex) < use.fields.fields.count && $0.level <= ConsentLevels.levelMax
            })
        else { return .damaged }
        guard !goneLinks.contains(link) else { return .gone }
        do throws(VaultError) {
            let isOpened = try query.vault.withKey(link: link, now: now) { key in
                open(json, key)
            }
            return isOpened ? .opened : .damaged
        } catch {
            guard case .keyGone = error else {
                failure = error
                return .failed
            }
            goneLinks.insert(link)
            return .gone
        }
    }

    private func open(_ json: UnsafeRawBufferPointer, _ key: borrowing DataKey) -> Bool {
        let keyID = key.keyID
        return key.withBytes { bytes in
            spans.withUnsafeBufferPointer { spans in
                do throws(OpenError) {
                    _ = try opener.open(
                        json: json, spans: spans, levels: .all, key: bytes, keyID: keyID,
                        into: &candidate)
                    return true
                } catch {
                    return false
                }
            }
        }
    }

    private func use(of number: UInt32) -> AccessUse? {
        if let known = contracts[number] { return known }
        guard let contract = query.registry.contract(number: number) else { return nil }
        let made = AccessUse(contract)
        contracts[number] = made
        return made
    }
}
