import Testing

@testable import Contracts

@Suite("an event in Avro binary")
struct BinaryTests {
    struct Case: Sendable, CustomTestStringConvertible {
        let type: String
        let bytes: [UInt8]
        let outcome: Fixture.Outcome

        init(_ type: String, _ bytes: [UInt8], _ outcome: Fixture.Outcome) {
            self.type = type
            self.bytes = bytes
            self.outcome = outcome
        }

        var testDescription: String { "\(bytes.prefix(24)) as \(type.prefix(50))" }
    }

    private static let minimum: [UInt8] = [UInt8](repeating: 0xff, count: 9) + [1]
    private static let ints = #"{"type":"array","items":"int"}"#
    private static let nulls = #"{"type":"array","items":"null"}"#
    private static let map = #"{"type":"map","values":"int"}"#
    private static let long10: [UInt8] = [UInt8](repeating: 0x80, count: 9) + [1]

    static let values: [Case] = [
        Case(#""null""#, [], .accepted(#""f":null"#)),
        Case(#""boolean""#, [1], .accepted(#""f":true"#)),
        Case(#""int""#, [0x7f], .accepted(#""f":-64"#)),
        Case(#""int""#, [0x80, 0x00], .accepted(#""f":0"#)),
        Case(#""long""#, minimum, .accepted(#""f":-9223372036854775808"#)),
        Case(#""float""#, [0xcd, 0xcc, 0xcc, 0x3d], .accepted(#""f":0.1"#)),
        Case(#""double""#, [0, 0, 0, 0, 0, 0, 0xf8, 0x3f], .accepted(#""f":1.5"#)),
        Case(#""string""#, [6, 0x61, 0x22, 0x0a], .accepted(#""f":"a\"\n""#)),
        Case(#""bytes""#, [8, 0xff, 0x00, 0x5c, 0x41], .accepted("\"f\":\"\u{ff}\\u0000\\\\A\"")),
        Case(
            #"{"type":"fixed","name":"F","size":2}"#, [1, 0x80],
            .accepted("\"f\":\"\\u0001\u{80}\"")),
        Case(#"{"type":"enum","name":"E","symbols":["A","B"]}"#, [2], .accepted(#""f":"B""#)),
        Case(#"["null","string"]"#, [2, 2, 0x78], .accepted(#""f":"x""#)),
        Case(#"["string","null"]"#, [2], .accepted(#""f":null"#)),
        Case(ints, [0], .accepted(#""f":[]"#)),
        Case(ints, [4, 2, 4, 0], .accepted(#""f":[1,2]"#)),
        Case(ints, [2, 2, 3, 4, 4, 6, 8, 0], .refused("/f/2", .itemCount)),
        Case(ints, [2, 2, 3, 4, 4, 6, 0], .accepted(#""f":[1,2,3]"#)),
        Case(map, [2, 2, 0x61, 2, 2, 2, 0x62, 4, 0], .accepted(#""f":{"a":1,"b":2}"#)),
        Case(nulls, [6, 0], .accepted(#""f":[null,null,null]"#)),
    ]

    /// The Avro table of hostile inputs.
    static let hostile: [Case] = [
        Case(ints, minimum + [0], .refused("/f/0", .avro)),
        Case(map, minimum + [0], .refused("/f/0", .avro)),
        Case(#""string""#, [1, 0x61], .refused("/f", .avro)),
        Case(#""bytes""#, [3, 0x61, 0x61], .refused("/f", .avro)),
        Case(#""string""#, [4, 0x61], .refused("/f", .avro)),
        Case(#""string""#, minimum, .refused("/f", .avro)),
        Case(
            #""string""#, [0xfe] + [UInt8](repeating: 0xff, count: 8) + [1], .refused("/f", .avro)),
        // Many items of no bytes, and of some.
        Case(nulls, [0xa2, 0x9c, 1, 0], .refused("/f/0", .itemCount)),
        Case(nulls, [0xa0, 0x9c, 1, 0x02, 0], .refused("/f/9999", .itemCount)),
        Case(
            nulls, [0xfe] + [UInt8](repeating: 0xff, count: 8) + [1], .refused("/f/0", .itemCount)),
        Case(ints, [0x80, 0x80, 0x80, 0x01, 0], .refused("/f/0", .itemCount)),
        Case(
            #"{"type":"array","items":"double"}"#, [4] + [UInt8](repeating: 0, count: 15),
            .refused("/f/0", .itemCount)),
        // Block sizes that lie.
        Case(ints, [1, 4, 2, 0], .refused("/f/0", .avro)),
        Case(ints, [1, 0, 2, 0], .refused("/f/0", .avro)),
        Case(ints, [1, 1, 2, 0], .refused("/f/0", .avro)),
        Case(ints, [1] + minimum, .refused("/f/0", .avro)),
        // Varints.
        Case(#""long""#, [UInt8](repeating: 0x80, count: 10) + [1], .refused("/f", .avro)),
        Case(#""long""#, [UInt8](repeating: 0xff, count: 9) + [2], .refused("/f", .avro)),
        Case(#""long""#, [0x80], .refused("/f", .avro)),
        Case(#""int""#, [0x80, 0x80, 0x80, 0x80, 0x10], .refused("/f", .range)),
        Case(#""int""#, long10, .refused("/f", .range)),
        // Indexes and flags.
        Case(#"["null","int"]"#, [4], .refused("/f", .avro)),
        Case(#"["null","int"]"#, [1], .refused("/f", .avro)),
        Case(#"["null","int"]"#, minimum, .refused("/f", .avro)),
        Case(#"{"type":"enum","name":"E","symbols":["A"]}"#, [2], .refused("/f", .avro)),
        Case(#"{"type":"enum","name":"E","symbols":["A"]}"#, [1], .refused("/f", .avro)),
        Case(#""boolean""#, [2], .refused("/f", .avro)),
        Case(#""boolean""#, [0xff], .refused("/f", .avro)),
        // Text, numbers that JSON has not, ends.
        Case(#""string""#, [4, 0xc3, 0x28], .refused("/f", .utf8)),
        Case(#""string""#, [6, 0xed, 0xa0, 0x80], .refused("/f", .utf8)),
        Case(map, [2, 2, 0xff, 2, 0], .refused("/f/0", .utf8)),
        Case(#""double""#, [0, 0, 0, 0, 0, 0, 0xf8, 0x7f], .refused("/f", .finite)),
        Case(#""double""#, [0, 0, 0, 0, 0, 0, 0xf0, 0xff], .refused("/f", .finite)),
        Case(#""float""#, [0, 0, 0x80, 0x7f], .refused("/f", .finite)),
        Case(#""double""#, [0, 0, 0], .refused("/f", .avro)),
        Case(#"{"type":"fixed","name":"F","size":1048576}"#, [1], .refused("/f", .avro)),
        Case(map, [4, 2, 0x61, 2, 2, 0x61, 2, 0], .refused("/f/a", .duplicateKey)),
        Case(#""int""#, [2, 0], .refused("", .trailingBytes)),
        Case(#""int""#, [], .refused("/f", .avro)),
        Case(ints, [], .refused("/f/0", .avro)),
    ]

    @Test("values are decoded into the canonical JSON", arguments: values)
    func value(_ example: Case) throws {
        let fixture = try Fixture(fields: #"{"name":"f","type":\#(example.type)}"#)
        #expect(fixture.binary(example.bytes) == example.outcome)
    }

    @Test("hostile input is refused where it lies", arguments: hostile)
    func hostility(_ example: Case) throws {
        let fixture = try Fixture(fields: #"{"name":"f","type":\#(example.type)}"#)
        #expect(fixture.binary(example.bytes) == example.outcome)
    }

    @Test("every cut of an event is refused")
    func cuts() throws {
        let fixture = try Fixture(
            fields: #"{"name":"f","type":{"type":"map","values":["null","string","double"]}}"#)
        let bytes: [UInt8] =
            [2, 2, 0x61, 2, 4, 0x78, 0x79, 2, 2, 0x62, 4] + [UInt8](repeating: 1, count: 8) + [0]
        guard case .accepted = fixture.binary(bytes) else {
            Issue.record("the whole event is right: \(fixture.binary(bytes))")
            return
        }
        let whole = Fixture.binaryHead + bytes
        for count in 0..<whole.count {
            guard case .refused = fixture.event(Array(whole[..<count]), .avroBinary) else {
                Issue.record("accepted after \(count) of \(whole.count) bytes")
                return
            }
        }
    }

    @Test("personal values, key field and regexes apply to binary as to JSON")
    func rules() throws {
        let fixture = try Fixture(
            fields: #"{"name":"f","type":["null","string"]}"#, pii: [("f", 3)],
            regex: [("f", "a.*")])
        #expect(fixture.binary([2, 6, 0x61, 0x22, 0x62]) == .accepted(#""f":"a\"b""#))
        #expect(fixture.personal == [#"f 3 a\"b\"#])
        #expect(fixture.binary([2, 2, 0x62]) == .refused("/f", .regex))
        #expect(fixture.binary([0]) == .accepted(#""f":null"#))
        #expect(fixture.personal.isEmpty)
    }

    @Test("the contract is found when strmMeta stands last")
    func metaLast() throws {
        let definition = """
            {"type":"record","name":"E","fields":[
              {"name":"id","type":"string"},
              {"name":"m","type":{"type":"map","values":{"type":"array","items":
                {"type":"record","name":"R","fields":[{"name":"d","type":"double"},
                  {"name":"u","type":["null","R"]},{"name":"n","type":"null"}]}}}},
              {"name":"x","type":{"type":"fixed","name":"F","size":3}},
              \(Fixture.meta)]}
            """
        let text = """
            {"ref":{"handle":"t","name":"t","version":"1.0.0"},"keyField":"id","schema":
             {"ref":{"handle":"t","name":"s","version":"1.0.0"},"definition":\(definition)}}
            """
        let contract = try Contract(
            document: ContractDocument(json: Array(text.utf8)), number: 1)
        let fixture = try Fixture()
        fixture.registry.replaceAll([(contract, .active)])
        let double = [UInt8](repeating: 0, count: 8)
        let items: [UInt8] = [2] + double + [2] + double + [0] + [0]
        let map: [UInt8] =
            [2, 2, 0x6b] + items + [1, UInt8(2 * (2 + items.count)), 2, 0x6c] + items + [0]
        let meta: [UInt8] = [0x12] + Array("t/t/1.0.0".utf8) + [0, 0, 0, 0, 0]
        let event: [UInt8] = [2, 0x6b] + map + [1, 2, 3] + meta
        let text2 = try fixture.decode(event, .avroBinary, schemaRef: "t/s/1.0.0").get()
        #expect(
            text2.hasPrefix(#"{"id":"k","m":{"k":[{"d":0,"u":{"d":0,"u":null,"n":null},"n":null}]"#)
        )
        #expect(fixture.event(event, .avroBinary, schemaRef: nil) == .refused("", .schemaRef))
        let cut = Array(event.dropLast(8))
        guard case .refused(_, .avro) = fixture.event(cut, .avroBinary, schemaRef: "t/s/1.0.0")
        else {
            Issue.record("a cut event is refused where it ends")
            return
        }
    }
}
