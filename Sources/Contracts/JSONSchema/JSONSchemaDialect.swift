/// Which keywords a schema understands.
struct JSONSchemaDialect: Equatable, Sendable {
    enum Draft: Sendable {
        case draft7
        case draft2020
    }

    var draft: Draft
    /// Whether `type`, `minimum`, `required` and the other validation keywords count: a meta-schema
    /// of one's own may leave their vocabulary out.
    var assertsValidation = true

    static let draft7 = JSONSchemaDialect(draft: .draft7)
    static let draft2020 = JSONSchemaDialect(draft: .draft2020)

    /// Keywords that hold one subschema.
    static let single: Set<String> = [
        "not", "if", "then", "else", "contains", "propertyNames", "additionalProperties", "items",
        "additionalItems", "unevaluatedItems", "unevaluatedProperties", "contentSchema",
    ]
    /// Keywords that hold a list of subschemas.
    static let list: Set<String> = ["allOf", "anyOf", "oneOf", "prefixItems", "items"]
    /// Keywords that hold subschemas by name.
    static let map: Set<String> = [
        "properties", "patternProperties", "$defs", "definitions", "dependentSchemas",
        "dependencies",
    ]
    /// Keywords that draft-07 does not have; there they are annotations.
    private static let notIn7: Set<String> = [
        "$anchor", "$dynamicAnchor", "$dynamicRef", "$defs", "dependentSchemas",
        "dependentRequired", "prefixItems", "unevaluatedItems", "unevaluatedProperties",
        "minContains", "maxContains", "contentSchema",
    ]
    private static let validation: Set<String> = [
        "type", "enum", "const", "multipleOf", "maximum", "exclusiveMaximum", "minimum",
        "exclusiveMinimum", "maxLength", "minLength", "pattern", "maxItems", "minItems",
        "uniqueItems", "maxContains", "minContains", "maxProperties", "minProperties", "required",
        "dependentRequired",
    ]

    /// Whether the keyword means something here.
    func has(_ keyword: String) -> Bool {
        switch draft {
        case .draft7: return !Self.notIn7.contains(keyword)
        case .draft2020:
            return keyword != "additionalItems"
                && (assertsValidation || !Self.validation.contains(keyword))
        }
    }
}
