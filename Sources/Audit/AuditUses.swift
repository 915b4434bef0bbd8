package import Store

/// A number, and whether the true one may be larger because the count had to stop, or because what
/// it rests on is not kept any more.
package struct AuditCount: Sendable, Equatable {
    package var value: Int
    package var isLowerBound: Bool

    package init(value: Int, isLowerBound: Bool) {
        self.value = value
        self.isLowerBound = isLowerBound
    }
}

/// Who got which fields through what, summed over entries of the log.
package struct AuditUses: Sendable, Equatable {
    /// How entries are put together. Entries that agree in all of this are one use.
    package struct Way: Sendable, Hashable {
        /// `release`, `keysExported` (keys that open all fields) or `rejectionShown` (bodies of
        /// refused events, of which nobody knows the fields).
        package var act: Act
        package var client: String
        package var role: String
        package var stream: String
        package var derivedStream: String?
        /// Consent levels. Of a question about one level that one alone, if the entries tell the
        /// levels of their fields.
        package var purposes: [Int]
        /// Which of the level's meanings was in force, if the question splits by them.
        package var meaning: Int?
        /// `handle/name/version`, of the events whose fields were opened.
        package var contracts: [String]
        package var exporter: String?
        package var connector: String?
    }

    package struct Use: Sendable, Equatable {
        package var way: Way
        /// Opened values by field, as often as they were handed out. Of entries from before values
        /// were counted the field is there with no more than was counted since.
        package var values: [String: UInt64] = [:]
        /// Fields that left as hashes.
        package var hashedFields: Set<String> = []
        /// Events of which a field was handed out, as often as they were. If a field or a level is
        /// asked for, those of the entries that hold it, so at most these.
        package var events: UInt64 = 0
        /// Different sequences with a field in clear; of the field that was asked for. A sequence
        /// has a key link a day.
        package var sequences = AuditCount(value: 0, isLowerBound: false)
        package var firstAt: Milliseconds
        package var lastAt: Milliseconds
        package var entryCount = 0
        package var entries = NumberRanges()
        /// Entries by which the field that was asked for left as a hash alone; not counted above.
        package var hashedEntries = NumberRanges()
        /// By partition: the pages in which the events were.
        package var offsets: [Int: NumberRanges] = [:]
        /// An entry had no room for all of its lists.
        package var isPartial = false
        /// A level was asked for, and an entry of several from before the levels of fields were
        /// told is among these: values of its other levels are counted too.
        package var isUpperBound = false
    }

    /// Uses at most; `isCut` says that there were more.
    package static let usesMax = 10_000
    /// Sequences that are told apart at most, over all uses: some 20 MiB.
    package static let sequencesMax = 262_144

    /// In the order in which they began.
    package var uses: [Use]
    package var isCut: Bool
    package var basis: AuditBasis
    /// Entries of which it is not known any more which sequences they were about.
    package var unknown: NumberRanges
}

extension AuditLog {
    /// What readers got, by who and how. Reads the log between the filter's times in slices on
    /// `store.readers`; memory: the answer, and the sequences if they are counted.
    ///
    /// - Parameters:
    ///   - filter: `acts` and `field` are decided here. Of a field: keys that were handed out count
    ///     too, because they open it, and shown bodies of refused events, which may hold it.
    ///   - meanings: each entry is told once for each of its levels, under the meaning that the
    ///     level had then; nil: once, with all of its levels.
    ///   - countsSequences: reads what is kept beside each entry.
    /// - Throws: `.corrupt` if an entry is not what was written.
    package func uses(
        matching filter: AuditFilter, ofField field: String? = nil,
        splitBy meanings: PurposeMeanings? = nil, countsSequences: Bool
    ) async throws(StoreError) -> AuditUses {
        var filter = filter
        if filter.acts.isEmpty { filter.acts = UseQuestion.acts }
        filter.field = nil
        filter.isOpenToAllPurposes = true
        var question = UseQuestion(field: field, countsSequences: countsSequences)
        question.level = filter.purpose
        question.meanings = meanings
        let (answered, basis) = try await ask(question, matching: filter)
        return answered.answer(basis)
    }
}

/// Collects uses.
struct UseQuestion: AuditQuestion {
    static let acts: [Act] = [.release, .subjectAccessed, .keysExported, .rejectionShown]

    /// As entries name it.
    let field: String?
    /// As what lies beside an entry names it.
    private let wholeField: String?
    let countsSequences: Bool
    var level: Int?
    var meanings: PurposeMeanings?
    private var places: [AuditUses.Way: Int] = [:]
    private var uses: [AuditUses.Use] = []
    private var links: [Set<KeyLink>] = []
    private var linkCount = 0
    private var isCut = false
    private var unknown = NumberRanges()

    init(field: String?, countsSequences: Bool) {
        self.field = field.map { AuditFilter.fieldName($0) }
        wholeField = field.map { AuditFilter.wholeFieldName($0) }
        self.countsSequences = countsSequences
    }

    /// Hashed fields are told by it alone.
    var readsDisclosures: Bool { true }

    mutating func take(_ entry: AuditLeaf, _ told: DisclosureBytes?) {
        guard let act = Act(rawValue: entry.act) else { return }
        let isRead = countsSequences || entry.detail["masked"] != nil
        if isRead, act != .rejectionShown, told == nil, entry.hidesSequences {
            unknown.add(entry.number)
        }
        guard meanings != nil, act.handsOutFields else { return take(entry, act, told, level) }
        for one in entry.purposes where level == nil || level == one {
            take(entry, act, told, one)
        }
    }

    /// Counts what an entry says of one level; nil: of all.
    private mutating func take(
        _ entry: AuditLeaf, _ act: Act, _ told: DisclosureBytes?, _ level: Int?
    ) {
        let opened = entry.fields.indices.filter { place in
            (field == nil || field == entry.fields[place])
                && (level == nil || entry.level(ofField: place) ?? level == level)
        }
        let hashed = hashedFields(of: entry, told)
        var isHashOnly = false
        if act.handsOutFields, field != nil || level != nil, opened.isEmpty {
            isHashOnly = !hashed.isEmpty
            // What an entry had no room to name is taken to be in it.
            guard isHashOnly || entry.omitted > 0 else { return }
        }
        guard let place = place(of: entry, act, level) else { return }
        uses[place].hashedFields.formUnion(hashed)
        if told == nil, countsSequences, act != .rejectionShown, entry.hidesSequences {
            uses[place].sequences.isLowerBound = true
        }
        guard !isHashOnly else { return uses[place].hashedEntries.add(entry.number) }
        add(entry, opened, to: &uses[place])
        if level != nil, entry.purposes.count > 1, !entry.fields.isEmpty,
            entry.fieldLevels.count != entry.fields.count
        {
            uses[place].isUpperBound = true
        }
        if countsSequences, let told { count(told, entry, act, opened, level, place) }
    }

    /// Those that are asked for. Which levels they have is not told: they count for all of the
    /// entry's. If what lay beside the entry is forgotten, the entry itself still names them.
    private func hashedFields(of entry: AuditLeaf, _ told: DisclosureBytes?) -> [String] {
        guard let told else {
            guard entry.disclosures != nil else { return [] }
            return entry.maskedPaths.filter { field == nil || field == $0 || wholeField == $0 }
        }
        return told.hashedFields.filter { wholeField == nil || wholeField == $0 }
    }

    private mutating func place(of entry: AuditLeaf, _ act: Act, _ level: Int?) -> Int? {
        var way = AuditUses.Way(
            act: act, client: entry.client ?? "", role: entry.role ?? "",
            stream: entry.stream ?? "", derivedStream: entry.derivedStream,
            purposes: entry.purposes, contracts: entry.contracts,
            exporter: entry.detail["exporter"], connector: entry.detail["connector"])
        if let level, act.handsOutFields {
            way.purposes = [level]
            way.meaning = meanings?.index(ofLevel: level, atEntry: entry.number)
        }
        if let known = places[way] { return known }
        guard uses.count < AuditUses.usesMax else {
            isCut = true
            return nil
        }
        places[way] = uses.count
        uses.append(AuditUses.Use(way: way, firstAt: entry.at, lastAt: entry.at))
        links.append([])
        return uses.count - 1
    }

    private func add(_ entry: AuditLeaf, _ opened: [Int], to use: inout AuditUses.Use) {
        use.lastAt = entry.at
        use.entryCount += 1
        use.entries.add(entry.number)
        use.events += UInt64(entry.events ?? 0)
        if entry.omitted > 0 { use.isPartial = true }
        if let range = entry.offsets {
            use.offsets[entry.partition ?? 0, default: NumberRanges()].add(range)
        }
        for place in opened {
            let count = place < entry.values.count ? entry.values[place] : 0
            use.values[entry.fields[place], default: 0] += UInt64(count)
        }
    }

    private mutating func count(
        _ told: DisclosureBytes, _ entry: AuditLeaf, _ act: Act, _ opened: [Int], _ level: Int?,
        _ place: Int
    ) {
        // The bits of what was asked for; an entry of more than 64 tells no single one.
        var mask = UInt64.max
        if field != nil || level != nil, act.handsOutFields {
            if entry.fields.count <= 64 {
                mask = opened.reduce(0) { $0 | 1 << UInt64($1) }
            } else {
                uses[place].isPartial = true
            }
        }
        for index in 0..<told.count {
            let row = told.row(at: index)
            guard act == .keysExported || row.opened & mask != 0 else { continue }
            guard !links[place].contains(row.link) else { continue }
            guard linkCount < AuditUses.sequencesMax else {
                uses[place].sequences.isLowerBound = true
                return
            }
            links[place].insert(row.link)
            linkCount += 1
        }
    }

    func answer(_ basis: AuditBasis) -> AuditUses {
        var uses = uses
        for index in uses.indices { uses[index].sequences.value = links[index].count }
        return AuditUses(uses: uses, isCut: isCut, basis: basis, unknown: unknown)
    }
}
