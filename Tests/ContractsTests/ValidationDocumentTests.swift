import Testing

@testable import Contracts

/// What a contract's validations may be, and how they are kept.
struct ValidationDocumentTests {
    private static let fields = """
        {"name":"s","type":"string"},{"name":"o","type":["null","string"]},{"name":"i","type":"int"},
        {"name":"n","type":"long"},{"name":"d","type":"double"},{"name":"b","type":"boolean"},
        {"name":"y","type":"bytes"},{"name":"l","type":{"type":"array","items":"string"}},
        {"name":"e","type":{"type":"enum","name":"E","symbols":["A","B"]}},
        {"name":"u","type":["int","string"]},
        {"name":"r","type":{"type":"record","name":"R","fields":[{"name":"x","type":"string"}]}}
        """

    private static func error(_ rules: [String]) -> String {
        contractError { () throws(ContractError) in
            let document = try Fixture.document(fields: fields, validations: rules)
            _ = try Contract(document: document, number: 1)
        }
    }

    static let refused: [(String, String)] = [
        (#"{"field":"s"}"#, "/validations/0/type (required)"),
        (#"{"type":"regex","value":"a"}"#, "/validations/0/field (required)"),
        (#"7"#, "/validations/0 (type)"),
        (#"{"field":"s","type":"luhn"}"#, "/validations/0/type (validation-type)"),
        (#"{"field":"s","type":"regex","value":"(?=a)"}"#, "/validations/0/value (regex)"),
        (#"{"field":"s","type":"regex","values":["a"]}"#, "/validations/0/values (unknown-field)"),
        (#"{"field":"s","type":"enum","value":"a"}"#, "/validations/0/value (unknown-field)"),
        (#"{"field":"s","type":"enum"}"#, "/validations/0/values (required)"),
        (#"{"field":"s","type":"enum","values":[]}"#, "/validations/0/values (count)"),
        (
            #"{"field":"s","type":"enum","values":["a","a"]}"#,
            "/validations/0/values/1 (duplicate-value)"
        ),
        (#"{"field":"s","type":"enum","values":[null]}"#, "/validations/0/values/0 (type)"),
        (
            #"{"field":"s","type":"enum","values":["a",1]}"#,
            "/validations/0/values/1 (validation-value)"
        ),
        (
            #"{"field":"i","type":"enum","values":[1,"1"]}"#,
            "/validations/0/values/1 (validation-value)"
        ),
        (
            #"{"field":"i","type":"enum","values":[2147483648]}"#,
            "/validations/0/values/0 (validation-value)"
        ),
        (
            #"{"field":"n","type":"enum","values":[1.5]}"#,
            "/validations/0/values/0 (validation-value)"
        ),
        (
            #"{"field":"n","type":"enum","values":[18446744073709551615]}"#,
            "/validations/0/values/0 (range)"
        ),
        (
            #"{"field":"b","type":"enum","values":["true"]}"#,
            "/validations/0/values/0 (validation-value)"
        ),
        (
            #"{"field":"d","type":"enum","values":[true]}"#,
            "/validations/0/values/0 (validation-value)"
        ),
        (
            #"{"field":"e","type":"enum","values":["A","C"]}"#,
            "/validations/0/values/1 (validation-value)"
        ),
        (#"{"field":"y","type":"enum","values":["A"]}"#, "/validations/0/field (validation-type)"),
        (
            #"{"field":"u","type":"enum","values":[1]}"#,
            "/validations/0/values/0 (validation-value)"
        ),
        (#"{"field":"s","type":"range","min":1}"#, "/validations/0/field (validation-type)"),
        (#"{"field":"u","type":"range","min":1}"#, "/validations/0/field (validation-type)"),
        (#"{"field":"i","type":"range"}"#, "/validations/0 (required)"),
        (#"{"field":"i","type":"range","min":"1"}"#, "/validations/0/min (type)"),
        (#"{"field":"i","type":"range","min":2,"max":1}"#, "/validations/0 (range)"),
        (#"{"field":"i","type":"range","exclusiveMin":1,"max":1}"#, "/validations/0 (range)"),
        (
            #"{"field":"i","type":"range","exclusiveMin":1,"exclusiveMax":2}"#,
            "/validations/0 (range)"
        ),
        (#"{"field":"i","type":"range","min":0.2,"max":0.8}"#, "/validations/0 (range)"),
        (#"{"field":"i","type":"range","min":2147483648}"#, "/validations/0 (range)"),
        (
            #"{"field":"n","type":"range","exclusiveMin":9223372036854775807}"#,
            "/validations/0 (range)"
        ),
        (#"{"field":"n","type":"range","min":1e19}"#, "/validations/0 (range)"),
        (#"{"field":"i","type":"range","min":1,"exclusiveMin":1}"#, "/validations/0 (range)"),
        (#"{"field":"s","type":"length"}"#, "/validations/0 (required)"),
        (#"{"field":"s","type":"length","min":-1}"#, "/validations/0/min (range)"),
        (#"{"field":"s","type":"length","min":1.5}"#, "/validations/0/min (type)"),
        (#"{"field":"s","type":"length","min":3,"max":2}"#, "/validations/0 (range)"),
        (#"{"field":"i","type":"length","min":3}"#, "/validations/0/field (validation-type)"),
        (#"{"field":"s","type":"format","value":"regex"}"#, "/validations/0/value (format)"),
        (
            #"{"field":"d","type":"format","value":"date"}"#,
            "/validations/0/field (validation-type)"
        ),
        (#"{"field":"s","type":"format","value":"date","id":"a b"}"#, "/validations/0/id (id)"),
        (#"{"field":"s","type":"format","value":"date","id":""}"#, "/validations/0/id (id)"),
        (
            #"{"field":"s","type":"format","value":"date","message":""}"#,
            "/validations/0/message (message)"
        ),
        (
            #"{"field":"s","type":"format","value":"date","message":"a\nb"}"#,
            "/validations/0/message (message)"
        ),
        (
            #"{"field":"s","type":"format","value":"date","message":"a\u2028b"}"#,
            "/validations/0/message (message)"
        ),
        (#"{"field":"o","type":"required-if"}"#, "/validations/0/when (required)"),
        (
            #"{"field":"o","type":"required-if","when":{"field":"s"}}"#,
            "/validations/0/when/isPresent (required)"
        ),
        (
            #"{"field":"o","type":"required-if","when":{"field":"s","isPresent":false}}"#,
            "/validations/0/when/isPresent (condition)"
        ),
        (
            #"{"field":"o","type":"required-if","when":{"field":"s","isPresent":true,"in":["a"]}}"#,
            "/validations/0/when (condition)"
        ),
        (
            #"{"field":"o","type":"required-if","when":{"field":"s","in":[1]}}"#,
            "/validations/0/when/in/0 (validation-value)"
        ),
        (
            #"{"field":"o","type":"required-if","when":{"field":"y","in":["a"]}}"#,
            "/validations/0/when/field (validation-type)"
        ),
        (
            #"{"field":"l","type":"required-if","when":{"field":"s","isPresent":true}}"#,
            "/validations/0/field (path-type)"
        ),
        (
            #"{"field":"r","type":"required-if","when":{"field":"s","isPresent":true}}"#,
            "/validations/0/field (path-type)"
        ),
        (
            #"{"field":"o","type":"required-if","when":{"field":"l","in":["a"]}}"#,
            "/validations/0/when/field (path-type)"
        ),
        (
            #"{"field":"o","type":"required-if","when":{"field":"z","isPresent":true}}"#,
            "/validations/0/when/field (unknown-path)"
        ),
        (#"{"field":"z","type":"range","min":1}"#, "/validations/0/field (unknown-path)"),
    ]

    @Test(arguments: refused)
    func `what is wrong with a validation is told with its place`(rule: String, error: String) {
        #expect(Self.error([rule]) == error)
    }

    @Test func `limits are kept`() {
        let rule = #""field":"s","type":"enum","values""#
        let many = (0...1_024).map { "\"\($0)\"" }.joined(separator: ",")
        #expect(Self.error(["{\(rule):[\(many)]}"]) == "/validations/0/values (count)")
        let long = String(repeating: "a", count: 1_001)
        #expect(Self.error(["{\(rule):[\"\(long)\"]}"]) == "/validations/0/values/0 (size)")
        let message = String(repeating: "é", count: 200)
        let format = #""field":"s","type":"format","value":"date""#
        #expect(Self.error(["{\(format),\"message\":\"\(message)\"}"]) == "accepted")
        #expect(
            Self.error(["{\(format),\"message\":\"\(message)x\"}"])
                == "/validations/0/message (message)")
        let id = String(repeating: "a", count: 64)
        #expect(Self.error(["{\(format),\"id\":\"\(id)\"}"]) == "accepted")
        #expect(Self.error(["{\(format),\"id\":\"\(id)a\"}"]) == "/validations/0/id (id)")
        let condition = #"{"field":"o","type":"required-if","when":{"field":"s","in":["a"]}}"#
        #expect(Self.error(Array(repeating: condition, count: 64)) == "accepted")
        #expect(Self.error(Array(repeating: condition, count: 65)) == "/validations/64 (count)")
        let range = #"{"field":"i","type":"range","min":0}"#
        #expect(Self.error(Array(repeating: range, count: 256)) == "accepted")
        #expect(Self.error(Array(repeating: range, count: 257)) == "/validations (count)")
    }

    @Test func `ids are unique, and those that are not given come from type and path`() throws {
        let format = #""field":"s","type":"format","value":"date""#
        #expect(
            Self.error(["{\(format),\"id\":\"a\"}", "{\(format),\"id\":\"a\"}"])
                == "/validations/1/id (duplicate-id)")
        let document = try Fixture.document(
            fields: Self.fields,
            validations: [
                "{\(format)}", "{\(format)}", "{\(format),\"id\":\"format.s\"}", "{\(format)}",
            ])
        #expect(
            document.validations.map(\.id)
                == ["format:s", "format:s#2", "format.s", "format:s#3"])
    }

    @Test func `a regex without id and message keeps its old canonical form`() throws {
        let document = try Fixture.document(fields: Self.fields, regex: [("s", "a+")])
        let text = String(decoding: document.canonicalJSON(), as: UTF8.self)
        #expect(text.contains(#""validations":[{"field":"s","type":"regex","value":"a+"}]"#))
    }

    static let kept = [
        #"{"id":"a","field":"s","type":"regex","value":"a","message":"m"}"#,
        #"{"id":"b","field":"s","type":"enum","values":["x","y"]}"#,
        #"{"field":"d","type":"enum","values":[1,2.5]}"#,
        #"{"field":"b","type":"enum","values":[true,false]}"#,
        #"{"field":"d","type":"range","exclusiveMin":0.5,"max":9,"message":"m"}"#,
        #"{"field":"i","type":"range","min":-1,"exclusiveMax":9}"#,
        #"{"field":"s","type":"length","min":1,"max":9}"#,
        #"{"field":"s","type":"format","value":"date-time"}"#,
        #"{"field":"o","type":"required-if","when":{"field":"s","in":["a"]}}"#,
        #"{"field":"o","type":"required-if","when":{"field":"s","isPresent":true}}"#,
    ]

    @Test(arguments: kept)
    func `the canonical form keeps a validation as it was written`(rule: String) throws {
        let document = try Fixture.document(fields: Self.fields, validations: [rule])
        let text = String(decoding: document.canonicalJSON(), as: UTF8.self)
        #expect(text.contains("\"validations\":[\(rule)]"))
        let again = try ContractDocument(json: document.canonicalJSON())
        #expect(again.canonicalJSON() == document.canonicalJSON())
        _ = try Contract(document: document, number: 1)
    }

    static let integers: [(String, ClosedRange<Int64>?)] = [
        (#""min":-9223372036854775808,"max":9223372036854775807"#, .min ... .max),
        (#""min":0.5,"max":3.5"#, 1...3), (#""exclusiveMin":1,"exclusiveMax":3"#, 2...2),
        (#""exclusiveMin":1.0,"exclusiveMax":3.0"#, 2...2),
        (#""exclusiveMin":1.5,"exclusiveMax":2.5"#, 2...2), (#""min":1e30"#, nil),
        (#""max":-1e30"#, nil), (#""max":1e30"#, .min ... .max), (#""min":-1e30"#, .min ... .max),
        (#""min":9007199254740993"#, 9_007_199_254_740_993 ... .max),
    ]

    @Test(arguments: integers)
    func `bounds of integers are exact`(members: String, expected: ClosedRange<Int64>?) throws {
        let value = try JSONValue.parse(Array("{\(members)}".utf8), pointer: "")
        let range = try NumberRange(DocumentCursor(value: value, pointer: ""))
        #expect(range.integers == expected)
    }
}
