// The schema of a contract and the language that it is written in.

extension ContractDocument {
    static func schema(
        _ cursor: DocumentCursor
    ) throws(ContractError) -> (SchemaRef, DocumentCursor) {
        try cursor.checkObject(allowing: ["ref", "definition", "metadata", "isPublic", "state"])
        let reference = try cursor.required("ref")
        try reference.checkObject(allowing: ["handle", "name", "version", "schemaType"])
        guard let ref = SchemaRef(try referenceText(reference)) else {
            throw badReference(reference)
        }
        if let type = reference.member("schemaType") {
            guard try type.string().uppercased() == "AVRO" else {
                throw type.fail("schema-type", "AVRO")
            }
        }
        let definition = try cursor.required("definition")
        guard case .string(let text) = definition.value else { return (ref, definition) }
        let parsed = try JSONValue.parse(Array(text.utf8), pointer: definition.pointer)
        return (ref, DocumentCursor(value: parsed, pointer: definition.pointer))
    }
}
