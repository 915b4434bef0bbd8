import Testing

@testable import Contracts

struct RequiredIfTests {
    private static let address = """
        {"name":"country","type":["null","string"],"default":null},
        {"name":"adult","type":["null","boolean"],"default":null},
        {"name":"size","type":["null","int","double"],"default":null},
        {"name":"address","type":["null",{"type":"record","name":"A","fields":[
          {"name":"zip","type":["null","string"],"default":null}]}],"default":null},
        {"name":"phone","type":["null","string"],"default":null}
        """

    private static func fixture(_ when: String, field: String = "address/zip") throws -> Fixture {
        try Fixture(
            fields: address,
            validations: [
                #"{"id":"zip","field":"\#(field)","type":"required-if","when":\#(when),"message":"A zip."}"#
            ])
    }

    private static let countries = #"{"field":"country","in":["DE","FR"]}"#

    @Test(arguments: [
        ("", true), (#""country":"US""#, true), (#""country":"DE""#, false),
        (#""country":"FR","address":null"#, false), (#""country":"FR","address":{}"#, false),
        (#""country":"DE","address":{"zip":null}"#, false),
        (#""country":"DE","address":{"zip":""}"#, false),
        (#""country":"DE","address":{"zip":"1"}"#, true),
        (#""country":"de","address":{}"#, true), (#""address":{"zip":"1"},"country":"DE""#, true),
    ])
    func `a field is asked for only where the other has one of the values`(
        members: String, isRight: Bool
    ) throws {
        let fixture = try Self.fixture(Self.countries)
        let outcome = fixture.json(members)
        if isRight {
            if case .refused = outcome { Issue.record("\(outcome)") }
        } else {
            #expect(outcome == .refused("/address/zip", .requiredIf))
        }
        // What the last event said is forgotten.
        #expect(fixture.json("") != .refused("/address/zip", .requiredIf))
    }

    @Test func `the refusal says the rule, its id and message`() throws {
        let text =
            #"{"strmMeta":{"eventContractRef":"t/t/1.0.0","consentLevels":[]},"id":"k","country":"DE"}"#
        #expect(
            try Self.fixture(Self.countries).decode(Array(text.utf8))
                == .failure(
                    Refusal(
                        kind: .contractViolation, pointer: "/address/zip", place: "/address/zip",
                        rule: .requiredIf, expected: "a value if country is one of DE, FR",
                        ruleID: "zip",
                        message: "A zip.")))
    }

    @Test(arguments: [
        (#"{"field":"adult","in":[false]}"#, #""adult":false"#, #""adult":true"#),
        (#"{"field":"phone","isPresent":true}"#, #""phone":"1""#, #""phone":"""#),
        (#"{"field":"phone","isPresent":true}"#, #""phone":"1""#, #""phone":null"#),
        (#"{"field":"adult","isPresent":true}"#, #""adult":false"#, ""),
    ])
    func `conditions are on booleans and on presence too`(
        when: String, met: String, unmet: String
    ) throws {
        let fixture = try Self.fixture(when)
        #expect(fixture.json(met) == .refused("/address/zip", .requiredIf))
        if case .refused = fixture.json(unmet) { Issue.record("asked for without need") }
    }

    @Test func `a field of another type than text counts as present with any value`() throws {
        let fixture = try Self.fixture(#"{"field":"phone","isPresent":true}"#, field: "adult")
        #expect(fixture.json(#""phone":"1""#) == .refused("/adult", .requiredIf))
        if case .refused = fixture.json(#""phone":"1","adult":false"#) {
            Issue.record("false is a value")
        }
    }

    @Test func `Avro binary is judged like JSON`() throws {
        let fixture = try Self.fixture(Self.countries)
        let country: [UInt8] = [2, 4] + Array("DE".utf8)
        #expect(fixture.binary(country + [0, 0, 0, 0]) == .refused("/address/zip", .requiredIf))
        #expect(
            fixture.binary(country + [0, 0, 2, 2, 0, 0]) == .refused("/address/zip", .requiredIf))
        #expect(
            fixture.binary(country + [0, 0, 2, 2, 2, 0x31, 0])
                == .accepted(
                    #""country":"DE","adult":null,"size":null,"address":{"zip":"1"},"phone":null"#))
        #expect(
            fixture.binary([0, 0, 0, 0, 0])
                == .accepted(
                    #""country":null,"adult":null,"size":null,"address":null,"phone":null"#))
    }

    @Test func `defaults count as values, those of records within defaults too`() throws {
        let fixture = try Fixture(
            fields: """
                {"name":"country","type":"string","default":"DE"},
                {"name":"zip","type":"string","default":"0"},
                {"name":"a","type":{"type":"record","name":"A","fields":[
                  {"name":"b","type":"string","default":"x"}]},"default":{}},
                {"name":"note","type":["null","string"],"default":null}
                """,
            validations: [
                #"{"field":"zip","type":"required-if","when":{"field":"country","in":["DE"]}}"#,
                #"{"field":"note","type":"required-if","when":{"field":"a/b","in":["x"]}}"#,
            ])
        #expect(fixture.json("") == .refused("/note", .requiredIf))
        #expect(fixture.json(#""note":"n","zip":"""#) == .refused("/zip", .requiredIf))
        #expect(
            fixture.json(#""a":{"b":"y"},"zip":"","country":"US""#) != .refused("/zip", .requiredIf)
        )
        if case .refused = fixture.json(#""note":"n""#) { Issue.record("the defaults are values") }
    }

    @Test func `64 conditions are kept apart`() throws {
        let fields = (0..<64).map { #"{"name":"f\#($0)","type":["null","string"],"default":null}"# }
        let rules = (0..<64).map {
            #"{"field":"f\#($0)","type":"required-if","when":{"field":"id","in":["v\#($0)"]}}"#
        }
        let fixture = try Fixture(fields: fields.joined(separator: ","), validations: rules)
        for index in [0, 1, 31, 32, 62, 63] {
            let meta = #"{"strmMeta":{"eventContractRef":"t/t/1.0.0","consentLevels":[]},"#
            let outcome = fixture.event(#"\#(meta)"id":"v\#(index)"}"#)
            #expect(outcome == .refused("/f\(index)", .requiredIf))
            let right = fixture.event(#"\#(meta)"id":"v\#(index)","f\#(index)":"x"}"#)
            if case .refused = right { Issue.record("\(right)") }
        }
    }
}
