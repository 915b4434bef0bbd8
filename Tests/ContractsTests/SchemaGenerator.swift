import Foundation

@testable import Contracts

/// Random schemas of both drafts and values that come near to them.
///
/// Left out on purpose: patterns that RE2 and Python's `re` read differently, `multipleOf` with
/// fractions (Python divides doubles), and formats (Python's are optional).
struct SchemaGenerator {
    var random: SeededGenerator
    let isDraft7: Bool

    private static let names = ["a", "b", "c", "d/e", "~"]
    private static let patterns = ["^a", "b$", "[a-c]", "^[a-z]{2}$", "d|~"]

    private mutating func below(_ bound: Int) -> Int { Int.random(in: 0..<bound, using: &random) }

    private mutating func chance(_ percent: Int) -> Bool { below(100) < percent }

    private mutating func pick<T>(_ list: [T]) -> T { list[below(list.count)] }

    // MARK: Values

    mutating func value(depth: Int = 3) -> JSONValue {
        switch below(depth > 0 ? 9 : 6) {
        case 0: return .null
        case 1: return .bool(chance(50))
        case 2: return .integer(Int64(below(7) - 2))
        case 3: return pick([.double(1), .double(0.5), .double(-1.5), .double(2), .double(1e20)])
        case 4, 5: return .string(pick(["", "a", "ab", "abc", "b", "é", "\u{1f600}a", "d/e"]))
        case 6: return .array((0..<below(4)).map { _ in value(depth: depth - 1) })
        default: return object(depth: depth)
        }
    }

    private mutating func object(depth: Int) -> JSONValue {
        let names = Self.names.filter { _ in chance(50) }
        return .object(names.map { .init(name: $0, value: value(depth: depth - 1)) })
    }

    // MARK: Schemas

    /// A whole document with two definitions.
    mutating func document() -> JSONValue {
        var members: [JSONValue.Member] = []
        if isDraft7 {
            members.append(
                .init(name: "$schema", value: .string("http://json-schema.org/draft-07/schema#")))
        }
        guard case .object(let root) = schema(depth: 3, isRoot: true) else { return .bool(true) }
        let definitions = JSONValue.object([
            .init(name: "x", value: schema(depth: 1, isDefinition: true)),
            .init(name: "y", value: schema(depth: 1, isDefinition: true)),
        ])
        members += root
        members.append(.init(name: isDraft7 ? "definitions" : "$defs", value: definitions))
        return .object(members)
    }

    private mutating func schema(
        depth: Int, isRoot: Bool = false, isDefinition: Bool = false
    ) -> JSONValue {
        if !isRoot, chance(8) { return .bool(chance(70)) }
        var members: [JSONValue.Member] = []
        for _ in 0..<(1 + below(4)) {
            guard let (name, value) = keyword(depth, isDefinition) else { continue }
            guard !members.contains(where: { $0.name == name }) else { continue }
            // Siblings of a reference in draft-07 are hidden, and then the definitions too.
            if isDraft7, isRoot, name == "$ref" { continue }
            members.append(.init(name: name, value: value))
        }
        return .object(members)
    }

    private mutating func keyword(
        _ depth: Int, _ isDefinition: Bool
    ) -> (String, JSONValue)? {
        if depth == 0 || chance(45) { return assertion() }
        if !isDraft7, chance(18) {
            let name = pick(["unevaluatedProperties", "unevaluatedItems"])
            return (name, chance(60) ? .bool(false) : schema(depth: depth - 1))
        }
        return applicator(depth, isDefinition)
    }

    private mutating func assertion() -> (String, JSONValue)? {
        let types = ["null", "boolean", "integer", "number", "string", "array", "object"]
        switch below(18) {
        case 0: return ("type", .string(pick(types)))
        case 1:
            return ("type", .array([.string("object"), .string(pick(Array(types.dropLast())))]))
        case 2: return ("enum", .array([value(depth: 1), .integer(1), .string("a")]))
        case 3: return ("const", value(depth: 1))
        case 4: return ("minimum", .integer(Int64(below(4) - 1)))
        case 5: return ("maximum", .double(Double(below(4)) - 0.5))
        case 6: return ("exclusiveMinimum", .integer(Int64(below(3))))
        case 7: return ("exclusiveMaximum", .integer(Int64(below(3))))
        case 8: return ("multipleOf", .integer(Int64(1 + below(3))))
        case 9: return ("minLength", .integer(Int64(below(3))))
        case 10: return ("maxLength", .integer(Int64(below(3))))
        case 11: return ("pattern", .string(pick(Self.patterns)))
        case 12: return ("minItems", .integer(Int64(below(3))))
        case 13: return ("maxItems", .integer(Int64(below(3))))
        case 14: return ("uniqueItems", .bool(true))
        case 15: return ("required", .array([.string(pick(Self.names))]))
        case 16: return ("minProperties", .integer(Int64(below(3))))
        default: return ("maxProperties", .integer(Int64(1 + below(3))))
        }
    }

    private mutating func applicator(
        _ depth: Int, _ isDefinition: Bool
    ) -> (String, JSONValue)? {
        let inner = depth - 1
        switch below(19) {
        case 0, 1, 2, 3:
            let names = Self.names.filter { _ in chance(60) }
            return (
                "properties",
                .object(names.map { .init(name: $0, value: schema(depth: inner)) })
            )
        case 4: return ("additionalProperties", schema(depth: inner))
        case 5:
            return (
                "patternProperties",
                .object([.init(name: pick(Self.patterns), value: schema(depth: inner))])
            )
        case 6: return ("propertyNames", schema(depth: 0))
        case 7: return ("items", schema(depth: inner))
        case 8:
            let items = JSONValue.array([schema(depth: inner), schema(depth: inner)])
            return (isDraft7 ? "items" : "prefixItems", items)
        case 9: return ("contains", schema(depth: inner))
        case 10: return ("allOf", .array([schema(depth: inner), schema(depth: inner)]))
        case 11, 12: return ("anyOf", .array([schema(depth: inner), schema(depth: inner)]))
        case 13: return ("oneOf", .array([schema(depth: inner), schema(depth: inner)]))
        case 14: return ("not", schema(depth: inner))
        case 15: return ("if", schema(depth: inner))
        case 16: return (pick(["then", "else"]), schema(depth: inner))
        case 17:
            guard !isDefinition else { return nil }
            return ("$ref", .string("#/\(isDraft7 ? "definitions" : "$defs")/\(pick(["x", "y"]))"))
        default:
            let name = pick(Self.names)
            let asked = JSONValue.array([.string(pick(Self.names))])
            if isDraft7 { return ("dependencies", .object([.init(name: name, value: asked)])) }
            return chance(50)
                ? ("dependentRequired", .object([.init(name: name, value: asked)]))
                : ("dependentSchemas", .object([.init(name: name, value: schema(depth: inner))]))
        }
    }
}
