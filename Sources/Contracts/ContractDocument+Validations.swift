// What a contract says about values beyond their schema.

extension ContractDocument {
    /// One entry of `validations`.
    struct RegexRule: Sendable {
        let path: String
        let pattern: String
        let pointer: String
    }

    static func validations(_ root: DocumentCursor) throws(ContractError) -> [RegexRule] {
        guard let list = root.member("validations") else { return [] }
        var rules: [RegexRule] = []
        for item in try list.items(countMax: validationCountMax) {
            try item.checkObject(allowing: ["field", "type", "value"])
            let type = try item.required("type")
            guard try type.string().lowercased() == "regex" else {
                throw type.fail("validation-type", "regex")
            }
            rules.append(
                RegexRule(
                    path: try path(item.required("field")),
                    pattern: try item.required("value").string(), pointer: item.pointer))
        }
        return rules
    }
}

extension ContractDocument.RegexRule {
    var json: JSONValue {
        .object([
            .init(name: "field", value: .string(path)),
            .init(name: "type", value: .string("regex")),
            .init(name: "value", value: .string(pattern)),
        ])
    }
}
