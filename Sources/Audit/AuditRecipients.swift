package import Store

/// Who received fields of certain sequences, and so of a person: computed from what is kept beside
/// the entries of releases.
package struct AuditRecipients: Sendable, Equatable {
    /// One client that received something, by one way, for the same purposes.
    package struct Recipient: Sendable, Equatable {
        /// `release`: fields of events. `keysExported`: data keys, which open all fields of the
        /// sequences for ever, whoever holds them; how many events that were is not known here.
        package var act: Act
        package var client: String
        package var role: String
        package var stream: String
        /// nil for data keys.
        package var derivedStream: String?
        /// Consent levels of the fields.
        package var purposes: [Int]
        /// Fields that left in clear, sorted.
        package var fields: [String] = []
        /// Fields of which only a keyed hash left, sorted.
        package var hashedFields: [String] = []
        /// An entry held more than 64 fields, so that `fields` or `hashedFields` may name some that
        /// were not of these sequences.
        package var fieldsMayBeMore = false
        /// How often an event with a field in clear was handed out: twice if it was read twice.
        package var events: UInt64 = 0
        /// The same for events with a hashed field.
        package var hashedEvents: UInt64 = 0
        /// How many of the sequences that were asked for.
        package var links = 0
        package var firstAt: Milliseconds
        package var lastAt: Milliseconds
        package var entries = NumberRanges()
        /// By partition: the ranges of the pages in which the events were.
        package var offsets: [Int: NumberRanges] = [:]
        /// Set if an exporter took them out.
        package var exporter: String?
        package var connector: String?
        /// At most `objectsMax`, in the order in which they were written.
        package var objects: [String] = []
        package var objectsOmitted = 0
    }

    package static let objectsMax = 1_000
    /// Recipients at most; `isCut` says that there were more.
    package static let recipientsMax = 10_000

    /// In the order in which they first received something.
    package var recipients: [Recipient]
    package var isCut: Bool
    package var basis: AuditBasis
    /// Releases and exports of keys of which it is not known any more whose fields they were: the
    /// detail was forgotten when it was old, or they are from before it was kept.
    package var unknown: NumberRanges
    /// The answer is exact for what happened after this time; nil: for all of the time asked for.
    package var exactAfter: Milliseconds?
    /// Kept refused events that were shown to somebody in that time: nobody knows whose they were.
    package var rejectionsShown: NumberRanges
}

extension AuditLog {
    /// Who received fields of these sequences, exactly, as far as `unknown` and `exactAfter` do not
    /// say otherwise. Reads the whole log between the times in slices on `store.readers`, and for
    /// each release what is kept beside it. Memory: the answer, and the links.
    ///
    /// - Parameters:
    ///   - from: not earlier; nil: from the beginning. `to`: earlier; nil: until now.
    ///   - narrower: `acts` of those that hand something out; empty: all of them. Of its `purpose`:
    ///     what left for other purposes is not counted, if the entry tells the levels of its fields.
    ///   - field: what left without it is not counted; data keys open it.
    /// - Throws: `.corrupt` if an entry, or what it disclosed, is not what was written.
    package func recipients(
        of links: Set<KeyLink>, from: Milliseconds? = nil, to: Milliseconds? = nil,
        matching narrower: AuditFilter = AuditFilter(), ofField field: String? = nil
    ) async throws(StoreError) -> AuditRecipients {
        var filter = narrower
        filter.from = from
        filter.to = to
        filter.field = nil
        filter.isOpenToAllPurposes = true
        if filter.acts.isEmpty { filter.acts = RecipientQuestion.acts }
        let (question, basis) = try await ask(
            RecipientQuestion(links: links, field: field, level: filter.purpose),
            matching: filter)
        return question.answer(basis)
    }
}

/// Collects the recipients of some links.
struct RecipientQuestion: AuditQuestion {
    static let acts: [Act] = [.release, .subjectAccessed, .keysExported, .rejectionShown]

    private struct Key: Hashable {
        var act: Act
        var client: String
        var role: String
        var stream: String
        var derivedStream: String?
        var purposes: [Int]
        var exporter: String?
        var connector: String?
    }

    private struct Collected {
        var recipient: AuditRecipients.Recipient
        var fields: Set<String> = []
        var hashed: Set<String> = []
        var links: Set<KeyLink> = []
    }

    private let links: Set<KeyLink>
    private let sorted: [KeyLink]
    /// As entries name it, and as what lies beside them does.
    private let field: (cut: String, whole: String)?
    private let level: Int?
    private var places: [Key: Int] = [:]
    private var collected: [Collected] = []
    private var isCut = false
    private var unknown = NumberRanges()
    private var exactAfter: Milliseconds?
    private var rejectionsShown = NumberRanges()

    init(links: Set<KeyLink>, field: String? = nil, level: Int? = nil) {
        self.links = links
        self.field = field.map { (AuditFilter.fieldName($0), AuditFilter.wholeFieldName($0)) }
        self.level = level
        sorted = links.sorted()
    }

    var readsDisclosures: Bool { true }

    /// Few links are looked up one by one, many beside the rows.
    func concerns(_ told: DisclosureBytes) -> Bool {
        if sorted.count * 16 < told.count {
            return sorted.contains { told.row(of: $0) != nil }
        }
        return (0..<told.count).contains { links.contains(told.link(at: $0)) }
    }

    mutating func take(_ entry: AuditLeaf, _ told: DisclosureBytes?) {
        guard let act = Act(rawValue: entry.act) else { return }
        if act == .rejectionShown { return rejectionsShown.add(entry.number) }
        guard let told else {
            // Whatever holds nobody's sealed fields discloses nothing: masks of values in clear,
            // answers without an opened field.
            if entry.hidesSequences {
                unknown.add(entry.number)
                exactAfter = entry.at
            }
            return
        }
        if sorted.count * 16 < told.count {
            for link in sorted {
                if let row = told.row(of: link) { add(row, entry, act, told) }
            }
        } else {
            for index in 0..<told.count where links.contains(told.link(at: index)) {
                add(told.row(at: index), entry, act, told)
            }
        }
    }

    private mutating func add(
        _ row: Disclosures.Row, _ entry: AuditLeaf, _ act: Act, _ told: DisclosureBytes
    ) {
        var opened = Self.names(row.opened, entry.fields)
        let hashed = Self.names(row.hashed, told.hashedFields)
        var purposes = entry.purposes.enumerated().filter {
            $0.offset < 64 && row.purposes & 1 << UInt64($0.offset) != 0
        }.map(\.element)
        if let level, act != .keysExported {
            guard purposes.contains(level) else { return }
            if entry.fieldLevels.count == entry.fields.count, entry.fields.count <= 64 {
                let mask = entry.fieldLevels.enumerated().reduce(UInt64(0)) {
                    $1.element == level ? $0 | 1 << UInt64($1.offset) : $0
                }
                opened = Self.names(row.opened & mask, entry.fields)
                guard !opened.isEmpty || !hashed.isEmpty else { return }
                purposes = [level]
            }
        }
        // What an entry had no room to name is taken to be in it.
        if let field, act != .keysExported, entry.omitted == 0 {
            guard opened.contains(field.cut) || hashed.contains(field.whole) else { return }
        }
        let key = Key(
            act: act, client: entry.client ?? "", role: entry.role ?? "",
            stream: entry.stream ?? "", derivedStream: entry.derivedStream, purposes: purposes,
            exporter: entry.detail["exporter"], connector: entry.detail["connector"])
        guard let place = places[key] ?? make(key, entry) else { return }
        collected[place].fields.formUnion(opened)
        collected[place].hashed.formUnion(hashed)
        collected[place].links.insert(row.link)
        collected[place].recipient.add(row, entry)
        if entry.omitted > 0 || max(entry.fields.count, told.hashedFields.count) > 64 {
            collected[place].recipient.fieldsMayBeMore = true
        }
    }

    private mutating func make(_ key: Key, _ entry: AuditLeaf) -> Int? {
        guard collected.count < AuditRecipients.recipientsMax else {
            isCut = true
            return nil
        }
        places[key] = collected.count
        var recipient = AuditRecipients.Recipient(
            act: key.act, client: key.client, role: key.role, stream: key.stream,
            derivedStream: key.derivedStream, purposes: key.purposes, firstAt: entry.at,
            lastAt: entry.at)
        recipient.exporter = key.exporter
        recipient.connector = key.connector
        collected.append(Collected(recipient: recipient))
        return collected.count - 1
    }

    private static func names(_ mask: UInt64, _ names: [String]) -> [String] {
        if names.count > 64 { return mask == 0 ? [] : names }
        return names.enumerated().filter { mask & 1 << UInt64($0.offset) != 0 }.map(\.element)
    }

    func answer(_ basis: AuditBasis) -> AuditRecipients {
        let recipients = collected.map { collected in
            var recipient = collected.recipient
            recipient.fields = collected.fields.sorted()
            recipient.hashedFields = collected.hashed.sorted()
            recipient.links = collected.links.count
            return recipient
        }
        return AuditRecipients(
            recipients: recipients, isCut: isCut, basis: basis, unknown: unknown,
            exactAfter: exactAfter, rejectionsShown: rejectionsShown)
    }
}

extension AuditRecipients.Recipient {
    fileprivate mutating func add(_ row: Disclosures.Row, _ entry: AuditLeaf) {
        events += UInt64(row.events)
        hashedEvents += UInt64(row.hashedEvents)
        lastAt = entry.at
        entries.add(entry.number)
        if let partition = entry.partition, let range = entry.offsets {
            offsets[partition, default: NumberRanges()].add(range)
        }
        if let object = entry.detail["object"], objects.last != object,
            !objects.contains(object)
        {
            if objects.count < AuditRecipients.objectsMax {
                objects.append(object)
            } else {
                objectsOmitted += 1
            }
        }
    }
}
