import Testing

@testable import Contracts

@Suite("an Avro schema")
struct AvroSchemaTests {
    private static func rejection(_ fields: String) -> String {
        contractError { () throws(ContractError) in
            _ = try Contract(document: try Fixture.document(fields: fields), number: 1)
        }
    }

    /// Pointer of the third field of the schema (behind strmMeta and id).
    private static let at = "/schema/definition/fields/2"

    static let refused: [(String, String)] = [
        (#"{"name":"f","type":"number"}"#, "\(at)/type (unknown-type)"),
        (
            #"{"name":"f","type":"Later"},{"name":"g","type":{"type":"fixed","name":"Later","size":1}}"#,
            "\(at)/type (unknown-type)"
        ),
        (#"{"name":"f"}"#, "\(at)/type (required)"),
        (#"{"type":"int"}"#, "\(at)/name (required)"),
        (#"{"name":"f","type":7}"#, "\(at)/type (type)"),
        (#"7"#, "\(at) (type)"),
        (#"{"name":"f-g","type":"int"}"#, "\(at)/name (name)"),
        (#"{"name":"1f","type":"int"}"#, "\(at)/name (name)"),
        (#"{"name":"","type":"int"}"#, "\(at)/name (name)"),
        (#"{"name":"id","type":"int"}"#, "\(at)/name (duplicate-name)"),
        (#"{"name":"f","aliases":["id"],"type":"int"}"#, "\(at)/name (duplicate-name)"),
        (
            #"{"name":"f","type":{"type":"fixed","name":"F","size":0}}"#,
            "\(at)/type/size (fixed-size)"
        ),
        (
            #"{"name":"f","type":{"type":"fixed","name":"F","size":-1}}"#,
            "\(at)/type/size (fixed-size)"
        ),
        (
            #"{"name":"f","type":{"type":"fixed","name":"F","size":1048577}}"#,
            "\(at)/type/size (fixed-size)"
        ),
        (#"{"name":"f","type":{"type":"fixed","name":"F","size":1.5}}"#, "\(at)/type/size (type)"),
        (#"{"name":"f","type":{"type":"fixed","name":"int","size":1}}"#, "\(at)/type/name (name)"),
        (#"{"name":"f","type":{"type":"fixed","name":"a..b","size":1}}"#, "\(at)/type/name (name)"),
        (
            #"{"name":"f","type":{"type":"fixed","name":"Event","size":1}}"#,
            "\(at)/type/name (duplicate-name)"
        ),
        (
            #"{"name":"f","type":{"type":"enum","name":"E","symbols":[]}}"#,
            "\(at)/type/symbols (enum)"
        ),
        (
            #"{"name":"f","type":{"type":"enum","name":"E","symbols":["A","A"]}}"#,
            "\(at)/type/symbols/1 (enum)"
        ),
        (
            #"{"name":"f","type":{"type":"enum","name":"E","symbols":["a b"]}}"#,
            "\(at)/type/symbols/0 (name)"
        ),
        (
            #"{"name":"f","type":{"type":"enum","name":"E","symbols":["A"],"default":"B"}}"#,
            "\(at)/type/default (default)"
        ),
        (#"{"name":"f","type":[]}"#, "\(at)/type (union)"),
        (#"{"name":"f","type":["int","int"]}"#, "\(at)/type/1 (union)"),
        (#"{"name":"f","type":["null",["int"]]}"#, "\(at)/type/1 (union)"),
        (
            #"{"name":"f","type":[{"type":"array","items":"int"},{"type":"array","items":"long"}]}"#,
            "\(at)/type/1 (union)"
        ),
        (#"{"name":"f","type":{"type":"array"}}"#, "\(at)/type/items (required)"),
        (#"{"name":"f","type":{"type":"map"}}"#, "\(at)/type/values (required)"),
        (
            #"{"name":"f","type":{"type":"record","name":"R","fields":[{"name":"r","type":"R"}]}}"#,
            "/schema/definition (infinite-type)"
        ),
        (
            #"{"name":"f","type":{"type":"record","name":"A","fields":[{"name":"b","type":"#
                + #"{"type":"record","name":"B","fields":[{"name":"a","type":["A"]}]}}]}}"#,
            "/schema/definition (infinite-type)"
        ),
        // Defaults.
        (#"{"name":"f","type":"int","default":"x"}"#, "\(at)/default (default)"),
        (#"{"name":"f","type":"int","default":2147483648}"#, "\(at)/default (default)"),
        (#"{"name":"f","type":"string","default":null}"#, "\(at)/default (default)"),
        (
            #"{"name":"f","type":["null","string"],"default":{"string":"x"}}"#,
            "\(at)/default (default)"
        ),
        (
            #"{"name":"f","type":{"type":"record","name":"R","fields":[{"name":"a","type":"int"}]},"default":{}}"#,
            "\(at)/default (default)"
        ),
        (
            #"{"name":"f","type":{"type":"record","name":"R","fields":[{"name":"r","#
                + #""type":[{"type":"array","items":"R"},"R"],"default":{}}]},"default":{}}"#,
            "\(at)/default (default)"
        ),
    ]

    @Test("what Avro does not allow, or has no end, is refused with its place", arguments: refused)
    func refusal(_ example: (String, String)) {
        #expect(Self.rejection(example.0) == example.1)
    }

    @Test("types nest 32 deep and no deeper")
    func depth() {
        func nested(_ depth: Int) -> String {
            #"{"name":"f","type":"# + String(repeating: #"{"type":"array","items":"#, count: depth)
                + #""int""# + String(repeating: "}", count: depth) + "}"
        }
        #expect(Self.rejection(nested(30)) == "accepted")
        #expect(Self.rejection(nested(31)).hasSuffix("(depth)"))
        #expect(Self.rejection(nested(5_000)).hasSuffix("(depth)"))
    }

    @Test("a schema that multiplies itself is refused for its size, not worked through")
    func bombs() {
        // Each record has two fields of the one before, with defaults: 2^40 values in one default.
        var fields = #"{"name":"f0","type":{"type":"record","name":"R0","fields":[]},"default":{}}"#
        for level in 1...40 {
            fields +=
                #",{"name":"f\#(level)","type":{"type":"record","name":"R\#(level)","fields":["#
                + #"{"name":"a","type":"R\#(level - 1)","default":{}},"#
                + #"{"name":"b","type":"R\#(level - 1)","default":{}}]},"default":{}}"#
        }
        #expect(Self.rejection(fields).hasSuffix("/default (default)"))
        let many = (0..<1_100).map { #"{"name":"f\#($0)","type":"int"}"# }.joined(separator: ",")
        #expect(Self.rejection(many) == "/schema/definition/fields (count)")
        let branches = (0..<65).map { #"{"type":"fixed","name":"F\#($0)","size":1}"# }
        #expect(
            Self.rejection(#"{"name":"f","type":[\#(branches.joined(separator: ","))]}"#)
                == "\(Self.at)/type (count)")
    }

    @Test("a long chain of references is compiled in reasonable steps")
    func chain() throws {
        var fields =
            #"{"name":"f0","type":{"type":"record","name":"R0","fields":[{"name":"v","type":"int","default":1}]}}"#
        for level in 1...60 {
            fields +=
                #",{"name":"f\#(level)","type":{"type":"record","name":"R\#(level)","fields":["#
                + #"{"name":"p","type":"R\#(level - 1)","default":{}}]},"default":{}}"#
        }
        #expect(Self.rejection(fields) == "accepted")
    }

    @Test("names: namespaces, references and aliases find their types")
    func names() throws {
        let fixture = try Fixture(
            fields:
                #"{"name":"a","type":{"type":"record","name":"R","namespace":"x.y","aliases":["Q"],"fields":["#
                + #"{"name":"e","type":{"type":"enum","name":"E","symbols":["A"]}},"#
                + #"{"name":"n","type":["null","R"],"default":null}]}},"#
                + #"{"name":"b","type":"x.y.E"},{"name":"c","type":["null","x.y.Q"]},"#
                + #"{"name":"d","type":{"type":"x.y.E"}},{"name":"s","type":{"type":{"type":"string"}}}"#
        )
        #expect(
            fixture.json(
                #""a":{"e":"A","n":{"x.y.R":{"e":"A"}}},"b":"A","c":{"x.y.Q":{"e":"A"}},"d":"A","s":"t""#
            )
                == .accepted(
                    #""a":{"e":"A","n":{"e":"A","n":null}},"b":"A","c":{"e":"A","n":null},"d":"A","s":"t""#
                ))
    }

    static let metas: [(String, String)] = [
        ("", "/schema/definition (strm-meta)"),
        (#"{"name":"strmMeta","type":"string"}"#, "/schema/definition (strm-meta)"),
        (
            Fixture.meta.replacing(#"["null","int"]"#, with: #""string""#),
            "/schema/definition/fields/0/type/fields/1 (strm-meta)"
        ),
        (
            Fixture.meta.replacing(#"{"type":"array","items":"int"}"#, with: #""int""#),
            "/schema/definition/fields/0/type/fields/5 (strm-meta)"
        ),
        (Fixture.meta.replacing("keyLink", with: "keylink"), "/schema/definition (strm-meta)"),
        (
            Fixture.meta.replacing(
                #"{"name":"nonce""#, with: #"{"name":"extra","type":"int"},{"name":"nonce""#),
            "/schema/definition/fields/0/type/fields/1 (strm-meta)"
        ),
    ]

    @Test("every schema has the section strmMeta as it must be", arguments: metas)
    func meta(_ example: (String, String)) {
        let fields = [example.0, #"{"name":"id","type":"string"}"#].filter { !$0.isEmpty }
        let text = """
            {"ref":{"handle":"t","name":"t","version":"1.0.0"},"keyField":"id","schema":
             {"ref":{"handle":"t","name":"t","version":"1.0.0"},"definition":
              {"type":"record","name":"E","fields":[\(fields.joined(separator: ","))]}}}
            """
        let error = contractError { () throws(ContractError) in
            let document = try ContractDocument(json: Array(text.utf8))
            _ = try Contract(document: document, number: 1)
        }
        #expect(error == example.1)
    }

    @Test("strmMeta may have plain types in place of optional ones")
    func plainMeta() throws {
        let plain = Fixture.meta.replacing(#"["null","int"]"#, with: #""int""#)
            .replacing(#"["null","long"]"#, with: #""long""#)
            .replacing(#"["null","string"]"#, with: #""string""#)
            .replacing(#","default":null"#, with: "")
        let text = """
            {"ref":{"handle":"t","name":"t","version":"1.0.0"},"keyField":"id","schema":
             {"ref":{"handle":"t","name":"t","version":"1.0.0"},"definition":
              {"type":"record","name":"E","fields":[\(plain),{"name":"id","type":"string"}]}}}
            """
        let contract = try Contract(
            document: ContractDocument(json: Array(text.utf8)), number: 1)
        let fixture = try Fixture()
        fixture.registry.replaceAll([(contract, .active)])
        #expect(fixture.json("") == .accepted(""))
        let head: [UInt8] = [0x12] + Array("t/t/1.0.0".utf8)
        #expect(
            fixture.event(head + [2, 4, 2, 0x78, 2, 0x79, 2, 2, 0, 2, 0x6b], .avroBinary)
                == .accepted(""))
    }
}
