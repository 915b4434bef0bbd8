import Testing

@testable import Contracts

@Suite("paths of a contract")
struct FieldPathTests {
    private static let address =
        #"{"type":"record","name":"Address","fields":[{"name":"street","type":"string"},"#
        + #"{"name":"zip","type":"string","default":"0000"}]}"#

    @Test("personal strings are found in records, lists and maps, optional or not")
    func places() throws {
        let fixture = try Fixture(
            fields: #"{"name":"a","type":"string"},{"name":"b","type":["null","string"]},"#
                + #"{"name":"c","type":{"type":"array","items":"string"}},"#
                + #"{"name":"d","type":["null",{"type":"map","values":["null","string"]}]},"#
                + #"{"name":"e","type":{"type":"array","items":{"type":"record","name":"R","fields":["#
                + #"{"name":"s","type":"string"},{"name":"t","type":"string"}]}}},"#
                + #"{"name":"g","type":{"type":"map","values":{"type":"array","items":"R"}}}"#,
            pii: [("a", 1), ("b", 2), ("c", 3), ("d/*", 4), ("e/*/s", 5), ("g/t", 6)])
        let text =
            #""a":"1","b":"2\n","c":["3","4"],"d":{"x":"5","y":null,"z":"6"},"#
            + #""e":[{"s":"7","t":"n"},{"s":"8","t":"n"}],"g":{"k":[{"s":"n","t":"9"}]}"#
        #expect(fixture.json(text) == .accepted(text))
        #expect(
            fixture.personal == [
                "a 1 1", #"b 2 2\n\"#, "c 3 3", "c 3 4", "d 4 5", "d 4 6", "e/s 5 7", "e/s 5 8",
                "g/t 6 9",
            ])
        #expect(fixture.contract.piiFields.map(\.path) == ["a", "b", "c", "d", "e/s", "g/t"])
    }

    @Test("a path marks its place only, though the type is used in two")
    func sharedType() throws {
        let fixture = try Fixture(
            fields:
                #"{"name":"billing","type":\#(Self.address)},{"name":"shipping","type":"Address"}"#,
            pii: [("billing/street", 2)], regex: [("shipping/street", "[a-z]+")])
        let text =
            #""billing":{"street":"Main 1","zip":"1"},"shipping":{"street":"dock","zip":"2"}"#
        #expect(fixture.json(text) == .accepted(text))
        #expect(fixture.personal == ["billing/street 2 Main 1"])
        #expect(
            fixture.json(#""billing":{"street":"a"},"shipping":{"street":"Dock 5"}"#)
                == .refused("/shipping/street", .regex))
    }

    @Test("in a type that contains itself a path names one level")
    func recursion() throws {
        let fixture = try Fixture(
            fields:
                #"{"name":"p","type":{"type":"record","name":"P","fields":[{"name":"n","type":"string"},"#
                + #"{"name":"kids","type":{"type":"array","items":"P"},"default":[]}]}}"#,
            pii: [("p/n", 1), ("p/kids/*/n", 2)])
        _ = fixture.json(#""p":{"n":"a","kids":[{"n":"b","kids":[{"n":"c"}]}]}"#)
        #expect(fixture.personal == ["p/n 1 a", "p/kids/n 2 b"])
    }

    @Test("a union on the way is followed in each branch that has the field")
    func unions() throws {
        let fixture = try Fixture(
            fields:
                #"{"name":"u","type":["null","int",{"type":"record","name":"A","fields":[{"name":"m","type":"string"}]},"#
                + #"{"type":"record","name":"B","fields":[{"name":"m","type":"string"},{"name":"o","type":"int"}]}]}"#,
            pii: [("u/m", 1)])
        #expect(fixture.json(#""u":{"m":"x"}"#) == .accepted(#""u":{"m":"x"}"#))
        #expect(fixture.personal == ["u/m 1 x"])
        #expect(fixture.json(#""u":{"o":1,"m":"y"}"#) == .accepted(#""u":{"m":"y","o":1}"#))
        #expect(fixture.personal == ["u/m 1 y"])
        #expect(fixture.json(#""u":5"#) == .accepted(#""u":5"#))
        #expect(fixture.personal.isEmpty)
    }

    @Test("personal values in defaults are spans too")
    func defaults() throws {
        let fixture = try Fixture(
            fields: #"{"name":"a","type":"int","default":1},"#
                + #"{"name":"r","type":\#(Self.address),"default":{"street":"a\"b"}}"#,
            pii: [("r/street", 3), ("r/zip", 4)])
        #expect(fixture.json("") == .accepted(#""a":1,"r":{"street":"a\"b","zip":"0000"}"#))
        #expect(fixture.personal == [#"r/street 3 a\"b\"#, "r/zip 4 0000"])
        _ = fixture.json(#""a":123456,"r":{"street":"x"}"#)
        #expect(fixture.personal == ["r/street 3 x", "r/zip 4 0000"])
    }

    static let keyPaths: [(String, String)] = [
        ("list", "(path-type)"), ("list/*", "(path-type)"), ("rec", "(path-type)"),
        ("rec/gone", "(unknown-path)"), ("id/x", "(unknown-path)"), ("rec/*", "(unknown-path)"),
        ("n", "(accepted)"), ("", "(path)"), ("rec//a", "(path)"), ("none", "(path-type)"),
    ]

    @Test("a key field is a scalar outside lists and maps", arguments: keyPaths)
    func keyPath(_ example: (String, String)) {
        let fields =
            #"{"name":"list","type":{"type":"array","items":"string"}},{"name":"n","type":["null","long"]},"#
            + #"{"name":"none","type":"null"},"#
            + #"{"name":"rec","type":{"type":"record","name":"R","fields":[{"name":"a","type":"string"}]}}"#
        let error = contractError { () throws(ContractError) in
            let document = try Fixture.document(fields: fields, key: example.0)
            _ = try Contract(document: document, number: 1)
        }
        #expect(error == (example.1 == "(accepted)" ? "accepted" : "/keyField \(example.1)"))
    }

    static let personalTypes: [(String, String, String)] = [
        (#""int""#, "f", "(pii-type)"),
        (#"["null","string","int"]"#, "f", "(pii-type)"),
        (#"{"type":"enum","name":"E","symbols":["A"]}"#, "f", "accepted"),
        (#"["null",{"type":"enum","name":"E","symbols":["A"]},"string"]"#, "f", "accepted"),
        (#"["null",{"type":"enum","name":"E","symbols":["A"]},"int"]"#, "f", "(pii-type)"),
        (#""bytes""#, "f", "(pii-type)"),
        (#"{"type":"map","values":"string"}"#, "f/k", "(unknown-path)"),
        (#"{"type":"array","items":"int"}"#, "f", "(pii-type)"),
        (#"{"type":"array","items":{"type":"array","items":"string"}}"#, "f", "accepted"),
        (#"["null",{"type":"array","items":"string"}]"#, "f/*", "accepted"),
    ]

    @Test(
        "personal fields are strings and enums, also optional, in lists and in maps",
        arguments: personalTypes
    )
    func personal(_ example: (String, String, String)) {
        let error = contractError { () throws(ContractError) in
            let document = try Fixture.document(
                fields: #"{"name":"f","type":\#(example.0)}"#, pii: [(example.1, 1)])
            _ = try Contract(document: document, number: 1)
        }
        #expect(error.hasSuffix(example.2))
    }

    static let keyValues: [(String, String, String?)] = [
        (#""string""#, #""a\"b""#, #"a"b"#), (#""string""#, #""""#, nil),
        (#"["null","string"]"#, "null", nil), (#"["null","string"]"#, #"{"string":"x"}"#, "x"),
        (#""int""#, "0", "0"), (#""long""#, "-5", "-5"), (#""double""#, "1e2", "100"),
        (#""boolean""#, "false", "false"), (#""bytes""#, #""\u00ff\"""#, "\u{ff}\""),
        (#"{"type":"enum","name":"E","symbols":["A"]}"#, #""A""#, "A"),
    ]

    @Test("the key field's value is its raw text; null and empty are refused", arguments: keyValues)
    func keyValue(_ example: (String, String, String?)) throws {
        let fixture = try Fixture(
            fields:
                #"{"name":"r","type":{"type":"record","name":"R","fields":[{"name":"k","type":\#(example.0)}]}}"#,
            key: "r/k", subject: "r/k")
        let outcome = fixture.json(#""r":{"k":\#(example.1)}"#)
        guard let expected = example.2 else {
            #expect(outcome == .refused("/r/k", .keyFieldEmpty))
            return
        }
        guard case .accepted = outcome else {
            Issue.record("\(outcome)")
            return
        }
        #expect(String(decoding: fixture.decoder.keyValue, as: UTF8.self) == expected)
        let subject = try #require(fixture.decoder.subjectValue)
        #expect(String(decoding: subject, as: UTF8.self) == expected)
    }

    @Test("a key field or data subject from a default ties nothing to anyone")
    func defaultKey() throws {
        let key = try Fixture(
            fields: #"{"name":"k","type":"string","default":"same"}"#, key: "k")
        #expect(key.json("") == .refused("/k", .keyFieldEmpty))
        let subject = try Fixture(
            fields: #"{"name":"s","type":"string","default":"same"}"#, subject: "s")
        #expect(subject.json("") == .accepted(#""s":"same""#))
        #expect(subject.decoder.subjectValue == nil)
        #expect(subject.json(#""s":"one""#) == .accepted(#""s":"one""#))
        #expect(subject.decoder.subjectValue != nil)
        #expect(subject.json(#""s":"""#) == .accepted(#""s":"""#))
        #expect(subject.decoder.subjectValue == nil)
    }

    @Test("a field can be key, data subject, personal and validated at once")
    func everything() throws {
        let fixture = try Fixture(
            key: "id", pii: [("id", 9)], regex: [("id", "[a-z]+"), ("id", ".{1,3}")], subject: "id")
        #expect(fixture.json("") == .accepted(""))
        #expect(fixture.personal == ["id 9 k"])
        #expect(fixture.contract.hasDataSubject)
    }

    @Test("a default that breaks a validation makes the field required")
    func invalidDefault() throws {
        let fixture = try Fixture(
            fields: #"{"name":"m","type":"string","default":""}"#, regex: [("m", ".+@.+")])
        #expect(fixture.json("") == .refused("/m", .required))
        #expect(fixture.json(#""m":"a@b""#) == .accepted(#""m":"a@b""#))
    }
}
