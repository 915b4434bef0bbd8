import Foundation
import Testing

@testable import Contracts

@Suite("a contract document")
struct ContractDocumentTests {
    private static let schema =
        #"{"ref":{"handle":"t","name":"s","version":"1.0.0"},"definition":{"type":"record","name":"E","fields":["#
        + Fixture.meta
        + #",{"name":"id","type":"string"},{"name":"mail","type":["null","string"]},"#
        + #"{"name":"n","type":"int"}]}}"#
    private static let ref = #""ref":{"handle":"t","name":"t","version":"1.0.0"}"#
    private static let key = #""keyField":"id""#

    struct Case: Sendable, CustomTestStringConvertible {
        let text: String
        let error: String

        init(_ text: String, _ error: String) {
            self.text = text
            self.error = error
        }

        var testDescription: String { error }
    }

    private static func with(_ more: String) -> String {
        "{\(ref),\(key),\(more),\"schema\":\(schema)}"
    }

    static let refused: [Case] = [
        Case("", " (json)"),
        Case("[]", " (type)"),
        Case("{", " (json)"),
        Case(#"{"ref":1,"ref":2}"#, "/ref (duplicate-key)"),
        Case("{\(ref),\(key)}", "/schema (required)"),
        Case("{\(key),\"schema\":\(schema)}", "/ref (required)"),
        Case("{\(ref),\"schema\":\(schema)}", "/keyField (required)"),
        Case(with(#""x":1"#), "/x (unknown-field)"),
        Case(with(#""key":1"#), "/key (unknown-field)"),
        Case(
            "{\"ref\":{\"handle\":\"t\",\"name\":\"t\",\"version\":1},\(key),\"schema\":\(schema)}",
            "/ref/version (type)"),
        Case(
            "{\"ref\":{\"handle\":\"t\",\"name\":\"t\",\"version\":\"1.0\"},\(key),\"schema\":\(schema)}",
            "/ref (ref)"),
        Case(
            "{\"ref\":{\"handle\":\"..\",\"name\":\"t\",\"version\":\"1.0.0\"},\(key),\"schema\":\(schema)}",
            "/ref (ref)"),
        Case(
            "{\"ref\":{\"handle\":\"a/b\",\"name\":\"t\",\"version\":\"1.0.0\"},\(key),\"schema\":\(schema)}",
            "/ref (ref)"),
        Case("{\(ref),\"keyField\":\"/id\",\"schema\":\(schema)}", "/keyField (path)"),
        Case("{\(ref),\"keyField\":\"none\",\"schema\":\(schema)}", "/keyField (unknown-path)"),
        Case("{\(ref),\"keyField\":\"strmMeta/nonce\",\"schema\":\(schema)}", "/keyField (path)"),
        Case(with(#""dataSubjectField":"who""#), "/dataSubjectField (unknown-path)"),
        Case(with(#""piiFields":{"mail":64}"#), "/piiFields/mail (consent-level)"),
        Case(with(#""piiFields":{"mail":-1}"#), "/piiFields/mail (consent-level)"),
        Case(with(#""piiFields":{"mail":"1"}"#), "/piiFields/mail (type)"),
        Case(with(#""piiFields":{"a/b":1}"#), "/piiFields/a~1b (unknown-path)"),
        Case(with(#""piiFields":{"n":1}"#), "/piiFields/n (pii-type)"),
        Case(with(#""piiFields":["mail"]"#), "/piiFields (type)"),
        Case(
            with(#""fieldMetadata":[{"fieldName":"mail","personalDataConfig":{"isPii":true}}]"#),
            "/fieldMetadata/0/personalDataConfig/purposeLevel (required)"),
        Case(
            with(#""fieldMetadata":[{"fieldName":"mail","personalDataConfig":{"isPII":true}}]"#),
            "/fieldMetadata/0/personalDataConfig/isPII (unknown-field)"),
        Case(
            with(#""fieldMetadata":[{"fieldName":"mail"}]"#),
            "/fieldMetadata/0/personalDataConfig (required)"),
        Case(
            with(
                #""fieldMetadata":[{"fieldName":"mail","personalDataConfig":{"isPii":true,"#
                    + #""purposeLevel":1}}],"piiFields":{"mail":2}"#),
            "/piiFields/mail (duplicate-path)"),
        Case(
            with(#""fieldMetadata":[{"fieldName":"gone","personalDataConfig":{"isPii":false}}]"#),
            "/fieldMetadata/0/fieldName (unknown-path)"),
        Case(
            with(#""validations":[{"field":"mail","type":"min","value":"1"}]"#),
            "/validations/0/type (validation-type)"),
        Case(
            with(#""validations":[{"field":"n","type":"regex","value":"1"}]"#),
            "/validations/0/field (validation-type)"),
        Case(
            with(#""validations":[{"field":"x","type":"regex","value":"1"}]"#),
            "/validations/0/field (unknown-path)"),
        Case(
            with(#""validations":[{"field":"mail","type":"regex","value":"("}]"#),
            "/validations/0/value (regex)"),
        Case(
            "{\(ref),\(key),\"schema\":{\"ref\":{\"handle\":\"t\",\"name\":\"s\",\"version\":\"1.0.0\",\"schemaType\":\"PROTOBUF\"},\"definition\":{}}}",
            "/schema/ref/schemaType (schema-type)"),
        Case(
            "{\(ref),\(key),\"schema\":{\"ref\":{\"handle\":\"t\",\"name\":\"s\",\"version\":\"1.0.0\"},\"definition\":\"{\"}}",
            "/schema/definition (json)"),
        Case(
            "{\(ref),\(key),\"schema\":{\"ref\":{\"handle\":\"t\",\"name\":\"s\",\"version\":\"1.0.0\"},\"definition\":\"int\"}}",
            "/schema/definition (json)"),
    ]

    @Test("what is wrong is told with its place", arguments: refused)
    func refusal(_ example: Case) {
        let error = contractError { () throws(ContractError) in
            let document = try ContractDocument(json: Array(example.text.utf8))
            _ = try Contract(document: document, number: 1)
        }
        #expect(error == example.error)
    }

    @Test("fieldMetadata and the older piiFields say the same")
    func olderForm() throws {
        let new = try ContractDocument(
            json: Array(
                Self.with(
                    #""fieldMetadata":[{"fieldName":"mail","personalDataConfig":{"isPii":true,"#
                        + #""isQuasiId":false,"purposeLevel":4}}]"#
                ).utf8))
        let old = try ContractDocument(json: Array(Self.with(#""piiFields":{"mail":4}"#).utf8))
        #expect(new.canonicalJSON() == old.canonicalJSON())
        let field = PIIField(index: 0, path: "mail", level: 4, isQuasiId: false)
        #expect(try Contract(document: old, number: 1).piiFields == [field])
    }

    @Test("the canonical form reads back to itself, also when the schema came as a string")
    func canonicalForm() throws {
        let definition =
            #"{"type":"record","name":"E","fields":["# + Fixture.meta
            + #",{"name":"id","type":"string"}]}"#
        let text = """
            {\(Self.ref),\(Self.key),"metadata":{"title":"T"},"isPublic":true,"schema":
             {"ref":{"handle":"t","name":"s","version":"1.0.0","schemaType":"AVRO"},
              "definition":\(Fixture.quoted(definition))}}
            """
        let document = try ContractDocument(json: Array(text.utf8))
        let canonical = document.canonicalJSON()
        #expect(try ContractDocument(json: canonical).canonicalJSON() == canonical)
        let shown = String(decoding: canonical, as: UTF8.self)
        #expect(shown.contains(#""definition":{"type":"record""#))
        #expect(shown.contains(#""metadata":{"title":"T"}"#))
        _ = try Contract(document: document, number: 1)
    }

    @Test("YAML says the same as JSON")
    func yaml() throws {
        let yaml = """
            ref: {handle: t, name: t, version: 1.0.0}
            keyField: id
            piiFields:
              mail: 4
            validations:
              - field: mail
                type: regex
                value: '^[a-z&]+@x$'
            schema:
              ref: {handle: t, name: s, version: 1.0.0}
              definition: |
                \(Self.schema.replacingOccurrences(of: "\n", with: " ").components(separatedBy: #""definition":"#)[1].dropLast())
            """
        let json = Self.with(
            #""piiFields":{"mail":4},"validations":[{"field":"mail","type":"regex","value":"^[a-z&]+@x$"}]"#
        )
        #expect(
            try ContractDocument(yaml: Array(yaml.utf8)).canonicalJSON()
                == ContractDocument(json: Array(json.utf8)).canonicalJSON())
    }

    static let hostileYAML: [(String, String)] = [
        (String(repeating: "[", count: 200_000), " (depth)"),
        (String(repeating: "{a: ", count: 50_000), " (depth)"),
        (String(repeating: "- ", count: 100_000), " (depth)"),
        (String(repeating: "? ", count: 100_000), " (depth)"),
        ("a:\u{2028}" + String(repeating: "- ", count: 100_000), " (depth)"),
        ((0..<600).map { String(repeating: " ", count: $0) + "a:\n" }.joined(), " (depth)"),
        ("a: &x [1]\nb: [*x, *x]", " (yaml-anchor)"),
        ("a: &a [x]\nb: &b [*a,*a]\nc: &c [*b,*b]", " (yaml-anchor)"),
        ("[&a x]", " (yaml-anchor)"),
        ("a: 1\na: 2", " (yaml)"),
        ("a: [1", " (yaml)"),
        ("a: *gone", " (yaml)"),
        ("", " (yaml)"),
        ("- a", " (type)"),
        (String(repeating: "a: b\n", count: 100_000), " (size)"),
        ("\u{0}", " (yaml)"),
    ]

    @Test("hostile YAML is refused and does no harm", arguments: hostileYAML)
    func hostility(_ example: (String, String)) {
        let error = contractError { () throws(ContractError) in
            _ = try ContractDocument(yaml: Array(example.0.utf8))
        }
        #expect(error == example.1)
    }

    @Test("plain YAML scalars are what JSON would take them for")
    func yamlScalars() throws {
        let value = try YAMLReader.parse(
            Array(
                """
                a: no
                b: 1.0.0
                c: 10
                d: "10"
                e: ~
                f: true
                g: 0x10
                h: 1.5
                i: 012
                j: .nan
                """.utf8))
        #expect(value["a"] == .string("no"))
        #expect(value["b"] == .string("1.0.0"))
        #expect(value["c"] == .integer(10))
        #expect(value["d"] == .string("10"))
        #expect(value["e"] == .null)
        #expect(value["f"] == .bool(true))
        #expect(value["g"] == .string("0x10"))
        #expect(value["h"] == .double(1.5))
        #expect(value["i"] == .string("012"))
        #expect(value["j"] == .string(".nan"))
    }
}
