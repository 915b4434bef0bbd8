import Testing

@testable import Contracts

struct ValidationTests {
    /// One field `f` of a type, one validation of it, and values in both forms.
    struct Case: Sendable, CustomTestStringConvertible {
        let type: String
        let rule: String
        let json: String
        /// The same value in Avro binary.
        let bytes: [UInt8]
        /// Nil: the value passes.
        let refused: Refusal.Rule?

        init(
            _ type: String, _ rule: String, _ json: String, _ bytes: [UInt8],
            _ refused: Refusal.Rule? = nil
        ) {
            self.type = type
            self.rule = rule
            self.json = json
            self.bytes = bytes
            self.refused = refused
        }

        var testDescription: String { "\(json) as \(type.prefix(40)) under \(rule)" }
    }

    private static func text(_ text: String) -> [UInt8] {
        [UInt8(2 * text.utf8.count)] + Array(text.utf8)
    }

    private static func double(_ number: Double) -> [UInt8] {
        withUnsafeBytes(of: number.bitPattern.littleEndian) { Array($0) }
    }

    private static func float(_ number: Float) -> [UInt8] {
        withUnsafeBytes(of: number.bitPattern.littleEndian) { Array($0) }
    }

    private static let web = #""type":"enum","values":["web","app","é"]"#
    private static let numbers = #""type":"enum","values":[-3,7,300]"#
    private static let fractions = #""type":"enum","values":[0.1,2]"#
    private static let low = #""type":"range","min":0"#
    private static let open = #""type":"range","exclusiveMin":0,"exclusiveMax":1.5"#
    private static let tenth = #""type":"range","max":0.1"#
    private static let short = #""type":"length","min":2,"max":3"#
    private static let optional = #"["null","string"]"#
    private static let symbols = #"{"type":"enum","name":"E","symbols":["AX","BX","C"]}"#
    private static let texts = #"{"type":"array","items":"string"}"#
    private static let map = #"{"type":"map","values":["null","int"]}"#

    static let values: [Case] = [
        Case("\"string\"", web, #""web""#, text("web")),
        Case("\"string\"", web, #""\u00e9""#, text("é")),
        Case("\"string\"", web, #""we""#, text("we"), .enum),
        Case("\"string\"", web, #""WEB""#, text("WEB"), .enum),
        Case("\"string\"", web, #""""#, text(""), .enum),
        Case(optional, web, #""app""#, [2] + text("app")),
        Case(optional, web, "null", [0]),
        Case(optional, web, #""x""#, [2] + text("x"), .enum),
        Case(symbols, #""type":"enum","values":["AX","C"]"#, #""AX""#, [0]),
        Case(symbols, #""type":"enum","values":["AX","C"]"#, #""BX""#, [2], .enum),
        Case(symbols, #""type":"length","min":2"#, #""C""#, [4], .length),
        Case("\"int\"", numbers, "7", [14]),
        Case("\"int\"", numbers, "-3", [5]),
        Case("\"int\"", numbers, "8", [16], .enum),
        Case("\"long\"", numbers, "300", [0xd8, 4]),
        Case("\"long\"", numbers, "301", [0xda, 4], .enum),
        Case("\"double\"", fractions, "0.1", double(0.1)),
        Case("\"double\"", fractions, "2", double(2)),
        Case("\"double\"", fractions, "0.10000000000000002", double(0.1.nextUp), .enum),
        Case("\"float\"", fractions, "0.1", float(0.1)),
        Case("\"float\"", fractions, "0.2", float(0.2), .enum),
        Case("\"boolean\"", #""type":"enum","values":[true]"#, "true", [1]),
        Case("\"boolean\"", #""type":"enum","values":[true]"#, "false", [0], .enum),
        Case("\"boolean\"", #""type":"enum","values":[false]"#, "true", [1], .enum),
        Case("\"int\"", low, "0", [0]),
        Case("\"int\"", low, "-1", [1], .range),
        Case("\"long\"", open, "1", [2]),
        Case("\"long\"", open, "0", [0], .range),
        Case("\"long\"", open, "2", [4], .range),
        Case("\"double\"", open, "1.4999999999999998", double(1.5.nextDown)),
        Case("\"double\"", open, "1.5", double(1.5), .range),
        Case("\"double\"", open, "5e-324", double(.leastNonzeroMagnitude)),
        Case("\"double\"", open, "0", double(0), .range),
        Case("\"double\"", low, "-0.0", double(-0.0)),
        Case("\"float\"", tenth, "0.1", float(0.1)),
        Case("\"float\"", tenth, "0.10000001", float(Float(0.1).nextUp), .range),
        Case("\"double\"", tenth, "0.1", double(0.1)),
        Case("\"double\"", tenth, "0.10000000149011612", double(Double(Float(0.1))), .range),
        Case("\"string\"", short, #""ab""#, text("ab")),
        Case("\"string\"", short, #""a""#, text("a"), .length),
        Case("\"string\"", short, #""abcd""#, text("abcd"), .length),
        Case("\"string\"", short, #""é""#, text("é"), .length),
        Case("\"string\"", short, #""😀😀😀""#, text("😀😀😀")),
        Case("\"string\"", short, #""e\u0301""#, text("e\u{301}")),
        Case("\"string\"", #""type":"length","max":0"#, #""""#, text("")),
        Case("\"string\"", #""type":"length","max":0"#, #""a""#, text("a"), .length),
        Case(
            "\"string\"", #""type":"format","value":"date""#, #""2024-02-29""#, text("2024-02-29")),
        Case(
            "\"string\"", #""type":"format","value":"date""#, #""2023-02-29""#, text("2023-02-29"),
            .format),
        Case("\"string\"", #""type":"format","value":"ipv6""#, #""::1""#, text("::1")),
        Case("\"string\"", #""type":"regex","value":"a+""#, #""aa""#, text("aa")),
        Case("\"string\"", #""type":"regex","value":"a+""#, #""ab""#, text("ab"), .regex),
    ]

    @Test(arguments: values)
    func `a value is held to its validation in JSON and in Avro binary alike`(_ example: Case)
        throws
    {
        let fixture = try Fixture(
            fields: #"{"name":"f","type":\#(example.type)}"#,
            validations: [#"{"field":"f",\#(example.rule)}"#])
        for outcome in [fixture.json(#""f":\#(example.json)"#), fixture.binary(example.bytes)] {
            if let rule = example.refused {
                #expect(outcome == .refused("/f", rule))
            } else if case .refused = outcome {
                Issue.record("\(outcome)")
            }
        }
    }

    @Test func `each value of a list or map is checked, and the pointer names it`() throws {
        let fixture = try Fixture(
            fields: #"{"name":"l","type":\#(Self.texts)},{"name":"m","type":\#(Self.map)}"#,
            validations: [
                #"{"field":"l",\#(Self.web)}"#, #"{"field":"m/*",\#(Self.low)}"#,
            ])
        #expect(
            fixture.json(#""l":["web","app"],"m":{"a":1,"b":null}"#)
                == .accepted(#""l":["web","app"],"m":{"a":1,"b":null}"#))
        #expect(fixture.json(#""l":["web","x"],"m":{}"#) == .refused("/l/1", .enum))
        #expect(fixture.json(#""l":[],"m":{"a":1,"b":-1}"#) == .refused("/m/b", .range))
        let bytes = [2] + Self.text("web") + [0, 2] + Self.text("a") + [2, 1, 0]
        #expect(fixture.binary(bytes) == .refused("/m/a", .range))
    }

    @Test func `every validation of a field counts, in the document's order`() throws {
        let fixture = try Fixture(
            fields: #"{"name":"f","type":"string"}"#,
            validations: [
                #"{"field":"f","type":"length","max":3}"#, #"{"field":"f",\#(Self.web)}"#,
                #"{"id":"lower","field":"f","type":"regex","value":"[a-z]+","message":"In lower case."}"#,
            ])
        #expect(fixture.json(#""f":"webs""#) == .refused("/f", .length))
        #expect(fixture.json(#""f":"wet""#) == .refused("/f", .enum))
        #expect(fixture.json(#""f":"é""#) == .refused("/f", .regex))
        #expect(fixture.json(#""f":"web""#) == .accepted(#""f":"web""#))
    }

    @Test func `a refusal carries the rule's id and its author's message`() throws {
        let fixture = try Fixture(
            fields: #"{"name":"f","type":"string"},{"name":"g","type":"string"}"#,
            validations: [
                #"{"id":"channel-1","field":"f",\#(Self.web),"message":"Only shops: “web”."}"#,
                #"{"field":"g","type":"length","max":3}"#,
                #"{"field":"g","type":"length","min":1}"#,
            ])
        let head = #"{"strmMeta":{"eventContractRef":"t/t/1.0.0","consentLevels":[]},"id":"k","#
        let first = fixture.decode(Array((head + #""f":"x","g":"a"}"#).utf8))
        #expect(
            first
                == .failure(
                    Refusal(
                        kind: .contractViolation, pointer: "/f", place: "/f", rule: .enum,
                        expected: "one of web, app, é", ruleID: "channel-1",
                        message: "Only shops: “web”.")))
        let second = fixture.decode(Array((head + #""f":"web","g":""}"#).utf8))
        #expect(
            second
                == .failure(
                    Refusal(
                        kind: .contractViolation, pointer: "/g", place: "/g", rule: .length,
                        expected: "a text of at least 1 characters", ruleID: "length:g#2")))
        let shape = fixture.decode(Array((head + #""f":1,"g":""}"#).utf8))
        guard case .failure(let refusal) = shape else {
            Issue.record("\(shape)")
            return
        }
        #expect(refusal.ruleID == nil && refusal.message == nil)
    }

    @Test func `a default that breaks a validation makes its field required`() throws {
        let fixture = try Fixture(
            fields:
                #"{"name":"f","type":"int","default":-1},{"name":"g","type":"int","default":1}"#,
            validations: [#"{"field":"f",\#(Self.low)}"#, #"{"field":"g",\#(Self.low)}"#])
        #expect(fixture.json("") == .refused("/f", .required))
        #expect(fixture.json(#""f":3"#) == .accepted(#""f":3,"g":1"#))
    }

    @Test func `validations do not keep a field from being personal data or the key`() throws {
        let fixture = try Fixture(
            fields: #"{"name":"f","type":"string"},{"name":"n","type":"long"}"#, key: "n",
            pii: [("f", 3)],
            validations: [#"{"field":"f",\#(Self.short)}"#, #"{"field":"n",\#(Self.low)}"#])
        #expect(fixture.json(#""f":"ab","n":12"#) == .accepted(#""f":"ab","n":12"#))
        #expect(fixture.personal == ["f 3 ab"])
        #expect(Array(fixture.decoder.keyValue) == Array("12".utf8))
        #expect(fixture.json(#""f":"a","n":12"#) == .refused("/f", .length))
    }
}
