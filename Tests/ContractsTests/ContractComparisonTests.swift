import Foundation
import Testing

@testable import Contracts

struct ContractComparisonTests {
    /// A row of `Data/contract_changes.json`: two contracts that differ, and every change.
    struct Case: Sendable, CustomTestStringConvertible {
        let about: String
        let old: JSONValue
        let new: JSONValue
        /// `path | change | breaks`.
        let changes: [String]
        /// Plain JSON Schemas rather than contracts.
        let isJSONSchema: Bool

        var testDescription: String { about }
    }

    static let cases: [Case] = {
        do {
            let url = packageRoot.appending(
                path: "Tests/ContractsTests/Data/contract_changes.json")
            let root = try JSONValue.parse([UInt8](Data(contentsOf: url)), pointer: "")
            guard case .array(let rows) = root else { return [] }
            return rows.map { row in
                Case(
                    about: text(row["about"]), old: row["old"] ?? .null, new: row["new"] ?? .null,
                    changes: texts(row["changes"]), isJSONSchema: row["jsonSchema"] == .bool(true))
            }
        } catch {
            Issue.record("contract_changes.json cannot be read: \(error)")
            return []
        }
    }()

    private static func text(_ value: JSONValue?) -> String {
        if case .string(let text)? = value { text } else { "" }
    }

    private static func texts(_ value: JSONValue?) -> [String] {
        if case .array(let items)? = value { items.map { text($0) } } else { [] }
    }

    private static func shown(_ changes: [ContractChange]) -> [String] {
        changes.map { change in
            "\(change.path) | \(change.change) | "
                + change.breaks.map(\.rawValue).joined(separator: " ")
        }
    }

    /// A contract with `strmMeta`, the field `id`, and what the row says: `fields`, and members of
    /// the document.
    private static func document(_ row: JSONValue) throws -> ContractDocument {
        let ref = #""handle":"t","name":"t","version":"1.0.0""#
        func member(_ name: String, _ fallback: String) -> String {
            let value = row[name].map { String(decoding: $0.bytes, as: UTF8.self) } ?? fallback
            return "\"\(name)\":\(value)"
        }
        let subject = row["dataSubjectField"] == nil ? "" : member("dataSubjectField", "") + ","
        let fields = String(decoding: (row["fields"] ?? .array([])).bytes, as: UTF8.self)
            .dropFirst().dropLast()
        let name = text(row["record"]).isEmpty ? "Event" : text(row["record"])
        var definition =
            #"{"type":"record","name":"\#(name)","fields":[\#(Fixture.meta),"#
            + #"{"name":"id","type":"string"}\#(fields.isEmpty ? "" : ",")\#(fields)]}"#
        var type = "AVRO"
        if let simple = row["simple"] {
            definition = String(decoding: simple.bytes, as: UTF8.self)
            type = "SIMPLE"
        } else if let schema = row["schema"] {
            definition = String(decoding: schema.bytes, as: UTF8.self)
            type = "JSON_SCHEMA"
        }
        let text = """
            {"ref":{\(ref)},\(member("keyField", "\"id\"")),\(subject)
             \(member("fieldMetadata", "[]")),\(member("piiFields", "{}")),
             \(member("validations", "[]")),
             "schema":{"ref":{\(ref),"schemaType":"\(type)"},"definition":\(definition)}}
            """
        return try ContractDocument(json: Array(text.utf8))
    }

    @Test func `there are cases of all kinds`() {
        #expect(Self.cases.count >= 60)
        #expect(Self.cases.contains { $0.isJSONSchema })
    }

    @Test(arguments: cases)
    func `two contracts differ in exactly these changes`(example: Case) throws {
        let changes: [ContractChange]
        if example.isJSONSchema {
            changes = JSONSchemaComparison.compare(example.old, example.new)
        } else {
            changes = try ContractComparison.compare(
                Self.document(example.old), Self.document(example.new))
        }
        #expect(Self.shown(changes) == example.changes)
    }

    @Test(arguments: cases)
    func `a contract does not differ from itself`(example: Case) throws {
        for row in [example.old, example.new] {
            if example.isJSONSchema {
                #expect(JSONSchemaComparison.compare(row, row).isEmpty)
            } else {
                let document = try Self.document(row)
                let again = try ContractDocument(json: document.canonicalJSON())
                #expect(try ContractComparison.compare(document, again).isEmpty)
            }
        }
    }

    @Test func `a type that contains itself is compared once`() throws {
        func node(_ more: String) throws -> ContractDocument {
            let field =
                #"{"name":"n","type":{"type":"record","name":"N","fields":["#
                + #"{"name":"next","type":["null","N"],"default":null}\#(more)]}}"#
            return try Fixture.document(fields: field)
        }
        let changes = try ContractComparison.compare(
            node(""), node(#",{"name":"x","type":"int"}"#))
        #expect(Self.shown(changes) == ["n/x | added, without a default | backward"])
    }

    @Test func `more changes than are listed end in one that breaks everything`() throws {
        let fields = (0..<1_010).map { #"{"name":"f\#($0)","type":"int"}"# }
        let changes = try ContractComparison.compare(
            Fixture.document(fields: ""), Fixture.document(fields: fields.joined(separator: ",")))
        #expect(changes.count == ContractComparison.changeCountMax + 1)
        #expect(changes.last?.breaks == ContractChange.Break.allCases)
    }

    @Test func `a contract that could not be registered is not compared`() throws {
        let right = try Fixture.document(fields: "")
        let wrong = try Fixture.document(fields: "", key: "nothing")
        #expect(throws: ContractError.self) { try ContractComparison.compare(right, wrong) }
        #expect(throws: ContractError.self) { try ContractComparison.compare(wrong, right) }
    }

    @Test(arguments: [
        (#"{"old":"a/b/1.0.0"}"#, "/new (required)"),
        (#"{"old":"a/b","new":"a/b/1.0.0"}"#, "/old (ref)"),
        (#"{"old":"a/b/1.0.0","new":7}"#, "/new (type)"), (#"[]"#, " (type)"), ("{", " (json)"),
        (#"{"old":"a/b/1.0.0","new":{"ref":1}}"#, "/new/ref (type)"),
        (#"{"old":"a/b/1.0.0","new":"a/b/1.0.0","x":1}"#, "/x (unknown-field)"),
    ])
    func `a pair that is none is refused at its place`(text: String, error: String) {
        let found = contractError { () throws(ContractError) in
            _ = try ContractPair(json: Array(text.utf8))
        }
        #expect(found == error)
    }
}
