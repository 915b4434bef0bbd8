import Testing

@testable import Contracts

struct JSONSchemaWordsTests {
    static let patterns: [(String, String, Bool)] = [
        (#"^\d+$"#, "0123", true), (#"^\d+$"#, "\u{0663}", false), (#"^\d+$"#, "1\n", false),
        (#"^\w+$"#, "a_9", true), (#"^\w+$"#, "\u{e9}", false), (#"^\s$"#, "\u{feff}", true),
        (#"^\s$"#, "\u{2028}", true), (#"^\s$"#, "\u{0b}", true), (#"^[\s]$"#, "\u{a0}", true),
        (#"^\S$"#, "\u{a0}", false), (#"^[\S]$"#, "x", true), (#"^[\S]$"#, "\u{3000}", false),
        (#"^.$"#, "\u{2029}", false), (#"^.$"#, "\r", false), (#"^.$"#, "\u{1f600}", true),
        (#"^\cA$"#, "\u{1}", true), (#"^\u0041\u{1F600}$"#, "A\u{1f600}", true),
        (#"^\uD83D\uDE00$"#, "\u{1f600}", true), (#"^\p{Letter}+$"#, "\u{e9}a", true),
        (#"^\p{Script=Greek}$"#, "\u{3b1}", true), (#"^\P{Lu}$"#, "A", false),
        (#"^[[:alpha:]]$"#, ":]", true), (#"^[]$"#, "a", false), (#"^[^]$"#, "\n", true),
        (#"^(?<year>\d{4})$"#, "2024", true), (#"a\/b"#, "xa/by", true),
        (#"^[\b]$"#, "\u{8}", true),
        (#"^\0$"#, "\0", true), (#"^\x41\-$"#, "A-", true), (#"é{2}"#, "éé", true),
    ]

    @Test(arguments: patterns)
    func `a pattern means what ECMA-262 says`(_ example: (String, String, Bool)) throws {
        let judge = try SchemaJudge(
            .object([.init(name: "pattern", value: .string(example.0))]))
        #expect(judge.accepts(.string(example.1)) == example.2)
    }

    static let refused = [
        #"(?=a)"#, #"(?!a)"#, #"(?<=a)b"#, #"(?<!a)b"#, #"(a)\1"#, #"\k<x>"#, #"\Aa"#, #"a\z"#,
        #"\Qa\E"#, #"a**"#, #"("#, #"[a"#, #"a{2,1}"#, #"\p{Nonsense}"#, #"\uD83D\u0041"#, #"\u12"#,
        #"\c1"#, "\\",
    ]

    @Test(arguments: refused)
    func `what RE2 cannot express is refused, with a reason`(_ pattern: String) {
        do throws(ContractError) {
            _ = try SchemaJudge(.object([.init(name: "pattern", value: .string(pattern))]))
            Issue.record("accepted")
        } catch {
            #expect(error.pointer == "/pattern" && error.rule == "regex")
            #expect(error.expected.contains("RE2 can run"))
        }
    }

    static let multiples: [(String, String, Bool)] = [
        ("0.0075", "0.0001", true), ("0.00751", "0.0001", false), ("1e308", "0.5", true),
        ("1e308", "0.123456789", false), ("4.5", "1.5", true), ("35", "1.5", false),
        ("12391239123", "1e-8", true), ("0", "7", true), ("0.0", "0.3", true),
        ("9007199254740993", "2", false), ("18446744073709551615", "5", true),
        ("18446744073709551615", "2", false), ("-9223372036854775808", "2", true),
        ("1e-308", "1e-307", false), ("1e-307", "1e-308", true), ("1e300", "7", false),
        ("0.3", "0.1", true), ("1", "3e300", false), ("19.99", "0.01", true),
    ]

    @Test(arguments: multiples)
    func `multiples are told exactly, on the decimal form`(_ example: (String, String, Bool)) throws
    {
        let values = try JSONValue.parse(Array("[\(example.0),\(example.1)]".utf8), pointer: "")
        guard case .array(let numbers) = values else { return }
        let value = try #require(JSONNumber(numbers[0]))
        let divisor = try #require(JSONNumber(numbers[1]))
        #expect(value.isMultiple(of: divisor.decimal) == example.2)
    }

    @Test func `numbers of all forms are ordered exactly`() throws {
        let texts = [
            "-1e300", "-9223372036854775809.0", "-9223372036854775807", "-1.5", "-1", "-0.5", "0",
            "1e-320", "0.5", "1", "1.5", "9007199254740992.0", "9007199254740993",
            "9223372036854775807", "9223372036854775808", "18446744073709551615",
            "18446744073709551616.0", "1e300",
        ]
        let list = try JSONValue.parse(
            Array("[\(texts.joined(separator: ","))]".utf8), pointer: "")
        guard case .array(let values) = list else { return }
        let numbers = values.compactMap { JSONNumber($0) }
        #expect(numbers.count == texts.count)
        for (at, one) in numbers.enumerated() {
            for (other, two) in numbers.enumerated() where at != other || at == other {
                #expect(one.compared(to: two).signum() == (at - other).signum())
            }
        }
    }

    static let uris: [(String, String)] = [
        ("g", "http://a/b/c/g"), ("./g", "http://a/b/c/g"), ("/g", "http://a/g"),
        ("//g", "http://g"), ("?y", "http://a/b/c/d;p?y"), ("", "http://a/b/c/d;p?q"),
        ("..", "http://a/b/"), ("../..", "http://a/"), ("../../../g", "http://a/g"),
        ("g/", "http://a/b/c/g/"), ("g:h", "g:h"), ("#s", "http://a/b/c/d;p?q"),
        ("g;x=1/../y", "http://a/b/c/y"), ("urn:x:y", "urn:x:y"),
    ]

    /// RFC 3986 §5.4.
    @Test(arguments: uris)
    func `references are resolved as RFC 3986 says`(_ example: (String, String)) {
        let base = URIReference("http://a/b/c/d;p?q")
        #expect(URIReference(example.0).resolved(against: base).absoluteText == example.1)
    }
}
