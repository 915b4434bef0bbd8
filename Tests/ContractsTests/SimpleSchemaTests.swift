import Foundation
import Testing

@testable import Contracts

struct SimpleSchemaTests {
    /// A row of `Data/simple_schemas.json`.
    struct Case: Sendable, CustomTestStringConvertible {
        let about: String
        let definition: JSONValue
        /// The translation without `strmMeta`, or why there is none.
        let avro: JSONValue?
        let error: String?

        var testDescription: String { about }
    }

    static let cases: [Case] = {
        do {
            let url = packageRoot.appending(path: "Tests/ContractsTests/Data/simple_schemas.json")
            let root = try JSONValue.parse([UInt8](Data(contentsOf: url)), pointer: "")
            guard case .array(let rows) = root else { return [] }
            return rows.map { row in
                var about = ""
                if case .string(let text)? = row["about"] { about = text }
                var error: String?
                if case .string(let text)? = row["error"] { error = text }
                return Case(
                    about: about, definition: row["definition"] ?? .null, avro: row["avro"],
                    error: error)
            }
        } catch {
            Issue.record("simple_schemas.json cannot be read: \(error)")
            return []
        }
    }()

    private static func translate(_ definition: JSONValue) throws(ContractError) -> JSONValue {
        try SimpleSchema.translate(DocumentCursor(value: definition, pointer: "/d"))
    }

    @Test func `there are cases`() {
        #expect(Self.cases.count >= 20)
        #expect(Self.cases.allSatisfy { ($0.avro == nil) != ($0.error == nil) })
    }

    @Test(arguments: cases)
    func `a Simple Schema is translated to exactly this Avro, or refused at its place`(
        example: Case
    ) throws {
        if let error = example.error {
            let found = contractError { () throws(ContractError) in
                _ = try Self.translate(example.definition)
            }
            #expect(found == error)
            return
        }
        var avro = try Self.translate(example.definition)
        _ = try AvroSchemaParser.parse(DocumentCursor(value: avro, pointer: ""))
        guard case .object(var members) = avro, case .array(var fields)? = avro["fields"] else {
            Issue.record("no record")
            return
        }
        #expect(fields.first?["name"] == "strmMeta")
        fields.removeFirst()
        members[members.count - 1] = .init(name: "fields", value: .array(fields))
        avro = .object(members)
        let found = String(decoding: avro.bytes, as: UTF8.self)
        #expect(found == String(decoding: (example.avro ?? .null).bytes, as: UTF8.self))
    }

    @Test func `strmMeta is the first field, in the schema's namespace`() throws {
        let definition = try JSONValue.parse(
            Array(#"{"name":"a","namespace":"x.y","nodes":[{"type":"LONG","name":"n"}]}"#.utf8),
            pointer: "")
        let avro = String(decoding: try Self.translate(definition).bytes, as: UTF8.self)
        let meta = """
            {"name":"strmMeta","type":{"type":"record","name":"StrmMeta","namespace":"x.y","fields":[\
            {"name":"eventContractRef","type":"string"},\
            {"name":"nonce","type":["null","int"],"default":null},\
            {"name":"timestamp","type":["null","long"],"default":null},\
            {"name":"keyLink","type":["null","string"],"default":null},\
            {"name":"billingId","type":["null","string"],"default":null},\
            {"name":"consentLevels","type":{"type":"array","items":"int"}}]}}
            """
        #expect(
            avro == """
                {"type":"record","name":"A","namespace":"x.y","fields":[\(meta),\
                {"name":"n","type":["null","long"],"default":null}]}
                """)
    }

    private static func document(_ schema: String) -> String {
        """
        ref: {handle: t, name: t, version: 1.0.0}
        keyField: key
        piiFields: {Address/street: 2}
        validations:
          - {field: tags, type: length, max: 2}
        schema:
          ref: {handle: t, name: t, version: 1.0.0, schemaType: simple}
          definition:\(schema)
        """
    }

    private static let nodes = """
         |
            name: visit
            nodes:
              - {type: STRING, name: key, required: true}
              - {type: STRING, name: tags, repeated: true}
              - {type: FLOAT, name: r}
              - {type: NODE, name: Address, nodes: [{type: STRING, name: street}]}
        """

    @Test func `events are sent by a Simple Schema, whether it is inline or a text`() throws {
        let inline = Self.nodes.replacingOccurrences(of: " |", with: "")
        let fixture = try Fixture()
        for schema in [Self.nodes, inline] {
            let document = try ContractDocument(yaml: Array(Self.document(schema).utf8))
            let again = try ContractDocument(json: document.canonicalJSON())
            #expect(again.canonicalJSON() == document.canonicalJSON())
            let contract = try Contract(document: again, number: 3)
            fixture.registry.replaceAll([(contract, .active)])
            let meta = #"{"strmMeta":{"eventContractRef":"t/t/1.0.0","consentLevels":[1]},"#
            let sent = fixture.decode(
                Array((meta + #""key":"k","r":0.5,"Address":{"street":"S"}}"#).utf8))
            let stored = try sent.get()
            #expect(
                stored.hasSuffix(#""key":"k","tags":[],"r":0.5,"Address":{"street":"S"}}"#))
            #expect(fixture.decoder.spans.contains { $0.kind == .pii && $0.level == 2 })
            let wrong = fixture.event(meta + #""key":"k","tags":["a","abc"]}"#)
            #expect(wrong == .refused("/tags/1", .length))
            #expect(fixture.event(meta + #""key":7}"#) == .refused("/key", .type))
        }
    }

    @Test func `the stored document keeps the author's definition`() throws {
        let document = try ContractDocument(yaml: Array(Self.document(Self.nodes).utf8))
        let text = String(decoding: document.canonicalJSON(), as: UTF8.self)
        #expect(text.contains(#""schemaType":"SIMPLE"},"definition":{"name":"visit","nodes":["#))
        #expect(!text.contains("strmMeta"))
        let translation = try #require(try document.translation())
        #expect(String(decoding: translation, as: UTF8.self).contains("eventContractRef"))
    }

    @Test func `an Avro contract has no translation`() throws {
        #expect(try Fixture.document(fields: "").translation() == nil)
    }

    @Test func `an error in a definition that is a text has its place in it`() {
        let wrong = Self.nodes.replacingOccurrences(of: "FLOAT", with: "DECIMAL")
        let error = contractError { () throws(ContractError) in
            let document = try ContractDocument(yaml: Array(Self.document(wrong).utf8))
            _ = try Contract(document: document, number: 1)
        }
        #expect(error == "/schema/definition/nodes/2/type (node-type)")
        let broken = contractError { () throws(ContractError) in
            _ = try ContractDocument(yaml: Array(Self.document(" 'a: [1'").utf8))
        }
        #expect(broken == "/schema/definition (yaml)")
    }

    @Test func `many, deep and large definitions are refused`() throws {
        func schema(_ nodes: String) throws(ContractError) -> JSONValue {
            try Self.translate(
                JSONValue.parse(Array(#"{"name":"a","nodes":[\#(nodes)]}"#.utf8), pointer: ""))
        }
        func deep(_ count: Int) -> String {
            String(repeating: #"{"type":"NODE","name":"n","repeated":true,"nodes":["#, count: count)
                + #"{"type":"LONG","name":"n"}"# + String(repeating: "]}", count: count)
        }
        let deepest = try schema(deep(SimpleSchema.depthMax - 1))
        _ = try AvroSchemaParser.parse(DocumentCursor(value: deepest, pointer: ""))
        let tooDeep = contractError { () throws(ContractError) in
            _ = try schema(deep(SimpleSchema.depthMax))
        }
        #expect(tooDeep.hasSuffix("/nodes/0 (depth)"))
        let wide = (0..<1_024).map { #"{"type":"LONG","name":"n\#($0)"}"# }.joined(separator: ",")
        let tooWide = contractError { () throws(ContractError) in _ = try schema(wide) }
        #expect(tooWide == "/d/nodes (count)")
        let many = (0..<10).map { index in
            let inner = (0..<600).map { #"{"type":"LONG","name":"n\#($0)"}"# }
            return
                #"{"type":"NODE","name":"r\#(index)","nodes":[\#(inner.joined(separator: ","))]}"#
        }
        let tooMany = contractError { () throws(ContractError) in
            _ = try schema(many.joined(separator: ","))
        }
        #expect(tooMany.hasSuffix(" (size)"))
    }
}
