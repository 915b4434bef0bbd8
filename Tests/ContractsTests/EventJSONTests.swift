import Testing

@testable import Contracts

/// Fields of a schema, members of an event, and what becomes of it.
struct EventCase: Sendable, CustomTestStringConvertible {
    let fields: String
    let members: String
    let outcome: Fixture.Outcome

    init(_ fields: String, _ members: String, _ outcome: Fixture.Outcome) {
        self.fields = fields
        self.members = members
        self.outcome = outcome
    }

    var testDescription: String { "\(members.prefix(60)) as \(fields.prefix(60))" }
}

private func field(_ type: String, _ rest: String = "") -> String {
    #"{"name":"f","type":\#(type)\#(rest)}"#
}

@Suite("an event in JSON")
struct EventJSONTests {
    static let scalars: [EventCase] = [
        EventCase(field(#""string""#), #""f":"x""#, .accepted(#""f":"x""#)),
        EventCase(field(#""string""#), #""f":"""#, .accepted(#""f":"""#)),
        EventCase(
            field(#""string""#), #""f":"\u00e9\/\u0041\ud83d\ude00""#, .accepted(#""f":"é/A😀""#)),
        EventCase(
            field(#""string""#), #""f":"a\"\\\b\f\n\r\t\u0000\u001fb""#,
            .accepted(#""f":"a\"\\\b\f\n\r\t\u0000\u001fb""#)),
        EventCase(field(#""string""#), #""f":1"#, .refused("/f", .type)),
        EventCase(field(#""string""#), #""f":null"#, .refused("/f", .type)),
        EventCase(field(#""string""#), #""f":{"string":"x"}"#, .refused("/f", .type)),
        EventCase(field(#""string""#), #""f":"\ud800""#, .refused("", .json)),
        EventCase(field(#""int""#), #""f":-2147483648"#, .accepted(#""f":-2147483648"#)),
        EventCase(field(#""int""#), #""f":2147483647"#, .accepted(#""f":2147483647"#)),
        EventCase(field(#""int""#), #""f":2147483648"#, .refused("/f", .range)),
        EventCase(field(#""int""#), #""f":-2147483649"#, .refused("/f", .range)),
        EventCase(field(#""int""#), #""f":18446744073709551615"#, .refused("/f", .range)),
        EventCase(field(#""int""#), #""f":1.0"#, .refused("/f", .type)),
        EventCase(field(#""int""#), #""f":1e2"#, .refused("/f", .type)),
        EventCase(field(#""int""#), #""f":"1""#, .refused("/f", .type)),
        EventCase(field(#""int""#), #""f":true"#, .refused("/f", .type)),
        EventCase(field(#""int""#), #""f":-0"#, .accepted(#""f":0"#)),
        EventCase(
            field(#""long""#), #""f":-9223372036854775808"#,
            .accepted(#""f":-9223372036854775808"#)),
        EventCase(
            field(#""long""#), #""f":9223372036854775807"#, .accepted(#""f":9223372036854775807"#)),
        EventCase(field(#""long""#), #""f":9223372036854775808"#, .refused("/f", .range)),
        EventCase(field(#""long""#), #""f":18446744073709551616"#, .refused("", .json)),
        EventCase(field(#""double""#), #""f":1"#, .accepted(#""f":1"#)),
        EventCase(field(#""double""#), #""f":1.50"#, .accepted(#""f":1.5"#)),
        EventCase(field(#""double""#), #""f":-0.0"#, .accepted(#""f":0"#)),
        EventCase(field(#""double""#), #""f":1e400"#, .refused("", .json)),
        EventCase(field(#""double""#), #""f":NaN"#, .refused("", .json)),
        EventCase(
            field(#""double""#), #""f":18446744073709551615"#,
            .accepted(#""f":1.8446744073709552e+19"#)),
        EventCase(field(#""double""#), #""f":"1""#, .refused("/f", .type)),
        EventCase(field(#""float""#), #""f":0.1"#, .accepted(#""f":0.1"#)),
        EventCase(field(#""float""#), #""f":3.14159265358979"#, .accepted(#""f":3.1415927"#)),
        EventCase(field(#""float""#), #""f":1e39"#, .refused("/f", .range)),
        EventCase(field(#""boolean""#), #""f":true"#, .accepted(#""f":true"#)),
        EventCase(field(#""boolean""#), #""f":0"#, .refused("/f", .type)),
        EventCase(field(#""null""#), #""f":null"#, .accepted(#""f":null"#)),
        EventCase(field(#""null""#), #""f":0"#, .refused("/f", .type)),
        EventCase(
            field(#""bytes""#), #""f":"\u0000\u00ffA""#, .accepted("\"f\":\"\\u0000\u{ff}A\"")),
        EventCase(field(#""bytes""#), #""f":"\u0100""#, .refused("/f", .byteString)),
        EventCase(
            field(#"{"type":"fixed","name":"F","size":2}"#), #""f":"\u00ff\u0001""#,
            .accepted("\"f\":\"\u{ff}\\u0001\"")),
        EventCase(
            field(#"{"type":"fixed","name":"F","size":2}"#), #""f":"abc""#,
            .refused("/f", .fixedSize)),
        EventCase(
            field(#"{"type":"fixed","name":"F","size":2}"#), #""f":"€€""#,
            .refused("/f", .byteString)),
        EventCase(
            field(#"{"type":"enum","name":"E","symbols":["A","B"]}"#), #""f":"B""#,
            .accepted(#""f":"B""#)),
        EventCase(
            field(#"{"type":"enum","name":"E","symbols":["A","B"],"default":"A"}"#), #""f":"C""#,
            .refused("/f", .enum)),
        EventCase(
            field(#"{"type":"bytes","logicalType":"decimal","precision":4,"scale":2}"#),
            #""f":"\u0001""#, .accepted(#""f":"\u0001""#)),
        EventCase(
            field(#"{"type":"long","logicalType":"timestamp-millis"}"#), #""f":1"#,
            .accepted(#""f":1"#)),
        EventCase(
            field(#"{"type":"string","logicalType":"uuid"}"#), #""f":"any""#,
            .accepted(#""f":"any""#)),
    ]

    static let structures: [EventCase] = [
        EventCase(field(#""int""#), #""g":1,"f":2"#, .refused("/g", .unknownField)),
        EventCase(field(#""int""#), #""f":1,"f":1"#, .refused("/f", .duplicateKey)),
        EventCase(field(#""int""#), #""f":1,"\u0066":1"#, .refused("/f", .duplicateKey)),
        EventCase(field(#""int""#), "", .refused("/f", .required)),
        EventCase(field(#"["null","int"]"#), "", .refused("/f", .required)),
        EventCase(field(#""int""#, #","default":5"#), "", .accepted(#""f":5"#)),
        EventCase(field(#""int""#, #","default":5"#), #""f":6"#, .accepted(#""f":6"#)),
        EventCase(field(#"["null","int"]"#, #","default":null"#), "", .accepted(#""f":null"#)),
        EventCase(field(#"["int","null"]"#, #","default":3"#), "", .accepted(#""f":3"#)),
        EventCase(
            field(#""bytes""#, #","default":"\u00ff""#), "", .accepted("\"f\":\"\u{ff}\"")),
        EventCase(
            field(
                #"{"type":"record","name":"R","fields":[{"name":"a","type":"int","default":1},"#
                    + #"{"name":"b","type":"int"}]}"#, #","default":{"b":2}"#),
            "", .accepted(#""f":{"a":1,"b":2}"#)),
        EventCase(
            field(
                #"{"type":"record","name":"R","fields":[{"name":"a","type":"int"},"#
                    + #"{"name":"b","type":"int"},{"name":"c","type":"int","default":3}]}"#),
            #""f":{"b":2,"a":1}"#, .accepted(#""f":{"a":1,"b":2,"c":3}"#)),
        EventCase(
            field(#"{"type":"record","name":"R","fields":[{"name":"a","type":"int"}]}"#),
            #""f":{"a":1,"a~/b":1}"#, .refused("/f/a~0~1b", .unknownField)),
        EventCase(
            field(#"{"type":"record","name":"R","fields":[{"name":"a","type":"int"}]}"#),
            #""f":[]"#, .refused("/f", .type)),
        EventCase(
            #"{"name":"f","aliases":["old"],"type":"int"}"#, #""old":1"#, .accepted(#""f":1"#)),
        EventCase(
            #"{"name":"f","aliases":["old"],"type":"int"}"#, #""old":1,"f":1"#,
            .refused("/f", .duplicateKey)),
        EventCase(
            field(#"{"type":"array","items":"int"}"#), #""f":[1,2,3]"#, .accepted(#""f":[1,2,3]"#)),
        EventCase(field(#"{"type":"array","items":"int"}"#), #""f":[]"#, .accepted(#""f":[]"#)),
        EventCase(
            field(#"{"type":"array","items":"int"}"#), #""f":[1,"2"]"#, .refused("/f/1", .type)),
        EventCase(field(#"{"type":"array","items":"int"}"#), #""f":{}"#, .refused("/f", .type)),
        EventCase(
            field(#"{"type":"map","values":"int"}"#), #""f":{"b":1,"a":2,"":3}"#,
            .accepted(#""f":{"b":1,"a":2,"":3}"#)),
        EventCase(
            field(#"{"type":"map","values":"int"}"#), #""f":{"b":1,"b":2}"#,
            .refused("/f/b", .duplicateKey)),
        EventCase(
            field(#"{"type":"map","values":"int"}"#), #""f":{"q\"k":1}"#,
            .accepted(#""f":{"q\"k":1}"#)),
        EventCase(
            field(#"{"type":"map","values":"int"}"#), #""f":{"b":"x"}"#, .refused("/f/b", .type)),
        EventCase(
            field(
                #"{"type":"map","values":{"type":"array","items":{"type":"record","name":"R","#
                    + #""fields":[{"name":"a","type":"int"}]}}}"#),
            #""f":{"k/1":[{"a":1},{"a":null}]}"#, .refused("/f/k~11/1/a", .type)),
        EventCase(
            #"{"name":"f","type":{"type":"record","name":"N","fields":["#
                + #"{"name":"v","type":"int"},"#
                + #"{"name":"next","type":["null","N"],"default":null}]}}"#,
            #""f":{"v":1,"next":{"v":2,"next":{"v":3}}}"#,
            .accepted(#""f":{"v":1,"next":{"v":2,"next":{"v":3,"next":null}}}"#)),
    ]

    @Test("scalars are checked against their type and written canonically", arguments: scalars)
    func scalar(_ example: EventCase) throws {
        let fixture = try Fixture(fields: example.fields)
        #expect(fixture.json(example.members) == example.outcome)
    }

    @Test("records, lists and maps are checked and written in schema order", arguments: structures)
    func structure(_ example: EventCase) throws {
        let fixture = try Fixture(fields: example.fields)
        #expect(fixture.json(example.members) == example.outcome)
    }

    static let bodies: [(String, Fixture.Outcome)] = [
        ("", .refused("", .json)),
        ("{", .refused("", .json)),
        ("[]", .refused("", .type)),
        ("7", .refused("", .type)),
        ("{}", .refused("/strmMeta", .required)),
        (#"{"strmMeta":1}"#, .refused("/strmMeta", .type)),
        (#"{"strmMeta":{}}"#, .refused("/strmMeta/eventContractRef", .required)),
        (
            #"{"strmMeta":{"eventContractRef":7}}"#,
            .refused("/strmMeta/eventContractRef", .type)
        ),
        (
            #"{"strmMeta":{"eventContractRef":"t/t/1.0.0","consentLevels":[]}}"#,
            .refused("/id", .required)
        ),
        (
            #"{"strmMeta":{"eventContractRef":"t/t/1.0.0"},"id":"k"}"#,
            .refused("/strmMeta/consentLevels", .required)
        ),
        (
            #"{"strmMeta":{"eventContractRef":"t/t/1.0.0","consentLevels":[64]},"id":"k"}"#,
            .refused("/strmMeta/consentLevels/0", .consentLevel)
        ),
        (
            #"{"strmMeta":{"eventContractRef":"t/t/1.0.0","consentLevels":[0,-1]},"id":"k"}"#,
            .refused("/strmMeta/consentLevels/1", .consentLevel)
        ),
        (
            #"{"strmMeta":{"eventContractRef":"t/t/1.0.0","consentLevels":["1"]},"id":"k"}"#,
            .refused("/strmMeta/consentLevels/0", .type)
        ),
        (
            #"{"strmMeta":{"eventContractRef":"t/t/1.0.0","consentLevels":{}},"id":"k"}"#,
            .refused("/strmMeta/consentLevels", .type)
        ),
        (
            #"{"strmMeta":{"eventContractRef":"t/t/1.0.0","consentLevels":[1],"nonce":"x"},"#
                + #""id":"k"}"#,
            .refused("/strmMeta/nonce", .type)
        ),
        (
            #"{"strmMeta":{"eventContractRef":"t/t/1.0.0","consentLevels":[1],"other":1},"#
                + #""id":"k"}"#,
            .refused("/strmMeta/other", .unknownField)
        ),
        (
            #"{"strmMeta":{"eventContractRef":"t/t/1.0.0","consentLevels":[1]},"strmMeta":{},"#
                + #""id":"k"}"#,
            .refused("/strmMeta", .duplicateKey)
        ),
        (
            "\u{feff}" + #"{"strmMeta":{"eventContractRef":"t/t/1.0.0","consentLevels":[1]}}"#,
            .refused("", .json)
        ),
        (
            #"{"strmMeta":{"eventContractRef":"t/t/1.0.0","consentLevels":[1]},"id":"k"} {}"#,
            .refused("", .json)
        ),
        (
            #" {"id":"k", "strmMeta" : {"consentLevels":[1],"eventContractRef":"t/t/1.0.0"} } "#,
            .accepted("")
        ),
        (
            #"{"strmMeta":{"eventContractRef":"t/t/1.0.0","nonce":{"int":5},"timestamp":12,"#
                + #""keyLink":"x","billingId":{"string":"y"},"consentLevels":[1]},"id":"k"}"#,
            .accepted("")
        ),
    ]

    @Test(
        "the body and its strmMeta are checked, and what the sender may not say is taken out",
        arguments: bodies)
    func body(_ example: (String, Fixture.Outcome)) throws {
        #expect(try Fixture().event(example.0) == example.1)
    }

    @Test("invalid UTF-8 and raw NUL are refused, wherever they stand")
    func encoding() throws {
        let fixture = try Fixture(fields: field(#""string""#))
        let head = Array(
            #"{"strmMeta":{"eventContractRef":"t/t/1.0.0","consentLevels":[1]},"id":"k","f":""#.utf8
        )
        for bad: [UInt8] in [[0xff], [0xc0, 0x80], [0xed, 0xa0, 0x80], [0xf4, 0x90, 0x80, 0x80]] {
            let outcome = fixture.event(head + bad + Array("\"}".utf8), .json)
            #expect(outcome == .refused("", .utf8))
        }
        #expect(fixture.event(head + [0] + Array("\"}".utf8), .json) == .refused("", .json))
        let wide = Array("{}".utf16).flatMap { [UInt8($0 & 0xff), UInt8($0 >> 8)] }
        #expect(fixture.event(wide, .json) == .refused("", .json))
    }

    @Test("consent levels are kept as a set and written ascending")
    func consent() throws {
        let fixture = try Fixture()
        let text = fixture.decode(
            Array(
                #"{"strmMeta":{"eventContractRef":"t/t/1.0.0","consentLevels":[63,0,5,0]},"id":"k"}"#
                    .utf8))
        #expect(fixture.decoder.consentLevels.levels == [0, 5, 63])
        #expect(try text.get().contains(#""consentLevels":[0,5,63]"#))
    }

    @Test("insertion points stand where the four fields of strmMeta go, in order")
    func insertionPoints() throws {
        let fixture = try Fixture()
        #expect(fixture.json("") == .accepted(""))
        let text = String(decoding: fixture.decoder.json, as: UTF8.self)
        let names = fixture.decoder.spans.map { span -> String in
            #expect(span.length == 0)
            let before = text.utf8.prefix(Int(span.start))
            return "\(span.kind) \(String(Substring(before)).suffix(11))"
        }
        #expect(
            names == [
                #"nonce 0","nonce":"#, #"timestamp timestamp":"#, #"keyLink ,"keyLink":"#,
                #"billingId billingId":"#,
            ])
    }

    @Test("a refusal never quotes a value of the event")
    func secrecy() throws {
        let fixture = try Fixture(
            fields: #"{"name":"f","type":{"type":"enum","name":"E","symbols":["A"]}},"#
                + #"{"name":"g","type":"string"}"#,
            regex: [("g", "[a-z]+")])
        for members in [
            #""f":"SECRET","g":"x""#, #""f":"A","g":"SECRET""#, #""f":5417901,"g":"x""#,
        ] {
            let head =
                #"{"strmMeta":{"eventContractRef":"t/t/1.0.0","consentLevels":[1]},"id":"k","#
            guard case .failure(let refusal) = fixture.decode(Array("\(head)\(members)}".utf8))
            else {
                Issue.record("accepted")
                continue
            }
            let shown = "\(refusal) \(refusal.expected) \(refusal.pointer)"
            #expect(!shown.contains("SECRET") && !shown.contains("5417901"))
        }
    }
}
