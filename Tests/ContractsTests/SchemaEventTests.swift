import Foundation
import Testing

@testable import Contracts

struct SchemaEventTests {
    @Test func `members keep the sender's order and are written canonically`() throws {
        let fixture = try Fixture(
            jsonSchema: Fixture.objectSchema(#""b":{},"a":{},"c":{},"d":{}"#))
        let sent =
            #""c" : [1.0, 2e2, -0.0, 18446744073709551615], "a":"\u0041\/\u00e9\n","#
            + #""d":{"z":null,"y":{"x":[]}},"b":true"#
        #expect(
            fixture.json(sent)
                == .accepted(
                    #""c":[1,200,0,18446744073709551615],"a":"A/é\n","d":{"z":null,"y":{"x":[]}},"#
                        + #""b":true"#))
    }

    @Test func `the place of a refusal has the schema's words, and none of the sender's`() throws {
        let fixture = try Fixture(
            jsonSchema: Fixture.objectSchema(
                #""map":{"additionalProperties":{"properties":{"n":{"type":"integer"}}}},"#
                    + #""list":{"items":{"required":["must"]}}"#))
        for (sent, place) in [
            (#""map":{"Jane":{"n":"x"}}"#, "/map/*/n"), (#""Jane":1"#, "/*"),
            (#""list":[{"must":1},{}]"#, "/list/*/must"), (#""map":{"id":{"n":"x"}}"#, "/map/id/n"),
        ] {
            let text =
                #"{"strmMeta":{"eventContractRef":"t/t/1.0.0","consentLevels":[1]},"id":"k","#
                + sent + "}"
            guard case .failure(let refusal) = fixture.decode(Array(text.utf8)) else {
                Issue.record("\(sent) was taken")
                continue
            }
            #expect(refusal.place == place, "\(sent)")
        }
    }

    @Test func `names are compared by their bytes: two spellings of a character are two names`()
        throws
    {
        // Å as one character, and as A with a ring; the same to a String.
        let schema = Fixture.objectSchema("\"A\u{30A}\":{\"type\":\"string\"}")
        #expect(throws: ContractError.self) {
            let document = try Fixture.schemaDocument(schema, pii: [("\u{C5}", 1)])
            _ = try Contract(document: document, number: 1)
        }
        let both = Fixture.objectSchema(
            "\"x\":{\"allOf\":[{\"properties\":{\"\u{C5}\":{\"properties\":{\"a\":{}}}}},"
                + "{\"properties\":{\"A\u{30A}\":{\"properties\":{\"b\":{}}}}}]}")
        let fixture = try Fixture(
            jsonSchema: both, pii: [("x/\u{C5}/a", 1), ("x/A\u{30A}/b", 2)])
        _ = fixture.json("\"x\":{\"A\u{30A}\":{\"b\":\"secret\"},\"\u{C5}\":{\"a\":\"other\"}}")
        #expect(fixture.decoder.spans.filter { $0.kind == .pii }.map(\.level) == [2, 1])
    }

    @Test func `what is a record and a map in one has personal values in both`() throws {
        let fixture = try Fixture(
            jsonSchema: Fixture.objectSchema(
                #""c":{"properties":{"email":{"type":"string"}},"additionalProperties":"#
                    + #"{"type":["object","string"],"properties":{"email":{"type":"string"}}}}"#),
            pii: [("c/email", 3)])
        _ = fixture.json(#""c":{"email":"a","x":{"email":"b"},"y":"free"}"#)
        #expect(fixture.decoder.spans.filter { $0.kind == .pii }.count == 2)
    }

    @Test func `a pattern may become longer by its translation, and back-references are refused`()
        throws
    {
        let words = #"^\\s*\\S+\\s+\\S+\\s+\\S+\\s+\\S+$"#
        let fixture = try Fixture(
            jsonSchema: Fixture.objectSchema(#""f":{"type":"string","pattern":"\#(words)"}"#))
        #expect(fixture.json(#""f":"a b c d""#) != .refused("/f", .regex))
        #expect(fixture.json(#""f":"a b c""#) == .refused("/f", .regex))
        for pattern in [#"(a)(b)(c)(d)(e)(f)(g)(h)(i)(j)\\10"#, #"\\x{41}"#, #"\\1"#] {
            let schema = Fixture.objectSchema(#""f":{"pattern":"\#(pattern)"}"#)
            let document = try Fixture.schemaDocument(schema)
            #expect(throws: ContractError.self, "\(pattern)") {
                _ = try Contract(document: document, number: 1)
            }
        }
    }

    @Test func `a personal field that the schema lists the values of draws a warning`() throws {
        for (schema, count) in [
            (#""f":{"enum":["a","b"]}"#, 1), (#""f":{"const":"a"}"#, 1),
            (#""f":{"anyOf":[{"type":"string"},{"enum":["a"]}]}"#, 1),
            (#""f":{"type":"string"}"#, 0),
        ] {
            let document = try Fixture.schemaDocument(Fixture.objectSchema(schema), pii: [("f", 1)])
            let warnings = try Contract(document: document, number: 1).warnings
            #expect(warnings.map(\.rule) == Array(repeating: "frequency-leak", count: count))
        }
    }

    @Test func `strmMeta may stand anywhere, and comes out whole and in order`() throws {
        let fixture = try Fixture(jsonSchema: Fixture.objectSchema(""))
        let text = try fixture.decode(
            Array(
                (#"{"id":"k","strmMeta":{"consentLevels":[4,1,4],"keyLink":null,"nonce":7,"#
                    + #""billingId":"b","timestamp":1,"eventContractRef":"t/t/1.0.0"}}"#).utf8)
        ).get()
        #expect(
            text
                == #"{"id":"k","strmMeta":{"eventContractRef":"t/t/1.0.0","nonce":,"timestamp":,"#
                + #""keyLink":,"billingId":,"consentLevels":[1,4]}}"#)
        #expect(fixture.decoder.spans.map(\.kind) == [.nonce, .timestamp, .keyLink, .billingId])
        for span in fixture.decoder.spans {
            #expect(text.utf8.dropFirst(Int(span.start)).first != UInt8(ascii: "\""))
            #expect(text.utf8.dropFirst(Int(span.start) - 1).first == UInt8(ascii: ":"))
        }
        #expect(fixture.decoder.consentLevels.levels == [1, 4])
    }

    @Test func `personal strings are found in objects, lists, maps and branches`() throws {
        let schema = ##"""
            {"type":"object","properties":{"id":{"type":"string"},"a":{"type":"string"},
             "list":{"type":"array","items":{"type":"string"}},
             "map":{"type":"object","additionalProperties":{"type":["string","null"]}},
             "pat":{"patternProperties":{"^p_":{"$ref":"#/$defs/person"}}},
             "people":{"type":"array","prefixItems":[{"$ref":"#/$defs/person"}],
               "items":{"anyOf":[{"$ref":"#/$defs/person"},{"properties":{"alias":{}}}]}},
             "who":{"oneOf":[{"required":["name"],"$ref":"#/$defs/person"},
               {"properties":{"firm":{"type":"string"}},"required":["firm"]}]}},
             "$defs":{"person":{"type":"object","properties":{"name":{"type":"string"}}}}}
            """##
        let fixture = try Fixture(
            jsonSchema: schema,
            pii: [
                ("a", 1), ("list", 2), ("map/*", 3), ("pat/name", 4), ("people/*/name", 5),
                ("who/name", 6), ("who/firm", 7), ("people/alias", 8),
            ])
        let sent =
            #""who":{"name":"n"},"a":"1\"","list":["2","3"],"map":{"x":"4","y":null,"a":"5"},"#
            + #""pat":{"p_1":{"name":"6","age":"7"}},"people":[{"name":"8"},{"alias":"9"}]"#
        #expect(fixture.json(sent) == .accepted(sent))
        #expect(
            fixture.personal == [
                "who/name 6 n", #"a 1 1\"\"#, "list 2 2", "list 2 3", "map 3 4", "map 3 5",
                "pat/name 4 6", "people/name 5 8", "people/alias 8 9",
            ])
        #expect(fixture.contract.piiFields.map(\.path).contains("people/alias"))
        _ = fixture.json(#""who":{"firm":"f"}"#)
        #expect(fixture.personal == ["who/firm 7 f"])
    }

    static let clear: [(String, String)] = [
        (#""lax":1"#, "/lax"), (#""lax":true"#, "/lax"), (#""lax":{"a":"x"}"#, "/lax"),
        (#""lax":["x",[2]]"#, "/lax/1/0"), (#""lax":[{"a":"x"}]"#, "/lax/0"),
        (#""either":{"name":"x"}"#, "/either"), (#""map":{"k":7}"#, "/map/k"),
        (#""map":{"k":{"j":"x"}}"#, "/map/k"),
    ]

    /// Personal data must not be stored in clear because a schema was lax.
    @Test(arguments: clear)
    func `at a personal place everything but strings and null is refused`(
        _ example: (String, String)
    ) throws {
        let fixture = try Fixture(
            jsonSchema: Fixture.objectSchema(
                #""lax":{},"map":{"additionalProperties":true},"#
                    + #""either":{"anyOf":[{"type":"string"},{"properties":{"name":{}}}]}"#),
            pii: [("lax", 1), ("map", 2), ("either", 3)])
        #expect(fixture.json(example.0) == .refused(example.1, .type))
        #expect(fixture.json(#""lax":null,"map":{"k":null}"#) != .refused("/lax", .type))
        #expect(fixture.json(#""lax":["x",["y"]],"map":{"k":"z"},"either":"s""#) != .accepted(""))
        #expect(fixture.personal == ["lax 1 x", "lax 1 y", "map 2 z", "either 3 s"])
    }

    @Test func `a path through a map holds for the members that another path names too`() throws {
        let fixture = try Fixture(
            jsonSchema: Fixture.objectSchema(
                #""m":{"properties":{"a":{"type":"string"}},"additionalProperties":{"type":"string"}}"#
            ),
            pii: [("m", 2)],
            validations: #"{"field":"m/a","type":"regex","value":"[a-z]+"}"#)
        #expect(fixture.json(#""m":{"a":"x","b":"Y"}"#) == .accepted(#""m":{"a":"x","b":"Y"}"#))
        #expect(fixture.personal == ["m 2 x", "m 2 Y"])
        #expect(fixture.json(#""m":{"a":"X"}"#) == .refused("/m/a", .regex))
    }

    @Test func `key field and data subject are scalars of any type`() throws {
        let fixture = try Fixture(
            jsonSchema: #"{"properties":{"k":{},"s":{}}}"#, key: "k", subject: "s")
        func event(_ members: String) -> Fixture.Outcome {
            fixture.event(
                #"{"strmMeta":{"eventContractRef":"t/t/1.0.0","consentLevels":[]},\#(members)}"#)
        }
        for (text, value) in [("12", "12"), ("true", "true"), ("1.50", "1.5"), (#""a\"""#, "a\"")] {
            guard case .accepted = event(#""k":\#(text),"s":\#(text)"#) else {
                Issue.record("\(text) is refused")
                continue
            }
            #expect(String(decoding: fixture.decoder.keyValue, as: UTF8.self) == value)
            let subject = try #require(fixture.decoder.subjectValue)
            #expect(String(decoding: subject, as: UTF8.self) == value)
        }
        #expect(event(#""k":[1]"#) == .refused("/k", .type))
        #expect(event(#""k":{"a":1}"#) == .refused("/k", .type))
        #expect(event(#""k":1,"s":[1]"#) == .refused("/s", .type))
        #expect(event(#""k":null"#) == .refused("/k", .keyFieldEmpty))
        #expect(event(#""s":1"#) == .refused("/k", .keyFieldEmpty))
    }

    @Test func `defaults are annotations: nothing is filled in`() throws {
        let fixture = try Fixture(
            jsonSchema: Fixture.objectSchema(#""n":{"type":"integer","default":5}"#))
        #expect(fixture.json("") == .accepted(""))
    }

    @Test func `Avro binary is refused, and says why`() throws {
        let fixture = try Fixture(jsonSchema: Fixture.objectSchema(""))
        guard
            case .failure(let refusal) = fixture.decode(
                [2, 4], .avroBinary, schemaRef: "t/t/1.0.0")
        else {
            Issue.record("accepted")
            return
        }
        #expect(refusal.kind == .malformedBody && refusal.rule == "json")
        #expect(refusal.expected.contains("JSON Schema"))
        #expect(fixture.event([2, 4], .avroBinary, schemaRef: nil) == .refused("", .schemaRef))
    }

    @Test func `validations hold at the places of a JSON Schema`() throws {
        let fixture = try Fixture(
            jsonSchema: Fixture.objectSchema(
                #""n":{"type":"number"},"tags":{"items":{"type":"string"}},"c":{"type":"string"},"#
                    + #""vat":{"type":"string"},"on":{"type":"boolean"}"#),
            validations: #"{"field":"n","type":"range","min":1,"max":2.5},"#
                + #"{"field":"tags","type":"enum","values":["a","b"],"id":"tag"},"#
                + #"{"field":"vat","type":"required-if","when":{"field":"c","in":["NL"]}},"#
                + #"{"field":"on","type":"enum","values":[true]}"#)
        #expect(
            fixture.json(#""n":2.5,"tags":["a","b"],"c":"NL","vat":"x","on":true"#)
                == .accepted(#""n":2.5,"tags":["a","b"],"c":"NL","vat":"x","on":true"#))
        #expect(fixture.json(#""n":0"#) == .refused("/n", .range))
        #expect(fixture.json(#""n":2.6"#) == .refused("/n", .range))
        #expect(fixture.json(#""tags":["a","c"]"#) == .refused("/tags/1", .enum))
        #expect(fixture.json(#""c":"NL""#) == .refused("/vat", .requiredIf))
        #expect(fixture.json(#""c":"BE""#) == .accepted(#""c":"BE""#))
        #expect(fixture.json(#""on":false"#) == .refused("/on", .enum))
    }
}

// MARK: - What a contract may not say

extension SchemaEventTests {
    static let badPaths: [(String, String, String)] = [
        ("id", "nowhere", "/piiFields/nowhere (unknown-path)"),
        ("id", "o", "/piiFields/o (path-type)"), ("id", "n", "/piiFields/n (pii-type)"),
        ("id", "l", "/piiFields/l (pii-type)"), ("id", "one/x", "/piiFields/one~1x (pii-type)"),
        ("id", "strmMeta/keyLink", "/piiFields/strmMeta~1keyLink (path)"),
        ("list", "id", "/keyField (path-type)"), ("m", "id", "/keyField (path-type)"),
        ("m/*", "id", "/keyField (path-type)"),
        ("o", "id", "/keyField (path-type)"), ("gone", "id", "/keyField (unknown-path)"),
        ("n", "o/s", "accepted"), ("o/s", "rec/s", "accepted"),
        ("id", "rec/next/s", "accepted"), ("id", "wild", "accepted"),
        ("id", "x_1", "accepted"), ("id", "m/x", "/piiFields/m~1x (unknown-path)"),
    ]

    @Test(arguments: badPaths)
    func `a path has to name a place of the schema that fits its use`(
        _ example: (String, String, String)
    ) {
        let schema = ##"""
            {"type":"object","properties":{"id":{"type":"string"},"n":{"type":"integer"},
             "o":{"type":"object","properties":{"s":{"type":"string"}}},
             "l":{"type":"array","items":{"type":"integer"}},
             "list":{"type":"array","items":{"type":"string"}},
             "one":{"oneOf":[{"properties":{"x":{"const":1}}},{"properties":{"x":{"enum":["a"]}}}]},
             "m":{"type":"object","additionalProperties":{"type":"string"}},"wild":true,
             "rec":{"$ref":"#/$defs/rec"}},
             "patternProperties":{"^x_":{"type":"string"}},
             "$defs":{"rec":{"type":"object","properties":
               {"s":{"type":"string"},"next":{"$ref":"#/$defs/rec"}}}}}
            """##
        let error = contractError { () throws(ContractError) in
            let document = try Fixture.schemaDocument(
                schema, key: example.0, pii: [(example.1, 1)])
            _ = try Contract(document: document, number: 1)
        }
        #expect(error == example.2)
    }

    static let badRoots: [(String, String)] = [
        (#"{"type":"string"}"#, "/schema/definition (root-type)"),
        ("false", "/schema/definition (root-type)"),
        (
            #"{"allOf":[{"type":"object"},{"type":["array","null"]}]}"#,
            "/schema/definition (root-type)"
        ),
        (#"{"properties":{"id":{}},"minimum":"3"}"#, "/schema/definition/minimum (type)"),
        (
            #"{"properties":{"id":{"type":"strin"}}}"#,
            "/schema/definition/properties/id/type (any-of)"
        ),
        (#"{"properties":{"id":5}}"#, "/schema/definition/properties/id (type)"),
        (
            #"{"properties":{"id":{"$ref":"https://example.com/x.json"}}}"#,
            "/schema/definition/properties/id/$ref (ref)"
        ),
        (
            ##"{"properties":{"id":{"$ref":"#/$defs/gone"}}}"##,
            "/schema/definition/properties/id/$ref (ref)"
        ),
        (
            #"{"$schema":"https://json-schema.org/draft/2019-09/schema","properties":{"id":{}}}"#,
            "/schema/definition/$schema (schema-dialect)"
        ),
        (
            #"{"properties":{"id":{"pattern":"(?=a)b"}}}"#,
            "/schema/definition/properties/id/pattern (regex)"
        ),
        (
            #"{"properties":{"id":{}},"patternProperties":{"(a)\\1":{}}}"#,
            "/schema/definition/patternProperties (regex)"
        ),
        (
            #"{"$schema":"http://json-schema.org/draft-07/schema#","properties":{"id":{}},"required":"id"}"#,
            "/schema/definition/required (type)"
        ),
    ]

    @Test(arguments: badRoots)
    func `a schema that cannot be used is refused with the pointer of its keyword`(
        _ example: (String, String)
    ) {
        let error = contractError { () throws(ContractError) in
            let document = try Fixture.schemaDocument(example.0)
            _ = try Contract(document: document, number: 1)
        }
        #expect(error == example.1)
    }

    @Test func `a contract keeps its language and its schema as written`() throws {
        let schema = #"{"type":"object","properties":{"id":{"type":"string"}},"title":"x"}"#
        let document = try Fixture.schemaDocument(schema)
        #expect(document.schemaLanguage == .jsonSchema)
        let text = String(decoding: document.canonicalJSON(), as: UTF8.self)
        #expect(text.contains(#""schemaType":"JSON_SCHEMA""#) && text.contains(schema))
        let again = try ContractDocument(json: document.canonicalJSON())
        #expect(again.canonicalJSON() == document.canonicalJSON())
        let short = text.replacing(#""JSON_SCHEMA""#, with: #""json""#)
        #expect(try ContractDocument(json: Array(short.utf8)).schemaLanguage == .jsonSchema)
    }
}
