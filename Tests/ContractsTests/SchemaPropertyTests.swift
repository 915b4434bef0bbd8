import Testing

@testable import Contracts

/// Events that are made to fit a generated schema, and the same with one thing wrong.
struct SchemaPropertyTests {
    /// A property of a generated object schema: its schema, a value that fits, and some that do not,
    /// each with where (behind the property) and by which rule it is refused.
    private struct Property {
        let name: String
        let schema: String
        let value: String
        let wrong: [(value: String, tail: String, rule: Refusal.Rule)]
    }

    private static func property(_ name: String, _ random: inout SeededGenerator) -> Property {
        let n = Int.random(in: 1...50, using: &random)
        switch Int.random(in: 0..<7, using: &random) {
        case 0:
            return Property(
                name: name, schema: #"{"type":"integer","minimum":\#(n),"maximum":\#(n + 5)}"#,
                value: "\(n + 2)",
                wrong: [
                    ("\(n - 1)", "", .range), ("\(n + 6)", "", .range), ("\"\(n)\"", "", .type),
                    ("\(n).5", "", .type),
                ])
        case 1:
            return Property(
                name: name, schema: #"{"type":"string","minLength":2,"maxLength":\#(n + 2)}"#,
                value: #""é\#(n)""#,
                wrong: [
                    (#""é""#, "", .length), ("null", "", .type),
                    ("\"" + String(repeating: "x", count: n + 3) + "\"", "", .length),
                ])
        case 2:
            return Property(
                name: name, schema: #"{"enum":["a\#(n)",\#(n)]}"#, value: "\(n).0",
                wrong: [("\(n + 1)", "", .enum), (#""a""#, "", .enum), ("[]", "", .enum)])
        case 3:
            let inner = property("i", &random)
            return Property(
                name: name, schema: #"{"type":"array","items":\#(inner.schema),"maxItems":3}"#,
                value: "[\(inner.value),\(inner.value)]",
                wrong: inner.wrong.map { ("[\(inner.value),\($0.value)]", "/1\($0.tail)", $0.rule) }
                    + [("{}", "", .type), ("[1,1,1,1]", "/0", .type)].dropLast())
        case 4:
            let inner = property("k~/", &random)
            let schema = """
                {"type":"object","properties":{"k~/":\(inner.schema)},"required":["k~/"],\
                "additionalProperties":false}
                """
            return Property(
                name: name, schema: schema, value: #"{"k~/":\#(inner.value)}"#,
                wrong: inner.wrong.map {
                    (#"{"k~/":\#($0.value)}"#, "/k~0~1\($0.tail)", $0.rule)
                } + [
                    ("{}", "/k~0~1", .required),
                    (#"{"k~/":\#(inner.value),"z":1}"#, "/z", .unknownField), ("7", "", .type),
                ])
        case 5:
            return Property(
                name: name, schema: #"{"type":"number","multipleOf":0.01,"exclusiveMinimum":0}"#,
                value: "\(n).07",
                wrong: [("0", "", .range), ("\(n).005", "", .multipleOf), ("true", "", .type)])
        default:
            return Property(
                name: name, schema: #"{"type":"boolean"}"#, value: "true",
                wrong: [("1", "", .type), ("{}", "", .type)])
        }
    }

    @Test func `a made event passes, and one wrong field is refused at its own pointer`() throws {
        var random = SeededGenerator.printed()
        for _ in 0..<60 {
            let properties = (0..<Int.random(in: 1...6, using: &random)).map {
                Self.property("p\($0)", &random)
            }
            let names = properties.map { "\"\($0.name)\"" }.joined(separator: ",")
            let fixture = try Fixture(
                jsonSchema: Fixture.objectSchema(
                    properties.map { #""\#($0.name)":\#($0.schema)"# }.joined(separator: ","),
                    #""required":[\#(names)]"#))
            func event(_ changed: Int, _ value: String?) -> Fixture.Outcome {
                fixture.json(
                    properties.enumerated().compactMap { at, property in
                        guard let text = at == changed ? value : property.value else { return nil }
                        return #""\#(property.name)":\#(text)"#
                    }.joined(separator: ","))
            }
            guard case .accepted = event(-1, nil) else {
                Issue.record("\(event(-1, nil)) for \(properties)")
                return
            }
            for (at, property) in properties.enumerated() {
                #expect(event(at, nil) == .refused("/\(property.name)", .required))
                for wrong in property.wrong {
                    #expect(
                        event(at, wrong.value)
                            == .refused("/\(property.name)\(wrong.tail)", wrong.rule),
                        "\(property.schema) \(wrong.value)")
                }
            }
            let extra = #"\#(properties[0].value),"extra":1"#
            #expect(event(0, extra) == .refused("/extra", .unknownField))
        }
    }

    @Test func `limits of events hold for JSON Schema too`() throws {
        var limits = EventLimits()
        limits.stringBytesMax = 100
        limits.keyBytesMax = 20
        limits.mapKeyCountMax = 30
        limits.canonicalBytesMax = 9_000
        let fixture = try Fixture(jsonSchema: #"{"properties":{"id":{},"f":{}}}"#, limits: limits)
        let long = String(repeating: "x", count: 101)
        #expect(fixture.json(#""f":["\#(long)"]"#) == .refused("/f/0", .stringSize))
        #expect(
            fixture.json(#""f":[{"\#(long)":1}]"#)
                == .refused("/f/0/\(long)", .keySize))
        let names = (0..<31).map { #""k\#($0)":1"# }.joined(separator: ",")
        #expect(fixture.json(#""f":{\#(names)}"#) == .refused("/f", .keyCount))
        let items = [String](repeating: "1e15", count: 1_000).joined(separator: ",")
        guard case .refused(_, .canonicalSize) = fixture.json(#""f":[\#(items)]"#) else {
            Issue.record("canonical form without limit")
            return
        }
        let deep = String(repeating: "[", count: 70) + String(repeating: "]", count: 70)
        #expect(fixture.json(#""f":\#(deep)"#) == .refused("", .depth))
    }

    @Test func `a name is found twice among few and among many`() throws {
        let fixture = try Fixture(jsonSchema: #"{"properties":{"id":{},"f":{}}}"#)
        for count in [2, 8, 9, 40, 1_000] {
            let names = (0..<count).map { #""k\#($0)":[]"# }
            let text = names.joined(separator: ",")
            #expect(fixture.json(#""f":{\#(text)}"#) == .accepted(#""f":{\#(text)}"#))
            let twice = (names + [#""k\#(count / 2)":1"#]).joined(separator: ",")
            #expect(
                fixture.json(#""f":[0,{\#(twice)}]"#)
                    == .refused("/f/1/k\(count / 2)", .duplicateKey))
        }
    }

    @Test func `more than 64 required or unevaluated members are told apart`() throws {
        let names = (0..<200).map { "\"k\($0)\"" }
        let all = names.map { "\($0):1" }.joined(separator: ",")
        let required = try SchemaJudge(text: #"{"required":[\#(names.joined(separator: ","))]}"#)
        let properties = names.map { "\($0):true" }.joined(separator: ",")
        let tracked = try SchemaJudge(
            text: #"{"anyOf":[{"properties":{\#(properties)}}],"unevaluatedProperties":false}"#)
        let items = try SchemaJudge(
            text:
                #"{"anyOf":[{"prefixItems":[\#(names.map { _ in "{}" }.joined(separator: ","))]}],"#
                + #""unevaluatedItems":{"type":"string"}}"#)
        func value(_ text: String) throws -> JSONValue {
            try JSONValue.parse(Array(text.utf8), pointer: "")
        }
        #expect(try required.accepts(value("{\(all)}")))
        for missing in [0, 63, 64, 127, 199] {
            let rest = all.replacing("\"k\(missing)\":1", with: "\"x\":1")
            #expect(try required.refusal(value("{\(rest)}"))?.pointer == "/k\(missing)")
            #expect(try tracked.refusal(value("{\(rest)}"))?.pointer == "/x")
        }
        #expect(try tracked.accepts(value("{\(all)}")))
        let list = [String](repeating: "1", count: 200).joined(separator: ",")
        #expect(try items.accepts(value("[\(list),\"x\"]")))
        #expect(try items.refusal(value("[\(list),\"x\",1]"))?.pointer == "/201")
    }
}
