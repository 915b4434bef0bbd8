/// A contract whose document and schema were checked against each other, compiled for the decoder.
/// Immutable.
///
/// Memory: some KiB for usual schemas, a few MiB at the limits, and up to 1 MiB of automata for
/// each regex.
package final class Contract: Sendable {
    /// The catalog's number, stored in each record.
    package let number: UInt32
    package let ref: ContractRef
    package let schemaRef: SchemaRef
    /// Personal fields by index.
    package let piiFields: [PIIField]
    package let hasDataSubject: Bool
    /// What whoever reviews the contract should know before it is approved; it is no error.
    package let warnings: [ContractWarning]

    let plan: DecodingPlan
    /// RFC 6901 pointer of the key field.
    let keyPointer: String

    /// Cost: linear in document and schema, both bounded; up to some tenths of a second at the
    /// limits.
    /// - Throws: the first thing wrong in the document and where; its author mends it.
    package init(document: ContractDocument, number: UInt32) throws(ContractError) {
        let schema = try AvroSchemaParser.parse(document.schema)
        var marker = FieldMarker(schema)
        _ = try marker.markMeta(pointer: document.schema.pointer)
        try MetaSection.check(marker.schema, document.schema)

        let key = try marker.mark(document.keyField, for: .key, pointer: "/keyField")
        if let subject = document.dataSubjectField {
            try marker.mark(subject, for: .subject, pointer: "/dataSubjectField")
        }
        var fields: [PIIField] = []
        var paths: Set<String> = []
        for rule in document.fields {
            let use: FieldMarker.Use = rule.isPersonal ? .pii(fields.count) : .mention
            let path = try marker.mark(rule.path, for: use, pointer: rule.pointer)
            guard paths.insert(path).inserted else {
                throw ContractError(
                    pointer: rule.pointer, rule: "duplicate-path", expected: "each field once")
            }
            guard rule.isPersonal else { continue }
            fields.append(
                PIIField(
                    index: UInt16(fields.count), path: path, level: rule.level ?? 0,
                    isQuasiId: rule.isQuasiId, sealing: rule.sealing))
        }
        var validations = try ValidationSet(document.validations)
        try validations.mark(&marker)

        plan = try PlanBuilder.build(
            marker, piiFields: fields, validations: validations, ref: document.ref,
            schemaRef: document.schemaRef)
        self.number = number
        ref = document.ref
        schemaRef = document.schemaRef
        piiFields = fields
        hasDataSubject = document.dataSubjectField != nil
        warnings = ContractWarning.frequencyLeaks(
            document.fields.filter(\.isPersonal), enumerated: marker.enumeratedFields(validations))
        keyPointer = "/\(key)"
    }
}
