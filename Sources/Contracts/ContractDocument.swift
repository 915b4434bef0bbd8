/// A contract as its author writes it: checked for form, not yet against its schema (``Contract``
/// does that).
///
///     ref: {handle: streammachine, name: clickstream, version: 1.0.0}
///     keyField: producerSessionId                 # any scalar; ties events to one sequence
///     fieldMetadata:                              # or the older  piiFields: {customer/id: 1}
///       - fieldName: customer/id
///         personalDataConfig: {isPii: true, isQuasiId: false, purposeLevel: 1}
///     validations:
///       - {field: customer/email, type: regex, value: "^.+@.+$"}
///     dataSubjectField: customer/id               # optional
///     schema:
///       ref: {handle: streammachine, name: clickstream, version: 1.0.0, schemaType: AVRO}
///                                                 # or JSON_SCHEMA
///       definition: {type: record, …}             # the schema as an object, or as a string that holds it
///
/// Paths name record fields, separated by `/`. Lists and maps are passed over (`items/email`) or
/// named by `*` (`items/*/email`); optional values take no step. Of a map the values are meant, never
/// the keys: keys are stored in clear. A regex must match the whole value (``RegularExpression``);
/// ``Validation`` has the other rules.
/// `metadata`, `isPublic` and `state` are accepted and kept, without effect on events.
package struct ContractDocument: Sendable {
    package let ref: ContractRef
    package let schemaRef: SchemaRef
    /// Path of the key field.
    package let keyField: String
    /// Path of the data-subject field, if the contract names one.
    package let dataSubjectField: String?
    let fields: [FieldRule]
    let validations: [Validation]
    package let schemaLanguage: SchemaLanguage
    /// The schema as its author wrote it, and where it stands.
    let schema: DocumentCursor
    private let informational: [JSONValue.Member]

    /// Entries of `fieldMetadata`, and of `validations`; each validation may cost 1 MiB of
    /// automata.
    static let fieldCountMax = 1_024
    static let validationCountMax = 256
    /// The document in bytes.
    static let bytesMax = 1 << 20
    /// One path in bytes.
    static let pathBytesMax = 1_024

    /// - Throws: what is wrong and where; the author mends the document.
    package init(json bytes: [UInt8]) throws(ContractError) {
        try Self.checkSize(bytes)
        try self.init(try JSONValue.parse(bytes, pointer: ""))
    }

    /// - Throws: what is wrong and where; the author mends the document.
    package init(yaml bytes: [UInt8]) throws(ContractError) {
        try Self.checkSize(bytes)
        try self.init(try YAMLReader.parse(bytes))
    }

    /// - Parameter pointer: where the document stands in what holds it.
    init(_ value: JSONValue, pointer: String = "") throws(ContractError) {
        let root = DocumentCursor(value: value, pointer: pointer)
        try root.checkObject(allowing: [
            "ref", "keyField", "fieldMetadata", "piiFields", "validations", "dataSubjectField",
            "schema", "metadata", "isPublic", "state",
        ])
        let reference = try root.required("ref")
        try reference.checkObject(allowing: ["handle", "name", "version"])
        guard let ref = ContractRef(try Self.referenceText(reference)) else {
            throw Self.badReference(reference)
        }
        self.ref = ref
        keyField = try Self.path(try root.required("keyField"))
        if let subject = root.member("dataSubjectField") {
            dataSubjectField = try Self.path(subject)
        } else {
            dataSubjectField = nil
        }
        fields = try Self.fieldMetadata(root) + Self.piiFields(root)
        validations = try Self.validations(root)
        (schemaRef, schemaLanguage, schema) = try Self.schema(try root.required("schema"))
        var informational: [JSONValue.Member] = []
        for name in ["metadata", "isPublic", "state"] {
            guard let inner = root.member(name) else { continue }
            informational.append(.init(name: name, value: inner.value))
        }
        self.informational = informational
    }

    /// The document in one fixed form: JSON without spaces, members in a fixed order, personal
    /// fields as `fieldMetadata`, the schema as an object. Reading it back gives an equal document.
    package func canonicalJSON() -> [UInt8] {
        var members: [JSONValue.Member] = [
            .init(name: "ref", value: Self.reference(ref.handle, ref.name, ref.version))
        ]
        members += informational
        members.append(.init(name: "keyField", value: .string(keyField)))
        members.append(.init(name: "fieldMetadata", value: .array(fields.map(\.json))))
        members.append(.init(name: "validations", value: .array(validations.map(\.json))))
        if let dataSubjectField {
            members.append(.init(name: "dataSubjectField", value: .string(dataSubjectField)))
        }
        let schemaReference = Self.reference(
            schemaRef.handle, schemaRef.name, schemaRef.version,
            extra: [.init(name: "schemaType", value: .string(schemaLanguage.rawValue))])
        members.append(
            .init(
                name: "schema",
                value: .object([
                    .init(name: "ref", value: schemaReference),
                    .init(name: "definition", value: schema.value),
                ])))
        return JSONValue.object(members).bytes
    }
}

extension ContractDocument {
    /// The ids of its validations, in the document's order.
    package var validationIDs: [String] { validations.map(\.id) }

    private static func checkSize(_ bytes: [UInt8]) throws(ContractError) {
        guard bytes.count <= bytesMax else {
            throw ContractError(pointer: "", rule: "size", expected: "at most \(bytesMax) bytes")
        }
    }

    static func referenceText(_ cursor: DocumentCursor) throws(ContractError) -> String {
        let handle = try cursor.required("handle").string()
        let name = try cursor.required("name").string()
        return "\(handle)/\(name)/\(try cursor.required("version").string())"
    }

    static func badReference(_ cursor: DocumentCursor) -> ContractError {
        cursor.fail(
            "ref",
            "handle and name of A-Z a-z 0-9 . _ - (at most 64 bytes), version like 1.0.0")
    }

    private static func reference(
        _ handle: String, _ name: String, _ version: String, extra: [JSONValue.Member] = []
    ) -> JSONValue {
        .object(
            [
                .init(name: "handle", value: .string(handle)),
                .init(name: "name", value: .string(name)),
                .init(name: "version", value: .string(version)),
            ] + extra)
    }

    static func path(_ cursor: DocumentCursor) throws(ContractError) -> String {
        let text = try cursor.string()
        let steps = text.split(separator: "/", omittingEmptySubsequences: false)
        guard text.utf8.count <= pathBytesMax, steps.allSatisfy({ !$0.isEmpty }) else {
            throw cursor.fail("path", "field names separated by /, without a leading or double /")
        }
        return text
    }

    static func level(_ cursor: DocumentCursor) throws(ContractError) -> Int {
        let level = try cursor.integer()
        guard (0...ConsentLevels.levelMax).contains(level) else {
            throw cursor.fail("consent-level", "a level 0...\(ConsentLevels.levelMax)")
        }
        return level
    }

}
