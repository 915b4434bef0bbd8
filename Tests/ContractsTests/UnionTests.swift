import Testing

@testable import Contracts

@Suite("a union in JSON, plain or wrapped")
struct UnionTests {
    private static func field(_ type: String) -> String { #"{"name":"f","type":\#(type)}"# }

    private static let address =
        #"{"type":"record","name":"a.Address","aliases":["Old"],"fields":[{"name":"city","type":"string"}]}"#
    private static let point =
        #"{"type":"record","name":"Point","fields":[{"name":"x","type":"int"},"#
        + #"{"name":"y","type":"int","default":0}]}"#

    static let cases: [EventCase] = [
        // Optional fields.
        EventCase(field(#"["null","string"]"#), #""f":null"#, .accepted(#""f":null"#)),
        EventCase(field(#"["null","string"]"#), #""f":"x""#, .accepted(#""f":"x""#)),
        EventCase(field(#"["null","string"]"#), #""f":{"string":"x"}"#, .accepted(#""f":"x""#)),
        EventCase(field(#"["null","string"]"#), #""f":1"#, .refused("/f", .type)),
        EventCase(field(#"["null","string"]"#), #""f":{"string":1}"#, .refused("/f", .union)),
        EventCase(field(#"["null","string"]"#), #""f":{"null":null}"#, .refused("/f", .union)),
        EventCase(field(#"["null","string"]"#), #""f":{"int":1}"#, .refused("/f", .union)),
        EventCase(
            field(#"["null","string"]"#), #""f":{"string":"x","y":1}"#, .refused("/f", .union)),
        EventCase(
            field(#"["null","int"]"#), #""f":{"int":2147483648}"#, .refused("/f/int", .range)),
        // Several types: the first that fits, in the schema's order.
        EventCase(field(#"["int","long","double"]"#), #""f":5"#, .accepted(#""f":5"#)),
        EventCase(
            field(#"["int","long","double"]"#), #""f":2147483648"#, .accepted(#""f":2147483648"#)),
        EventCase(field(#"["int","double"]"#), #""f":2147483648"#, .accepted(#""f":2147483648"#)),
        EventCase(field(#"["int","long","double"]"#), #""f":0.5"#, .accepted(#""f":0.5"#)),
        EventCase(field(#"["int","string"]"#), #""f":true"#, .refused("/f", .union)),
        EventCase(field(#"["int","long"]"#), #""f":9223372036854775808"#, .refused("/f", .union)),
        EventCase(
            field(#"[{"type":"enum","name":"E","symbols":["A"]},"string"]"#), #""f":"B""#,
            .accepted(#""f":"B""#)),
        EventCase(
            field(#"[{"type":"fixed","name":"F","size":2},"bytes"]"#), #""f":"abc""#,
            .accepted(#""f":"abc""#)),
        EventCase(
            field(#"["null",{"type":"enum","name":"E","symbols":["A"]}]"#), #""f":{"E":"B"}"#,
            .refused("/f/E", .enum)),
        // Records: full names and aliases name the branch.
        EventCase(
            field(#"["null",\#(address)]"#), #""f":{"city":"U"}"#, .accepted(#""f":{"city":"U"}"#)),
        EventCase(
            field(#"["null",\#(address)]"#), #""f":{"a.Address":{"city":"U"}}"#,
            .accepted(#""f":{"city":"U"}"#)),
        EventCase(
            field(#"["null",\#(address)]"#), #""f":{"a.Old":{"city":"U"}}"#,
            .accepted(#""f":{"city":"U"}"#)),
        EventCase(
            field(#"["null",\#(address)]"#), #""f":{"Address":{"city":"U"}}"#,
            .refused("/f/Address", .unknownField)),
        EventCase(
            field(#"["null",\#(address)]"#), #""f":{"a.Address":{"city":1}}"#,
            .refused("/f/a.Address/city", .type)),
        EventCase(
            field(#"["null",\#(address)]"#), #""f":{}"#, .refused("/f/city", .required)),
        EventCase(
            field("[\(address),\(point)]"), #""f":{"x":1}"#, .accepted(#""f":{"x":1,"y":0}"#)),
        EventCase(
            field("[\(address),\(point)]"), #""f":{"city":"U"}"#, .accepted(#""f":{"city":"U"}"#)),
        EventCase(field("[\(address),\(point)]"), #""f":{"z":1}"#, .refused("/f", .union)),
        EventCase(
            field("[\(address),\(point)]"), #""f":{"Point":{"x":1,"y":2}}"#,
            .accepted(#""f":{"x":1,"y":2}"#)),
        // Maps: what Avro's JSON encoding can say is read so; everything else is plain.
        EventCase(
            field(#"["null",{"type":"map","values":"string"}]"#), #""f":{"a":"b"}"#,
            .accepted(#""f":{"a":"b"}"#)),
        EventCase(
            field(#"["null",{"type":"map","values":"string"}]"#), #""f":{"map":{"a":"b"}}"#,
            .accepted(#""f":{"a":"b"}"#)),
        EventCase(
            field(#"["null",{"type":"map","values":"string"}]"#), #""f":{"map":"b"}"#,
            .accepted(#""f":{"map":"b"}"#)),
        EventCase(
            field(#"["null","string",{"type":"map","values":"string"}]"#), #""f":{"string":"b"}"#,
            .accepted(#""f":"b""#)),
        EventCase(
            field(#"["null","string",{"type":"map","values":"string"}]"#),
            #""f":{"map":{"string":"b"}}"#, .accepted(#""f":{"string":"b"}"#)),
        EventCase(
            field(#"["null",{"type":"array","items":["null","int"]}]"#),
            #""f":{"array":[{"int":1},null,2]}"#, .accepted(#""f":[1,null,2]"#)),
        EventCase(
            field(#"["null",{"type":"array","items":["null","int"]}]"#),
            #""f":{"array":[{"int":1},null,"x"]}"#, .refused("/f/array/2", .type)),
        // Repeated names do not help an object to pass for a record.
        EventCase(
            field("[\(address),\(point)]"), #""f":{"x":1,"x":2}"#, .refused("/f/x", .duplicateKey)),
    ]

    @Test("each form has one meaning", arguments: cases)
    func form(_ example: EventCase) throws {
        let fixture = try Fixture(fields: example.fields)
        #expect(fixture.json(example.members) == example.outcome)
    }

    @Test("plain and wrapped events end in the same canonical JSON, with the same spans")
    func sameForm() throws {
        let fixture = try Fixture(
            fields: #"{"name":"f","type":["null","string"]},"#
                + #"{"name":"g","type":["null",{"type":"array","items":["null","string"]}]}"#,
            pii: [("f", 1), ("g", 2)])
        let plain = fixture.json(#""f":"é","g":["a",null]"#)
        let plainSpans = Array(fixture.decoder.spans)
        let wrapped = fixture.json(#""f":{"string":"é"},"g":{"array":[{"string":"a"},null]}"#)
        #expect(plain == wrapped)
        #expect(plain == .accepted(#""f":"é","g":["a",null]"#))
        #expect(Array(fixture.decoder.spans) == plainSpans)
    }
}
