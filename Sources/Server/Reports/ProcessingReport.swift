import Audit
import Contracts
import Export
import Query
import Store

/// The record of processing of a period (article 30 GDPR): what is declared beside what the audit
/// log has observed, and where the two differ. A pure value, made of a snapshot of the catalog and
/// of answers of the log.
struct ProcessingReport: Sendable {
    struct ContractFields: Sendable {
        var record: ContractRecord
        /// Personal fields with their level, as the contract has them.
        var fields: [(path: String, level: Int)]
        var namesSubject: Bool
    }

    /// Names on one side that are not on the other.
    struct Difference: Sendable, Equatable {
        var fields: [AuditFields.Name] = []
        var derivedStreams: [String] = []
        var purposes: [Int] = []
        /// Clients with role reader, and exporters as `exporter:NAME`.
        var readers: [String] = []
        var streams: [String] = []

        var isEmpty: Bool {
            fields.isEmpty && derivedStreams.isEmpty && purposes.isEmpty && readers.isEmpty
                && streams.isEmpty
        }
    }

    let from: Milliseconds?
    let to: Milliseconds
    let madeAt: Milliseconds
    let catalog: CatalogSnapshot
    /// By reference.
    let contracts: [ContractFields]
    let uses: AuditUses
    let fields: AuditFields
    /// Entries as they stand in the log.
    let decisions: [String]
    let decisionsAreCut: Bool
    /// Different people of whom a field left, by stream; of streams that are there no more, and
    /// whose contracts name nobody, there is none.
    private(set) var people: [(stream: String, count: AuditCount)] = []
    /// Sequences of which nobody is on record.
    private(set) var unnamed = AuditCount(value: 0, isLowerBound: false)

    init(
        from: Milliseconds?, to: Milliseconds, madeAt: Milliseconds, catalog: CatalogSnapshot,
        contracts: [Contract], uses: AuditUses, fields: AuditFields, decisions: [String],
        decisionsAreCut: Bool
    ) {
        self.from = from
        self.to = to
        self.madeAt = madeAt
        self.catalog = catalog
        self.uses = uses
        self.fields = fields
        self.decisions = decisions
        self.decisionsAreCut = decisionsAreCut
        let known = Dictionary(
            contracts.map { ($0.ref.description, $0) }, uniquingKeysWith: { $1 })
        self.contracts = catalog.contracts.values.map(\.value).sorted { $0.ref < $1.ref }.map {
            record in
            let contract = known[record.ref]
            return ContractFields(
                record: record,
                fields: (contract?.piiFields ?? []).map { ($0.path, $0.level) },
                namesSubject: contract?.hasDataSubject ?? false)
        }
    }

    /// Takes the people of `fields.links`; where more sequences were than are told apart, both are
    /// lower bounds.
    mutating func count(_ count: Query.PeopleCount) {
        let isLowerBound = fields.sequences.isLowerBound
        people = catalog.streams.values.compactMap { stream in
            guard var people = count.byStream[stream.value.id] else { return nil }
            people.isLowerBound = people.isLowerBound || isLowerBound
            return (stream.value.name, people)
        }.sorted { $0.stream < $1.stream }
        unnamed = count.unnamed
        unnamed.isLowerBound = unnamed.isLowerBound || isLowerBound
    }

    /// Declared before the period ended, and nothing was opened by it in the period. Of contracts
    /// those that are active. Purposes tell no time of their making.
    var neverUsed: Difference {
        var result = Difference()
        let used = used
        result.fields = contracts.filter {
            $0.record.state == .active && $0.record.createdAt < to
        }.flatMap { contract in
            contract.fields.map { Self.name(contract, $0.path) }
        }.filter { fields.figures[$0] == nil }.sorted()
        result.derivedStreams = catalog.derivedStreams.filter { name, derived in
            derived.value.createdAt < to && !used.derived.contains(name)
        }.map(\.key).sorted()
        result.purposes = catalog.purposes.keys.filter { !used.purposes.contains($0) }.sorted()
        result.readers = declaredReaders.filter { !used.clients.contains($0) }.sorted()
        result.streams = catalog.streams.filter { name, stream in
            stream.value.createdAt < to && !used.streams.contains(name)
        }.map(\.key).sorted()
        return result
    }

    /// As entries name it.
    private static func name(_ contract: ContractFields, _ path: String) -> AuditFields.Name {
        AuditFields.Name(contract: contract.record.ref, field: AuditFilter.fieldName(path))
    }

    /// Used in the period, and not declared any more, or not as it was used.
    var notDeclared: Difference {
        let declared = Set(
            contracts.flatMap { contract in
                contract.fields.map { Self.name(contract, $0.path) }
            })
        let used = used
        let exporters = Set(catalog.exporters.keys.map { "exporter:\($0)" })
        var result = Difference()
        // What an entry does not tell apart is counted for each of its contracts, also for those
        // that have no such field.
        result.fields = fields.figures.filter { name, figures in
            !figures.isUpperBound && !declared.contains(name)
        }.map(\.key).sorted()
        result.derivedStreams = used.derived.filter { catalog.derivedStreams[$0] == nil }.sorted()
        result.purposes = used.purposes.filter { catalog.purposes[$0] == nil }.sorted()
        result.readers = used.clients.filter {
            catalog.clients[$0] == nil && !exporters.contains($0)
        }.sorted()
        result.streams = used.streams.filter { catalog.streams[$0] == nil }.sorted()
        return result
    }

    /// Releases, exports of keys and shown refusals: processing for the controller's purposes.
    var ownUses: [AuditUses.Use] { uses.uses.filter { $0.way.act != .subjectAccessed } }

    /// What a data protection officer was given for a person who asked.
    var accesses: [AuditUses.Use] { uses.uses.filter { $0.way.act == .subjectAccessed } }

    /// What the report cannot know.
    static let notKnown =
        AuditLimits.ofReads + [
            "What was declared during the period: the declared half is the catalog when the report "
                + "was made. The decisions tell what changed in the period, also what was deleted.",
            "Of whom fields left that were handed out with data keys, or in the bodies of refused "
                + "events: such uses name neither fields nor people.",
            "How many different people there are in all, if there are several streams: a person is "
                + "told apart within a stream. People of streams that were deleted are not counted.",
            "Who the people were of whose sequences nobody is on record: their contract names no "
                + "person, or they were erased, or it is longer ago than people are kept on record.",
        ]

    private var used:
        (clients: Set<String>, derived: Set<String>, purposes: Set<Int>, streams: Set<String>)
    {
        let ways = ownUses.map(\.way)
        return (
            Set(ways.map(\.client)), Set(ways.compactMap(\.derivedStream)),
            Set(ways.flatMap(\.purposes)), Set(ways.map(\.stream))
        )
    }

    /// Who may get fields in clear: readers of derived streams, and their exporters.
    private var declaredReaders: [String] {
        catalog.clients.values.map(\.value).filter { client in
            readsInClear(client) && client.createdAt < to
        }.map(\.id)
            + catalog.exporters.values.map(\.value).filter {
                exportsInClear($0) && $0.createdAt < to
            }.map { "exporter:\($0.name)" }
    }

    /// A reader of a derived stream; one of a stream gets its fields sealed.
    func readsInClear(_ client: ClientRecord) -> Bool {
        client.role == .reader && client.scope.map { catalog.derivedStreams[$0] != nil } == true
    }

    /// An exporter of a derived stream, or one that takes the keys out.
    func exportsInClear(_ exporter: ExporterDefinition) -> Bool {
        catalog.derivedStreams[exporter.stream] != nil || exporter.includesKeys
    }
}
