/// The language of a contract's schema, as `schema.ref.schemaType` names it.
package enum SchemaLanguage: String, Sendable, CaseIterable {
    /// Avro's JSON form; what a document means that says nothing.
    case avro = "AVRO"
    /// JSON Schema of draft 2020-12, or of draft-07 if `$schema` says so. `JSON` is another name.
    case jsonSchema = "JSON_SCHEMA"
    /// ``SimpleSchema``.
    case simple = "SIMPLE"
}
