// The schema of a contract and the language that it is written in.

extension ContractDocument {
    /// The languages that a schema may be written in.
    package enum SchemaLanguage: String, Sendable, Equatable {
        case avro = "AVRO"
        /// Draft 2020-12, or draft-07 if `$schema` says so.
        case jsonSchema = "JSON_SCHEMA"
    }

    static func schema(
        _ cursor: DocumentCursor
    ) throws(ContractError) -> (SchemaRef, SchemaLanguage, DocumentCursor) {
        try cursor.checkObject(allowing: ["ref", "definition", "metadata", "isPublic", "state"])
        let reference = try cursor.required("ref")
        try reference.checkObject(allowing: ["handle", "name", "version", "schemaType"])
        guard let ref = SchemaRef(try referenceText(reference)) else {
            throw badReference(reference)
        }
        let language = try reference.member("schemaType").map { type throws(ContractError) in
            try Self.language(type)
        }
        let definition = try cursor.required("definition")
        guard case .string(let text) = definition.value else {
            return (ref, language ?? .avro, definition)
        }
        let parsed = try JSONValue.parse(Array(text.utf8), pointer: definition.pointer)
        let inner = DocumentCursor(value: parsed, pointer: definition.pointer)
        return (ref, language ?? .avro, inner)
    }

    private static func language(
        _ type: DocumentCursor
    ) throws(ContractError) -> SchemaLanguage {
        let name = try type.string().uppercased()
        if name == "JSON" { return .jsonSchema }
        guard let language = SchemaLanguage(rawValue: name) else {
            throw type.fail("schema-type", "AVRO or JSON_SCHEMA")
        }
        return language
    }
}
