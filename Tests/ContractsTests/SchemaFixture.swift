import Foundation

@testable import Contracts

extension Fixture {
    /// A contract `t/t/1.0.0` whose schema is this JSON Schema, as text.
    init(
        jsonSchema: String, key: String = "id", pii: [(String, Int)] = [], subject: String? = nil,
        validations: String = "", limits: EventLimits = EventLimits()
    ) throws {
        let document = try Self.schemaDocument(
            jsonSchema, key: key, pii: pii, subject: subject, validations: validations)
        self.init(contract: try Contract(document: document, number: 7), limits: limits)
    }

    static func schemaDocument(
        _ schema: String, key: String = "id", pii: [(String, Int)] = [], subject: String? = nil,
        validations: String = ""
    ) throws(ContractError) -> ContractDocument {
        let ref = #""handle":"t","name":"t","version":"1.0.0""#
        let subjectMember = subject.map { #","dataSubjectField":"\#($0)""# } ?? ""
        let text = """
            {"ref":{\(ref)},"keyField":"\(key)",
             "piiFields":{\(pii.map { #""\#($0.0)":\#($0.1)"# }.joined(separator: ","))},
             "validations":[\(validations)]\(subjectMember),
             "schema":{"ref":{\(ref),"schemaType":"JSON_SCHEMA"},"definition":\(schema)}}
            """
        return try ContractDocument(json: Array(text.utf8))
    }

    /// A schema of objects with the string `id` and these properties.
    static func objectSchema(_ properties: String, _ rest: String = "") -> String {
        let more = properties.isEmpty ? "" : ",\(properties)"
        return #"{"type":"object","properties":{"id":{"type":"string"}\#(more)}"#
            + (rest.isEmpty ? "" : ",\(rest)") + "}"
    }
}
