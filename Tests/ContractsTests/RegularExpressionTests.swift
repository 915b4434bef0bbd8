import Testing

@testable import Contracts

@Suite("a validation by regex")
struct RegularExpressionTests {
    static let meanings: [(String, String, Bool)] = [
        ("^.*@.*$", "a@b", true), ("^.*@.*$", "ab", false), (".*@.*", "a@b", true),
        ("[0-9]+", "42", true), ("[0-9]+", "x42", false), ("[0-9]+", "42x", false),
        ("a|ab", "ab", true), ("", "", true), ("", "x", false), (".*", "a\nb", false),
        ("(?s).*", "a\nb", true), ("(?i)abc", "ABC", true), ("^$", "", true),
        ("é.", "éé", true), ("..", "é", false), ("\\pL+", "Ünïcode", true),
        ("(?P<n>x)", "x", true), ("a{3}", "aaa", true), ("\\.", ".", true),
    ]

    @Test("a value is valid if all of it matches", arguments: meanings)
    func meaning(_ example: (String, String, Bool)) throws {
        let expression = try RegularExpression(example.0)
        let isMatch = Array(example.1.utf8).withUnsafeBytes { expression.matches($0) }
        #expect(isMatch == example.2)
    }

    static let refused = [
        "(?=a)b", "(?!a)b", "(?<=a)b", "(a)\\1", "((a{1,100}){1,100}){1,100}", "(", ")", "[a",
        "a**", "(?<n>x)", "\\", "(?P=n)", "a{1001}", String(repeating: "a", count: 1_001),
        "(?:" + String(repeating: "\\pL{1,40}", count: 60) + "){10}",
    ]

    @Test("what has no linear-time meaning or needs much memory is refused", arguments: refused)
    func refusal(_ pattern: String) {
        #expect(throws: RegularExpression.Refused.self) { try RegularExpression(pattern) }
    }

    /// Known patterns on which backtracking engines take exponential or high polynomial time.
    static let explosive = [
        "(a+)+$", "([a-zA-Z]+)*$", "(a|aa)+$", "(a|a?)+$", "(.*a){20}$", "^(a+)+$", "(a*)*b",
        "^(([a-z])+.)+[A-Z]([a-z])+$", "(x+x+)+y", "^([a-z0-9]+)*@", "(.*)(.*)(.*)(.*)[^a]$",
        "^(\\w+\\s?)*$", "(\\d+)*\\D", "((a+)*)*!", "^(?:a?){50}a{50}$", "(a|b|ab)*c",
        "^([0-9a-f]{2,}:?)*$", "(?:.*,){12}P", "(?:a{1,30}){1,30}b", "^(.+)+\\z|b$",
    ]

    @Test("20 explosive patterns are harmless on 100 KiB", arguments: explosive)
    func explosion(_ pattern: String) throws {
        // No time is measured: a backtracking engine would not end in the life of this test.
        let text = [UInt8](repeating: UInt8(ascii: "a"), count: 100 << 10) + [0x21]
        guard let expression = try? RegularExpression(pattern) else { return }
        let isMatch = text.withUnsafeBytes { expression.matches($0) }
        #expect(
            isMatch
                == (pattern == "((a+)*)*!" || pattern.hasPrefix("^(.+)+")
                    || pattern == "(.*)(.*)(.*)(.*)[^a]$"))
    }

    @Test("validations apply to optional values, lists, maps and enums, and tell their pattern")
    func places() throws {
        let fixture = try Fixture(
            fields:
                #"{"name":"a","type":["null","string"]},{"name":"l","type":{"type":"array","items":"string"}},"#
                + #"{"name":"m","type":{"type":"map","values":"string"}},"#
                + #"{"name":"e","type":{"type":"enum","name":"E","symbols":["AX","BX"]}}"#,
            regex: [("a", "x+"), ("l", "x+"), ("m/*", "x+"), ("e", "A.")])
        #expect(
            fixture.json(#""a":null,"l":["x"],"m":{"k":"x"},"e":"AX""#)
                == .accepted(#""a":null,"l":["x"],"m":{"k":"x"},"e":"AX""#))
        #expect(fixture.json(#""a":"y","l":[],"m":{},"e":"AX""#) == .refused("/a", .regex))
        #expect(
            fixture.json(#""a":null,"l":["x","y"],"m":{},"e":"AX""#) == .refused("/l/1", .regex))
        #expect(
            fixture.json(#""a":null,"l":[],"m":{"k":"y"},"e":"AX""#) == .refused("/m/k", .regex))
        #expect(fixture.json(#""a":null,"l":[],"m":{},"e":"BX""#) == .refused("/e", .regex))
        let head = #"{"strmMeta":{"eventContractRef":"t/t/1.0.0","consentLevels":[1]},"id":"k","#
        guard case .failure(let refusal) = fixture.decode(Array((head + #""a":"y"}"#).utf8)) else {
            Issue.record("accepted")
            return
        }
        #expect(refusal.kind == .contractViolation)
        #expect(refusal.expected == "a value that matches x+ as a whole")
    }

    @Test("the pattern sees the unescaped text")
    func unescaped() throws {
        let fixture = try Fixture(
            fields: #"{"name":"f","type":"string"}"#, regex: [("f", "a\"é\n")])
        #expect(fixture.json(#""f":"a\"\u00e9\n""#) == .accepted(#""f":"a\"é\n""#))
        #expect(fixture.json(#""f":"a\\\"é\n""#) == .refused("/f", .regex))
    }
}
