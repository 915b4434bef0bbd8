import Testing

@testable import Contracts

/// Schemas that would cost a server its time or memory. Work is counted, not timed:
/// ``JSONSchemaCompiler/work`` has a step for each subschema, keyword, value, edge and instruction
/// of a pattern.
struct HostileSchemaTests {
    static func attempt(_ text: String) -> (outcome: String, work: Int) {
        do throws(ContractError) {
            let value = try JSONValue.parse(Array(text.utf8), pointer: "")
            var compiler = try JSONSchemaCompiler(DocumentCursor(value: value, pointer: ""))
            do throws(ContractError) {
                _ = try compiler.compile()
                return ("accepted", compiler.work)
            } catch {
                return ("\(error.pointer) (\(error.rule))", compiler.work)
            }
        } catch {
            return ("\(error.pointer) (\(error.rule))", 0)
        }
    }

    private static func list(_ count: Int, _ item: (Int) -> String) -> String {
        (0..<count).map(item).joined(separator: ",")
    }

    private static func nested(_ count: Int, _ open: String, _ close: String) -> String {
        String(repeating: open, count: count) + "{}" + String(repeating: close, count: count)
    }

    static let cases: [(String, String, String)] = [
        ("a reference to itself", ##"{"$ref":"#"}"##, " (schema-cycle)"),
        (
            "a cycle of references",
            ##"{"$defs":{"a":{"$ref":"#/$defs/b"},"b":{"anyOf":[{"not":{"$ref":"#/$defs/a"}}]}}}"##
                .replacing("{\"$defs\"", with: ##"{"$ref":"#/$defs/a","$defs""##),
            "/$defs/a (schema-cycle)"
        ),
        (
            "a cycle through if, then and dependentSchemas",
            ##"{"if":{"dependentSchemas":{"x":{"$ref":"#/then"}}},"then":{"$ref":"#"}}"##,
            " (schema-cycle)"
        ),
        (
            "a cycle through a dynamic anchor",
            ##"{"$dynamicAnchor":"a","properties":{"x":{"$dynamicRef":"#a"}},"allOf":[{"$dynamicRef":"#a"}]}"##,
            " (schema-cycle)"
        ),
        ("nesting", nested(100, #"{"not":"#, "}"), ""),
        ("nesting beyond JSON", nested(5_000, #"{"not":"#, "}"), " (depth)"),
        (
            "a chain of references",
            ##"{"$ref":"#/$defs/d0","$defs":{"##
                + list(5_000) { ##""d\##($0)":{"$ref":"#/$defs/d\##($0 + 1)"}"## }
                + #","d5000":{}}}"#, "(schema-depth)"
        ),
        (
            "branches that double at each level",
            ##"{"$ref":"#/$defs/d0","$defs":{"##
                + list(36) {
                    ##""d\##($0)":{"allOf":[{"$ref":"#/$defs/d\##($0 + 1)"},{"$ref":"#/$defs/d\##($0 + 1)"}]}"##
                } + #","d36":{}}}"#, "(schema-depth)"
        ),
        (
            "branches that double at few levels",
            ##"{"$ref":"#/$defs/d0","$defs":{"##
                + list(15) {
                    ##""d\##($0)":{"allOf":[{"$ref":"#/$defs/d\##($0 + 1)"},{"$ref":"#/$defs/d\##($0 + 1)"}]}"##
                } + #","d15":{}}}"#, "(schema-cost)"
        ),
        ("10,000 keywords", "{" + list(10_000) { #""k\#($0)":1"# } + "}", " (size)"),
        (
            "10,000 properties", #"{"properties":{"# + list(10_000) { #""k\#($0)":{}"# } + "}}",
            "/properties/k8191 (size)"
        ),
        (
            "2,000 properties", #"{"properties":{"# + list(2_000) { #""k\#($0)":{}"# } + "}}",
            "/properties (size)"
        ),
        (
            "10,000 branches", #"{"anyOf":["# + list(10_000) { _ in "{}" } + "]}",
            "/anyOf/8191 (size)"
        ),
        (
            "10,000 constants", #"{"enum":["# + list(10_000) { "\($0)" } + "]}", "/enum (size)"
        ),
        (
            "10,000 required names", #"{"required":["# + list(10_000) { #""k\#($0)""# } + "]}",
            "/required (size)"
        ),
        (
            "10,000 patterns",
            #"{"allOf":["# + list(8_000) { #"{"pattern":"a\#($0)"}"# } + "]}", "/allOf (size)"
        ),
        (
            "1,000 patterns", #"{"allOf":["# + list(1_000) { #"{"pattern":"a\#($0)"}"# } + "]}",
            "/allOf/256/pattern (size)"
        ),
        ("a pattern that is too large", #"{"pattern":"((a{100}){100}){100}"}"#, "/pattern (regex)"),
        (
            "patterns that are too large together",
            #"{"allOf":["# + list(200) { #"{"pattern":"((x\#($0)|[a-z]{1,30}){1,30})"}"# } + "]}",
            "pattern (size)"
        ),
        (
            "200 schemas with URIs", #"{"allOf":["# + list(200) { #"{"$id":"s:\#($0)"}"# } + "]}",
            "/allOf/127/$id (size)"
        ),
        (
            "two schemas of one URI", #"{"allOf":[{"$id":"s:1"},{"$id":"s:1"}]}"#,
            "/allOf/1/$id (duplicate-id)"
        ),
        (
            "two anchors of one name", #"{"allOf":[{"$anchor":"a"},{"$anchor":"a"}]}"#,
            "/allOf/1/$anchor (duplicate-id)"
        ),
        (
            "a name of a megabyte",
            ##"{"$ref":"#"## + String(repeating: "x", count: 1 << 20) + "\"}", "/$ref (size)"
        ),
    ]

    @Test(arguments: cases)
    func `a hostile schema is refused with little work`(_ example: (String, String, String)) {
        let (outcome, work) = Self.attempt(example.1)
        #expect(outcome != "accepted", "\(example.0)")
        #expect(outcome.hasSuffix(example.2), "\(example.0): \(outcome)")
        #expect(work < 250_000, "\(example.0): \(work) steps")
    }

    @Test func `validations of a new contract are bounded together, those of a stored one are not`()
        throws
    {
        let rules = Self.list(256) {
            #"{"field":"id","type":"regex","value":"(?:[a-z]{1,90}|[0-9]{1,90}){1,9}\#($0)"}"#
        }
        let document = try Fixture.schemaDocument(
            #"{"properties":{"id":{"type":"string"}}}"#, validations: rules)
        _ = try Contract(document: document, number: 1)
        do throws(ContractError) {
            _ = try Contract(document: document, number: 1, isNew: true)
            Issue.record("it was taken")
        } catch {
            #expect(error.rule == "size")
            #expect(error.pointer.hasPrefix("/validations/"))
        }
    }

    @Test func `lists within lists beyond what an event holds are no path`() throws {
        let chain = (0..<4_000).map { ##""d\##($0)":{"items":{"$ref":"#/$defs/d\##($0 + 1)"}}"## }
            .joined(separator: ",")
        let schema =
            ##"{"properties":{"id":{"type":"string"},"x":{"$ref":"#/$defs/d0"}},"$defs":{"##
            + chain + #","d4000":{"type":"string"}}}"#
        let document = try Fixture.schemaDocument(schema, pii: [("x", 1)])
        #expect(throws: ContractError.self) { _ = try Contract(document: document, number: 1) }
    }

    @Test func `a long name with many schemas below it is refused before it is repeated`() {
        let name = String(repeating: "x", count: 500_000)
        let inner = Self.list(4_000) { #""a\#($0)":{}"# }
        let (outcome, _) = Self.attempt(
            #"{"properties":{"\#(name)":{"properties":{\#(inner)}}}}"#)
        #expect(outcome == " (size)")
    }

    @Test func `recursion that makes progress in the event is no cycle`() throws {
        let judge = try SchemaJudge(
            text: ##"{"type":"object","properties":{"kids":{"items":{"$ref":"#"}}}}"##)
        #expect(
            try judge.accepts(JSONValue.parse(Array(#"{"kids":[{"kids":[]}]}"#.utf8), pointer: "")))
        #expect(
            try !judge.accepts(
                JSONValue.parse(Array(#"{"kids":[{"kids":[1]}]}"#.utf8), pointer: "")))
    }

    /// Each level of the event doubles the schemas of the level below, which no bound on the schema
    /// sees.
    @Test func `an event that would take too many steps is refused`() throws {
        let judge = try SchemaJudge(
            text:
                ##"{"anyOf":[{"items":{"$ref":"#"},"minItems":9},{"items":{"$ref":"#"},"minItems":9}]}"##
        )
        var value = JSONValue.integer(1)
        for _ in 0..<40 { value = .array([value]) }
        let refusal = try #require(judge.refusal(value))
        #expect(refusal.kind == .tooLarge && refusal.rule == "schema-cost")
        #expect(judge.accepts(.array([])) == false)
    }

    @Test func `objects of a thousand members in different orders are compared`() throws {
        let judge = try SchemaJudge(text: #"{"uniqueItems":true}"#)
        let members = (0..<1_000).map { JSONValue.Member(name: "k\($0)", value: .integer(1)) }
        let list = JSONValue.array([.object(members), .object(members.reversed())])
        #expect(judge.refusal(list)?.rule == "unique-items")
        #expect(judge.refusal(list)?.pointer == "/1")
    }

    /// As deep as events and as long as chains in place may be: the stack holds it.
    @Test func `the deepest event under the longest chain of schemas ends in a refusal`() throws {
        let chain = Self.list(35) { ##""d\##($0)":{"$ref":"#/$defs/d\##($0 + 1)"}"## }
        let judge = try SchemaJudge(
            text: ##"{"$ref":"#/$defs/d0","$defs":{\##(chain),"d35":{"items":{"$ref":"#"}}}}"##)
        var value = JSONValue.integer(1)
        for _ in 0..<64 { value = .array([value]) }
        let refusal = try #require(judge.refusal(value))
        #expect(refusal.kind == .tooLarge && refusal.rule == "schema-cost")
        #expect(judge.accepts(.array([.array([.array([])])])))
    }
}
