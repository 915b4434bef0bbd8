import Audit
import Contracts
import Export
import Store

extension ProcessingReport {
    var json: WireValue {
        let period: WireValue = [
            "from": .optional(from.map { WireTime.format($0) }),
            "to": .string(WireTime.format(to)),
        ]
        return .object([
            ("period", period), ("madeAt", .string(WireTime.format(madeAt))),
            ("declared", declaredJSON), ("observed", observedJSON),
            ("neverUsed", Self.json(neverUsed)), ("notDeclared", Self.json(notDeclared)),
            ("basis", WireValue(uses.basis)), ("unknownEntries", WireValue(uses.unknown)),
            ("notKnown", .texts(Self.notKnown)),
        ])
    }

    private var declaredJSON: WireValue {
        let purposes = catalog.purposes.values.map(\.value).sorted { $0.level < $1.level }
        let streams = catalog.streams.values.map(\.value).sorted { $0.name < $1.name }
        let derived = catalog.derivedStreams.values.map(\.value).sorted { $0.name < $1.name }
        let clients = catalog.clients.values.map(\.value).sorted { $0.id < $1.id }
        let exporters = catalog.exporters.values.map(\.value).sorted { $0.name < $1.name }
        return .object([
            ("purposes", .array(purposes.map { Self.json($0) })),
            ("contracts", .array(contracts.map { Self.json($0) })),
            ("streams", .array(streams.map { Self.json($0) })),
            ("derivedStreams", .array(derived.map { Self.json($0) })),
            ("clients", .array(clients.map { Self.json($0) })),
            ("exporters", .array(exporters.map { Self.json($0) })),
        ])
    }

    private static func json(_ purpose: PurposeRecord) -> WireValue {
        [
            "level": .integer(Int64(purpose.level)), "name": .string(purpose.name),
            "description": .string(purpose.description),
            "legalBasis": .string(purpose.legalBasis.rawValue), "owner": .string(purpose.owner),
        ]
    }

    private static func json(_ contract: ContractFields) -> WireValue {
        let fields = contract.fields.map { field -> WireValue in
            ["field": .string(field.path), "level": .integer(Int64(field.level))]
        }
        return [
            "ref": .string(contract.record.ref),
            "state": .string(contract.record.state.rawValue),
            "namesDataSubject": .bool(contract.namesSubject),
            "approvedBy": .optional(contract.record.approval?.decidedBy),
            "fields": .array(fields),
        ]
    }

    private static func json(_ stream: StreamDefinition) -> WireValue {
        [
            "name": .string(stream.name),
            "retentionDays": .integer(Int64(stream.retention.days)),
            "keyExport": .bool(stream.allowsKeyExport ?? false),
            "keepsRejections": .bool(stream.keepsRejections ?? false),
        ]
    }

    private static func json(_ derived: DerivedStreamDefinition) -> WireValue {
        [
            "name": .string(derived.name), "derivedFrom": .string(derived.source),
            "levels": .numbers(derived.levels.levels), "isApproved": .bool(derived.isApproved),
            "approvedBy": .optional(derived.approval?.decidedBy),
            "maskedFields": .texts((derived.masks ?? []).map(\.field)),
        ]
    }

    private static func json(_ client: ClientRecord) -> WireValue {
        [
            "id": .string(client.id), "role": .string(client.role.rawValue),
            "scope": .optional(client.scope), "isDisabled": .bool(client.isDisabled),
        ]
    }

    private static func json(_ exporter: ExporterDefinition) -> WireValue {
        [
            "name": .string(exporter.name), "stream": .string(exporter.stream),
            "connector": .string(exporter.connector), "includesKeys": .bool(exporter.includesKeys),
        ]
    }

    private var observedJSON: WireValue {
        let figures = fields.figures.sorted { $0.key < $1.key }.map { name, figures in
            Self.json(name, figures)
        }
        return [
            "sequences": WireValue(fields.sequences),
            "people": .array(
                people.map { ["stream": .string($0.stream), "people": WireValue($0.count)] }),
            "sequencesOfNobody": WireValue(unnamed), "fields": .array(figures),
            "uses": .array(ownUses.map { WireValue($0) }),
            "accesses": .array(accesses.map { WireValue($0) }),
            "decisions": .array(decisions.map { .json(Array($0.utf8)) }),
            "isCut": .bool(uses.isCut || fields.isCut || decisionsAreCut),
        ]
    }

    private static func json(
        _ name: AuditFields.Name, _ figures: AuditFields.Figures
    ) -> WireValue {
        [
            "contract": .string(name.contract), "field": .string(name.field),
            "values": .integer(Int64(clamping: figures.values)),
            "sequences": WireValue(figures.sequences),
            "isUpperBound": .bool(figures.isUpperBound), "readers": .texts(figures.readers),
            "firstAt": .string(WireTime.format(figures.firstAt)),
            "lastAt": .string(WireTime.format(figures.lastAt)),
        ]
    }

    private static func json(_ difference: Difference) -> WireValue {
        let fields = difference.fields.map { name -> WireValue in
            ["contract": .string(name.contract), "field": .string(name.field)]
        }
        return [
            "fields": .array(fields), "derivedStreams": .texts(difference.derivedStreams),
            "purposes": .numbers(difference.purposes), "readers": .texts(difference.readers),
            "streams": .texts(difference.streams),
        ]
    }
}
