// The schema of a contract and the language that it is written in.

extension ContractDocument {
    static func schema(
        _ cursor: DocumentCursor
    ) throws(ContractError) -> (SchemaRef, SchemaLanguage, DocumentCursor) {
        try cursor.checkObject(allowing: ["ref", "definition", "metadata", "isPublic", "state"])
        let reference = try cursor.required("ref")
        try reference.checkObject(allowing: ["handle", "name", "version", "schemaType"])
        guard let ref = SchemaRef(try referenceText(reference)) else {
            throw badReference(reference)
        }
        let language = try language(reference)
        let definition = try cursor.required("definition")
        guard case .string(let text) = definition.value else { return (ref, language, definition) }
        let bytes = Array(text.utf8)
        let isJSON =
            language != .simple || bytes.first { !" \n\r\t".utf8.contains($0) } == UInt8(ascii: "{")
        let parsed =
            isJSON
            ? try JSONValue.parse(bytes, pointer: definition.pointer)
            : try yaml(bytes, pointer: definition.pointer)
        return (ref, language, DocumentCursor(value: parsed, pointer: definition.pointer))
    }

    private static func language(
        _ reference: DocumentCursor
    ) throws(ContractError) -> SchemaLanguage {
        guard let type = reference.member("schemaType") else { return .avro }
        let name = try type.string().uppercased()
        if name == "JSON" { return .jsonSchema }
        guard let language = SchemaLanguage(rawValue: name) else {
            let names = SchemaLanguage.allCases.map(\.rawValue).joined(separator: ", ")
            throw type.fail("schema-type", "one of \(names)")
        }
        return language
    }

    private static func yaml(
        _ text: [UInt8], pointer: String
    ) throws(ContractError) -> JSONValue {
        do throws(ContractError) {
            return try YAMLReader.parse(text)
        } catch {
            throw ContractError(
                pointer: pointer + error.pointer, rule: error.rule, expected: error.expected)
        }
    }

    /// The schema in Avro: as its author wrote it, or translated. Cost: linear in the definition.
    /// - Throws: what is wrong in the definition, and where.
    func avroSchema() throws(ContractError) -> AvroSchema {
        guard schemaLanguage == .simple else { return try AvroSchemaParser.parse(schema) }
        let translated = try SimpleSchema.translate(schema)
        do throws(ContractError) {
            return try AvroSchemaParser.parse(
                DocumentCursor(value: translated, pointer: schema.pointer))
        } catch {
            // Its place is one of the translation, which the author has not written.
            throw ContractError(
                pointer: schema.pointer, rule: error.rule, expected: error.expected)
        }
    }

    /// The Avro schema of a Simple Schema, in JSON; nil: the author wrote Avro.
    package func translation() throws(ContractError) -> [UInt8]? {
        guard schemaLanguage == .simple else { return nil }
        return try SimpleSchema.translate(schema).bytes
    }
}
