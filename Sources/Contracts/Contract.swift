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
    /// Path of the field that names the person an event is about; nil: none does.
    package let dataSubjectPath: String?
    package var hasDataSubject: Bool { dataSubjectPath != nil }
    /// Paths of fields that identify together with others without being personal data themselves.
    package let plainQuasiIds: [String]
    /// What whoever reviews the contract should know before it is approved; it is no error.
    package let warnings: [ContractWarning]

    let plan: DecodingPlan
    /// Of a JSON Schema: where its program begins, to find places by their paths.
    let schemaRoot: Int?
    /// RFC 6901 pointer of the key field.
    let keyPointer: String

    /// Cost: linear in document and schema, both bounded; up to some tenths of a second at the
    /// limits.
    ///
    /// - Parameter isNew: whether it is about to be registered, rather than stored already: some
    ///   bounds are younger than the contracts that are stored.
    /// - Throws: the first thing wrong in the document and where; its author mends it.
    package init(
        document: ContractDocument, number: UInt32, isNew: Bool = false
    ) throws(ContractError) {
        let marked: Marked
        switch document.schemaLanguage {
        case .avro, .simple: (plan, marked) = try Self.avro(document, isNew)
        case .jsonSchema: (plan, marked) = try Self.jsonSchema(document, isNew)
        }
        self.number = number
        ref = document.ref
        schemaRef = document.schemaRef
        piiFields = marked.fields
        dataSubjectPath = document.dataSubjectField
        plainQuasiIds = document.fields.filter { $0.isQuasiId && !$0.isPersonal }.map(\.path)
        warnings = marked.warnings
        schemaRoot = marked.schemaRoot
        keyPointer = JSONPointer.text(path: marked.key)
    }

    /// What a contract's paths have come to.
    private struct Marked {
        /// Path of the key field.
        var key: String
        var fields: [PIIField] = []
        var validations: ValidationSet
        var warnings: [ContractWarning]
        var schemaRoot: Int?
    }

    private static func avro(
        _ document: ContractDocument, _ isNew: Bool
    ) throws(ContractError) -> (DecodingPlan, Marked) {
        var marker = FieldMarker(try document.avroSchema())
        _ = try marker.markMeta(pointer: document.schema.pointer)
        try MetaSection.check(marker.schema, document.schema)
        let marked = try mark(document, isNew, &marker)
        let plan = try PlanBuilder.build(
            marker, piiFields: marked.fields, validations: marked.validations, ref: document.ref,
            schemaRef: document.schemaRef)
        return (plan, marked)
    }

    private static func jsonSchema(
        _ document: ContractDocument, _ isNew: Bool
    ) throws(ContractError) -> (DecodingPlan, Marked) {
        var compiler = try JSONSchemaCompiler(document.schema)
        let program = try compiler.compileForEvents()
        var marker = SchemaMarker(program.parts, root: compiler.documentRoot)
        var marked = try mark(document, isNew, &marker)
        marked.schemaRoot = compiler.documentRoot
        try marker.finish(pointer: document.schema.pointer)
        let plan = PlanBuilder.build(
            marker, program, piiFields: marked.fields, validations: marked.validations,
            ref: document.ref, schemaRef: document.schemaRef)
        return (plan, marked)
    }

    /// Puts all rules of the document on the places of its schema.
    private static func mark(
        _ document: ContractDocument, _ isNew: Bool, _ marker: inout some PlaceMarker
    ) throws(ContractError) -> Marked {
        let key = try marker.mark(document.keyField, for: .key, pointer: "/keyField")
        if let subject = document.dataSubjectField {
            _ = try marker.mark(subject, for: .subject, pointer: "/dataSubjectField")
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
        var validations = try ValidationSet(document.validations, isNew: isNew)
        try validations.mark(&marker)
        return Marked(
            key: key, fields: fields, validations: validations,
            warnings: ContractWarning.frequencyLeaks(
                document.fields.filter(\.isPersonal),
                enumerated: marker.enumeratedFields(validations)))
    }
}
