import Contracts
import Glibc
import Privacy
import Store
import Vault

/// Counts what a derived stream would show. Values are opened for one purpose only: to be hashed
/// under a key of this run, inside `EventOpener`, which gives out nothing else.
///
/// Memory: at most about 150 MiB, at the bound of `countMax` links and as many combinations.
///
/// Sendable because it has one owner at a time: each slice of the run hands it to a reader thread
/// and waits.
final class DryRunTally: @unchecked Sendable {
    private let query: Query
    private let derived: DerivedStreamDefinition
    private let source: StreamID
    private let countMax: Int
    private let opener = EventOpener()
    /// Under a random key that goes with the run, so that a combination in memory tells nothing.
    private let hash: ValueHash
    private var spans: [SealedSpanValue] = []
    private var links: [KeyLink: Link] = [:]
    private var linksAreFull = false
    private var sequences: Set<Vault.Mark> = []
    private var uses: [UInt32: Use] = [:]
    /// Combinations that were met with a sequence.
    private var pairs: Set<UInt128> = []
    private var groups: [UInt128: Group] = [:]
    private var pairsAreFull = false
    /// A contract and a combination that found no room.
    private var leftOut: Use?
    private var run: Query.DryRun
    /// By level.
    private var lacking = [Int](repeating: 0, count: ConsentLevels.levelMax + 1)

    private struct Link {
        var hasKey: Bool
        var sequence: Vault.Mark
    }

    private struct Group {
        var sequences: UInt32
        var contract: UInt32
    }

    /// What is counted of one contract.
    private final class Use {
        let contract: Contract
        let plan: MaskPlan?
        var events = 0
        var opened: [Int]
        var masked: [Int]
        var gone: [Int]
        /// By mask, of values in clear.
        var maskedPlain: [Int]
        /// Personal fields that identify together with others and that are shown.
        let quasiFields: [Bool]
        let plainQuasi: FieldShape?
        let quasiPaths: [String]

        init(_ contract: Contract, _ derived: DerivedStreamDefinition) {
            let masks = derived.masks ?? []
            self.contract = contract
            plan = masks.isEmpty ? nil : MaskPlan(masks, contract)
            let none = [Int](repeating: 0, count: contract.piiFields.count)
            (opened, masked, gone) = (none, none, none)
            maskedPlain = Array(repeating: 0, count: masks.count)
            quasiFields = contract.piiFields.map {
                $0.isQuasiId && derived.levels.contains($0.level)
            }
            plainQuasi = contract.shape(
                of: contract.plainQuasiIds.enumerated().map { ($0.element, $0.offset) })
            quasiPaths =
                (zip(contract.piiFields, quasiFields).filter(\.1).map(\.0.path)
                + (plainQuasi == nil ? [] : contract.plainQuasiIds)).sorted()
        }
    }

    init(
        _ query: Query, _ derived: DerivedStreamDefinition, _ source: StreamID,
        from: Milliseconds, to: Milliseconds, countMax: Int
    ) {
        self.source = source
        self.query = query
        self.derived = derived
        self.countMax = countMax
        run = Query.DryRun(from: from, to: to)
        hash = withUnsafeTemporaryAllocation(byteCount: 32, alignment: 8) { key in
            RandomNonces.fillFromSystem(key)
            defer { if let start = key.baseAddress { explicit_bzero(start, key.count) } }
            return ValueHash(key: UnsafeRawBufferPointer(key))
        }
    }

    /// Looks at the events of one slice. Blocks on the disk, and on the vault for keys.
    func add(_ pass: Pass, of store: Store) throws(QueryError) -> PassEnd {
        var failure: QueryError?
        let end: PassEnd
        do {
            end = try pass.scan(store) { event in
                do throws(QueryError) {
                    try add(event)
                    return .taken
                } catch {
                    failure = error
                    return .full
                }
            }
        } catch {
            throw .store(error)
        }
        if let failure { throw failure }
        return end
    }

    private func add(_ event: borrowing EventRecordView) throws(QueryError) {
        run.seen += 1
        let consent = event.consent
        guard ConsentFilter.passes(event: consent, required: derived.levels) else {
            if consent.bits == 0 { run.withoutConsent += 1 }
            for level in derived.levels.levels where !consent.contains(level) {
                lacking[level] += 1
            }
            return
        }
        run.passing += 1
        let link = try link(event.keyLink)
        // What cannot be named stays sealed in a read as well.
        guard let use = use(of: event.contract) else { return }
        use.events += 1
        spans.copySpans(of: event)
        guard spans.allSatisfy({ Int($0.fieldIndex) < use.opened.count }) else { return }
        for span in spans where derived.levels.contains(Int(span.level)) {
            let field = Int(span.fieldIndex)
            if !link.hasKey {
                use.gone[field] += 1
            } else if use.plan?.ofField[field] ?? nil != nil {
                use.masked[field] += 1
            } else {
                use.opened[field] += 1
            }
        }
        _ = use.plan?.findPlain(in: event.json, spans) { _, mask in use.maskedPlain[mask] += 1 }
        if !use.quasiPaths.isEmpty { try addCombination(event, link, use) }
    }

    /// Whether the key is there, asked once for each link.
    private func link(_ link: KeyLink) throws(QueryError) -> Link {
        if let known = links[link] { return known }
        do throws(VaultError) {
            let hasKey = try hasKey(link)
            let sequence = try query.vault.sequence(of: link) ?? Vault.Mark(link)
            let made = Link(hasKey: hasKey, sequence: sequence)
            if links.count < countMax {
                links[link] = made
                sequences.insert(sequence)
            } else {
                linksAreFull = true
            }
            return made
        } catch {
            throw Self.queryError(error)
        }
    }

    private func hasKey(_ link: KeyLink) throws(VaultError) -> Bool {
        do throws(VaultError) {
            return try query.vault.withKey(link: link, now: run.to) { _ in true }
        } catch {
            guard case .keyGone = error else { throw error }
            return false
        }
    }

    private func use(of number: UInt32) -> Use? {
        if let known = uses[number] { return known }
        guard let contract = query.registry.contract(number: number) else { return nil }
        let made = Use(contract, derived)
        uses[number] = made
        return made
    }

    private static func queryError(_ error: VaultError) -> QueryError {
        if case .store(let error) = error { return .store(error) }
        return .unavailable(retryAfterSeconds: 1)
    }
}

// MARK: - Combinations

extension DryRunTally {
    private func addCombination(
        _ event: borrowing EventRecordView, _ link: Link, _ use: Use
    ) throws(QueryError) {
        let json = event.json
        hash.begin()
        mix(UInt64(use.contract.number))
        if use.quasiFields.contains(true) {
            if link.hasKey {
                do throws(VaultError) {
                    _ = try query.vault.withKey(link: event.keyLink, now: run.to) { key in
                        let id = key.keyID
                        return key.withBytes { addFields(json, use, key: ($0, id)) }
                    }
                } catch {
                    // It went a moment ago: the values count as sealed ones.
                    guard case .keyGone = error else { throw Self.queryError(error) }
                }
            } else {
                // A reader sees text that tells nothing but that it is sealed.
                mix(.max)
            }
        }
        _ = use.plainQuasi?.find(in: json) { place, tag in
            mix(UInt64(tag) | 1 << 32)
            opener.addPlain(UnsafeRawBufferPointer(rebasing: json[place]), to: hash)
        }
        let combination = finish()
        guard !pairsAreFull || groups[combination] != nil else {
            leftOut = use
            return
        }
        hash.begin()
        withUnsafeBytes(of: combination) { hash.update($0) }
        withUnsafeBytes(of: link.sequence) { hash.update($0) }
        count(finish(), of: combination, use)
    }

    private func count(_ pair: UInt128, of combination: UInt128, _ use: Use) {
        if pairs.contains(pair) { return }
        guard pairs.count < countMax else {
            pairsAreFull = true
            if groups[combination] == nil { leftOut = use }
            return
        }
        pairs.insert(pair)
        groups[combination, default: Group(sequences: 0, contract: use.contract.number)]
            .sequences += 1
    }

    /// Adds the opened values that identify together; a damaged one counts as sealed.
    private func addFields(
        _ json: UnsafeRawBufferPointer, _ use: Use,
        key: (bytes: UnsafeRawBufferPointer, id: UInt32)
    ) -> Bool {
        for span in spans where use.quasiFields[Int(span.fieldIndex)] {
            let (start, end) = (Int(span.start), Int(span.start) + Int(span.length))
            guard derived.levels.contains(Int(span.level)), start <= end, end <= json.count else {
                continue
            }
            mix(UInt64(span.fieldIndex))
            let text = UnsafeRawBufferPointer(rebasing: json[start..<end])
            do throws(OpenError) {
                try opener.addSealed(text, flags: span.flags, key: key, to: hash)
            } catch {
                mix(.max)
            }
        }
        return true
    }

    private func mix(_ number: UInt64) {
        withUnsafeBytes(of: number.bigEndian) { hash.update($0) }
    }

    private func finish() -> UInt128 {
        withUnsafeTemporaryAllocation(byteCount: ValueHash.byteCount, alignment: 16) { room in
            guard let start = room.baseAddress else { return 0 }
            hash.finish(into: start)
            return room.load(as: UInt128.self)
        }
    }
}

// MARK: - The end

extension DryRunTally {
    func end(isComplete: Bool) throws(QueryError) -> Query.DryRun {
        run.isComplete = isComplete
        run.lacking = lacking.enumerated().filter { $0.element > 0 }
            .map { .init(level: $0.offset, events: $0.element) }
        run.contracts = uses.values.filter { $0.events > 0 }.map { contractCount($0) }
            .sorted { $0.contract < $1.contract }
        run.keyLinks = .init(value: links.count, isLowerBound: linksAreFull)
        run.sequences = .init(value: sequences.count, isLowerBound: linksAreFull)
        run.people = try people()
        run.smallestGroup = smallestGroup()
        return run
    }

    private func contractCount(_ use: Use) -> Query.DryRun.ContractCount {
        var fields = use.contract.piiFields.map { field in
            let index = Int(field.index)
            return Query.DryRun.Field(
                path: field.path, level: field.level, opened: use.opened[index],
                masked: use.masked[index], keyGone: use.gone[index])
        }
        for (path, masked) in zip(use.plan?.paths ?? [], use.maskedPlain) where masked > 0 {
            fields.append(.init(path: path, level: nil, masked: masked))
        }
        return .init(
            contract: use.contract.ref.description, events: use.events,
            fields: fields.filter { $0.opened + $0.masked + $0.keyGone > 0 }
                .sorted { $0.path < $1.path })
    }

    /// Who is on record for a link: also people of its events that would not pass.
    private func people() throws(QueryError) -> Query.DryRun.Count? {
        let passing = uses.values.filter { $0.events > 0 }
        guard !passing.isEmpty, passing.allSatisfy(\.contract.hasDataSubject) else { return nil }
        var people: Set<Vault.Mark> = []
        var isFull = linksAreFull
        do {
            try query.store.scanSubjects(prefix: Vault.subjectPrefix(source)) { key in
                guard let (mark, link) = Vault.subject(ofKey: key), links[link] != nil else {
                    return true
                }
                guard people.count < countMax || people.contains(mark) else {
                    isFull = true
                    return false
                }
                people.insert(mark)
                return true
            }
        } catch let error as StoreError {
            throw .store(error)
        } catch {
            throw .store(.io("a read failed"))
        }
        return .init(value: people.count, isLowerBound: isFull)
    }

    private func smallestGroup() -> Query.DryRun.Group? {
        // By contract too, so that two runs over one window answer the same.
        let smallest = groups.values.min {
            ($0.sequences, $0.contract) < ($1.sequences, $1.contract)
        }
        if let leftOut {
            return group(1, of: leftOut)
        }
        guard let smallest, let use = uses[smallest.contract] else { return nil }
        return group(Int(smallest.sequences), of: use)
    }

    private func group(_ sequences: Int, of use: Use) -> Query.DryRun.Group {
        .init(
            sequences: sequences, isLowerBound: pairsAreFull, combinations: groups.count,
            contract: use.contract.ref.description, fields: use.quasiPaths)
    }
}
