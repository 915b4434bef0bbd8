import Audit
import Contracts
import Export
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

    /// Declared, and nobody made use of it in the period. Of contracts those that are active.
    var neverUsed: Difference {
        var result = Difference()
        result.fields = contracts.filter { $0.record.state == .active }.flatMap { contract in
            contract.fields.map { AuditFields.Name(contract: contract.record.ref, field: $0.path) }
        }.filter { fields.figures[$0] == nil }.sorted()
        result.derivedStreams = catalog.derivedStreams.keys.filter { !used.derived.contains($0) }
            .sorted()
        result.purposes = catalog.purposes.keys.filter { !used.purposes.contains($0) }.sorted()
        result.readers = declaredReaders.filter { !used.clients.contains($0) }.sorted()
        result.streams = catalog.streams.keys.filter { !used.streams.contains($0) }.sorted()
        return result
    }

    /// Used in the period, and not declared any more, or not as it was used.
    var notDeclared: Difference {
        let declared = Set(
            contracts.flatMap { contract in
                contract.fields.map {
                    AuditFields.Name(contract: contract.record.ref, field: $0.path)
                }
            })
        let exporters = Set(catalog.exporters.keys.map { "exporter:\($0)" })
        var result = Difference()
        result.fields = fields.figures.keys.filter { !declared.contains($0) }.sorted()
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
                + "was made. The decisions tell what changed in the period."
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
            client.role == .reader && client.scope.map { catalog.derivedStreams[$0] != nil } == true
        }.map(\.id)
            + catalog.exporters.values.map(\.value).filter {
                catalog.derivedStreams[$0.stream] != nil
            }.map { "exporter:\($0.name)" }
    }
}
