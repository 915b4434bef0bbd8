// The plan of a contract in JSON Schema: the program of its schema, and a trie of marked places.

extension PlanBuilder {
    /// The plan of a contract whose schema is a JSON Schema.
    static func build(
        _ marker: SchemaMarker, _ program: JSONSchemaProgram, piiFields: [PIIField],
        validations: ValidationSet, ref: ContractRef, schemaRef: SchemaRef
    ) -> DecodingPlan {
        // The schema of Avro that stands in is never walked.
        let none = FieldMarker(AvroSchema(nodes: [AvroSchema.Node(kind: .null)], root: 0))
        var builder = PlanBuilder(none, piiFields, validations)
        builder.marks = marker.rules
        builder.parts.ref = builder.add(ref.description)
        builder.parts.schemaRef = builder.add(schemaRef.description)
        builder.layOut()
        builder.parts.program = program
        builder.addPlaces(marker.places)
        return DecodingPlan(builder.parts)
    }

    /// The trie of marked places as the walk reads it.
    private mutating func addPlaces(_ places: [SchemaMarker.Place]) {
        for place in places {
            var made = DecodingPlan.Place()
            made.rules = UInt16(place.rules.map { $0 + 1 } ?? 0)
            made.others = UInt16(place.others ?? 0)
            made.names = UInt32(parts.names.count)
            made.count = UInt16(place.names.count)
            for (name, target) in place.names.sorted(by: { $0.value < $1.value }) {
                addName(String(decoding: name, as: UTF8.self), target)
            }
            (made.table, made.tableMask) = addTable(from: Int(made.names))
            parts.places.append(made)
        }
    }
}
