import Testing

@testable import Contracts

/// Finding the values of paths in canonical JSON.
@Suite struct FieldShapeTests {
    private static let fields = """
        {"name":"name","type":"string"},
        {"name":"count","type":["null","int"]},
        {"name":"tags","type":{"type":"array","items":{"type":"array","items":"string"}}},
        {"name":"labels","type":{"type":"map","values":["null","string",
          {"type":"array","items":"string"}]}},
        {"name":"people","type":{"type":"map","values":{"type":"record","name":"Person","fields":[
          {"name":"name","type":"string"},{"name":"mail","type":"string"},
          {"name":"parent","type":["null","Person"],"default":null}]}}},
        {"name":"either","type":["null","string",{"type":"record","name":"Pair","fields":[
          {"name":"left","type":"string"},{"name":"name","type":"string"}]}]}
        """

    private static let event = #"""
        {"strmMeta":{"eventContractRef":"t/t/1.0.0","consentLevels":[1]},"id":"k","name":"a\"\\b",
         "count":7,"tags":[["x","y"],[],["z"]],"labels":{"name":"l1","e":null,"m":["l2","l3"]},
         "people":{"name":{"name":"n1","mail":"m1"},"mail":{"name":"n2","mail":"m2",
           "parent":{"name":"n3","mail":"m3"}}},
         "either":{"left":"p","name":"q"}}
        """#

    static let cases: [(String, [String])] = [
        ("name", [#""a\"\\b""#]), ("count", ["7"]), ("tags", [#""x""#, #""y""#, #""z""#]),
        ("tags/*/*", [#""x""#, #""y""#, #""z""#]),
        ("labels", [#""l1""#, "null", #""l2""#, #""l3""#]),
        ("labels/*", [#""l1""#, "null", #""l2""#, #""l3""#]),
        // A key of a map that reads like the next step is no step.
        ("people/mail", [#""m1""#, #""m2""#]), ("people/*/name", [#""n1""#, #""n2""#]),
        ("people/parent/mail", [#""m3""#]), ("either/name", [#""q""#]),
        ("id", [#""k""#]),
    ]

    @Test(arguments: cases)
    func `the schema leads to the values of a path and to no others`(
        _ example: (String, [String])
    ) throws {
        let fixture = try Fixture(fields: Self.fields)
        let json = try fixture.decode(Array(Self.event.utf8)).get()
        let shape = try #require(fixture.contract.shape(of: [(example.0, 5)]))
        #expect(found(shape, json) == example.1.map { "5:" + $0 })
        #expect(fixture.contract.hasScalar(at: example.0))
    }

    @Test func `several paths are found in one pass, in the order of the text`() throws {
        let fixture = try Fixture(fields: Self.fields)
        let json = try fixture.decode(Array(Self.event.utf8)).get()
        let shape = try #require(
            fixture.contract.shape(of: [("people/parent/name", 0), ("name", 1), ("gone", 2)]))
        #expect(found(shape, json) == [#"1:"a\"\\b""#, #"0:"n3""#])
    }

    @Test func `a path that leads nowhere has no shape, one to a record gives all of it`() throws {
        let fixture = try Fixture(fields: Self.fields)
        #expect(fixture.contract.shape(of: [("gone", 0)]) == nil)
        #expect(fixture.contract.shape(of: [("name/more", 0)]) == nil)
        #expect(fixture.contract.shape(of: [("", 0)]) == nil)
        #expect(!fixture.contract.hasScalar(at: "people"))
        let json = try fixture.decode(Array(Self.event.utf8)).get()
        let whole = try #require(fixture.contract.shape(of: [("either", 0)]))
        #expect(found(whole, json) == [#"0:{"left":"p","name":"q"}"#])
    }

    @Test func `a recursive type is followed as deep as the path goes`() throws {
        let fixture = try Fixture(fields: Self.fields)
        let path = "people/" + String(repeating: "parent/", count: 40) + "mail"
        #expect(fixture.contract.hasScalar(at: path))
    }

    private static let schema = #"""
        {"type":"object","properties":{
          "id":{"type":"string"},"name":{"type":"string"},"count":{"type":["integer","null"]},
          "tags":{"type":"array","items":{"type":"array","items":{"type":"string"}}},
          "labels":{"type":"object","additionalProperties":{"type":["string","null"]}},
          "people":{"type":"object","additionalProperties":{"$ref":"#/$defs/person"}},
          "either":{"oneOf":[{"type":"string"},{"$ref":"#/$defs/person"}]},
          "q\"uote":{"type":"boolean"}},
         "$defs":{"person":{"type":"object","properties":{
           "name":{"type":"string"},"mail":{"type":"string"},"parent":{"$ref":"#/$defs/person"}}}}}
        """#

    private static let schemaEvent = #"""
        {"strmMeta":{"eventContractRef":"t/t/1.0.0","consentLevels":[1]},"id":"k","name":"a",
         "count":7,"tags":[["x","y"],[],["z"]],"labels":{"name":"l1","e":null},
         "people":{"name":{"name":"n1","mail":"m1"},"mail":{"name":"n2","mail":"m2",
           "parent":{"name":"n3","mail":"m3"}}},"q\"uote":true}
        """#

    static let schemaCases: [(String, [String])] = [
        ("name", [#""a""#]), ("count", ["7"]), ("tags", [#""x""#, #""y""#, #""z""#]),
        ("labels", [#""l1""#, "null"]), ("labels/*", [#""l1""#, "null"]),
        ("people/mail", [#""m1""#, #""m2""#]), ("people/*/name", [#""n1""#, #""n2""#]),
        ("people/parent/mail", [#""m3""#]), (#"q"uote"#, ["true"]), ("id", [#""k""#]),
    ]

    @Test(arguments: schemaCases)
    func `a JSON Schema leads to the values of a path and to no others`(
        _ example: (String, [String])
    ) throws {
        let fixture = try Fixture(jsonSchema: Self.schema)
        let json = try fixture.decode(Array(Self.schemaEvent.utf8)).get()
        let shape = try #require(fixture.contract.shape(of: [(example.0, 5), ("gone", 6)]))
        #expect(found(shape, json) == example.1.map { "5:" + $0 })
        #expect(fixture.contract.hasScalar(at: example.0))
    }

    @Test func `in a JSON Schema a path to an object gives all in it, one to nothing no shape`()
        throws
    {
        let fixture = try Fixture(jsonSchema: Self.schema)
        #expect(fixture.contract.shape(of: [("gone", 0)]) == nil)
        #expect(fixture.contract.shape(of: [("strmMeta/nonce", 0)]) == nil)
        #expect(!fixture.contract.hasScalar(at: "people/parent"))
        #expect(!fixture.contract.hasScalar(at: "gone"))
        let json = try fixture.decode(Array(Self.schemaEvent.utf8)).get()
        let shape = try #require(
            fixture.contract.shape(of: [("people/parent", 0), ("name", 1)]))
        #expect(found(shape, json) == [#"1:"a""#, #"0:"n3""#, #"0:"m3""#])
    }

    @Test func `a map of the event itself is masked without its strmMeta`() throws {
        let fixture = try Fixture(
            jsonSchema: #"""
                {"type":"object","properties":{"id":{"type":"string"}},
                 "additionalProperties":{"type":"string"}}
                """#)
        let json = try fixture.decode(
            Array(
                #"{"strmMeta":{"eventContractRef":"t/t/1.0.0","consentLevels":[1]},"id":"k","a":"b"}"#
                    .utf8)
        ).get()
        let shape = try #require(fixture.contract.shape(of: [("*", 3)]))
        #expect(found(shape, json) == [#"3:"k""#, #"3:"b""#])
        let free = FieldShape(withoutSchema: [("consentLevels", 3)])
        #expect(found(free, json) == [])
    }

    static let free: [(String, String, [String])] = [
        (#"{"a":{"b":1},"b":2}"#, "a/b", ["1"]),
        (#"{"a":{"x":{"b":1},"y":{"b":[2,3]}},"b":4}"#, "a/b", ["1", "2", "3"]),
        (#"{"a":[{"b":1},{"c":2},[{"b":3}]]}"#, "a/b", ["1", "3"]),
        (#"{"a":[{"b":1},{"c":{"b":2}}]}"#, "a/*/b", ["1", "2"]),
        (#"{"a":{"k":"v","l":["w"]}}"#, "a", [#""v""#, #""w""#]),
        (#"{"q\"uote":1,"other":{"q\"uote":2}}"#, "q\"uote", ["1"]),
        (#"{}"#, "a", []), (#"{"a":{},"b":[]}"#, "a/b", []),
    ]

    @Test(arguments: free)
    func `without a schema an object with the next step is a record, one without it a map`(
        _ example: (String, String, [String])
    ) {
        let shape = FieldShape(withoutSchema: [(example.1, 0)])
        #expect(found(shape, example.0) == example.2.map { "0:" + $0 })
    }

    @Test(arguments: [
        "", "{", #"{"a"#, #"{"a":"#, #"{"a":1"#, #"{"a":1,}"#, #"{"a":[1"#, #"{"a":"x\"#,
        #"{"a":1}}"#,
        #"{"a" 1}"#, String(repeating: #"{"a":"#, count: 100_000),
    ])
    func `what is not canonical JSON is told, and does not trap`(_ text: String) {
        #expect(found(FieldShape(withoutSchema: [("a/b", 0)]), text) == nil)
    }

    /// `tag:text` of each value; nil if the text cannot be followed.
    private func found(_ shape: FieldShape, _ json: String) -> [String]? {
        var values: [String] = []
        let bytes = Array(json.utf8)
        let isRead = bytes.withUnsafeBytes { text in
            shape.find(in: text) { place, tag in
                values.append("\(tag):" + String(decoding: bytes[place], as: UTF8.self))
            }
        }
        return isRead ? values : nil
    }
}
