// Which types of a JSON Schema a rule fits.

extension ContractDocument.Validation {
    /// - Throws: at the field or the value, if no value of these types of a JSON Schema can be held
    ///   to this rule.
    func checkFit(types mask: UInt8, pointer: String) throws(ContractError) {
        let values: [JSONValue]
        let place: String
        switch check {
        case .regex, .length, .format:
            try Self.require(
                mask, JSONSchemaProgram.Types.string,
                "a string field, or a list or map of strings", pointer)
            return
        case .range:
            try Self.require(
                mask, JSONSchemaProgram.Types.number,
                "a number field, or a list or map of numbers", pointer)
            return
        case .enumeration(let list): (values, place) = (list, "\(self.pointer)/values")
        case .requiredIf(let condition):
            (values, place) = (condition.values ?? [], "\(self.pointer)/when/in")
        }
        for (index, value) in values.enumerated() where mask & Self.type(value) == 0 {
            throw ContractError(
                pointer: "\(place)/\(index)", rule: "validation-value",
                expected: "a value of a type that the field's schema allows")
        }
    }

    private static func require(
        _ mask: UInt8, _ types: UInt8, _ expected: String, _ pointer: String
    ) throws(ContractError) {
        guard mask & types == 0 else { return }
        throw ContractError(pointer: pointer, rule: "validation-type", expected: expected)
    }

    private static func type(_ value: JSONValue) -> UInt8 {
        switch value {
        case .string: JSONSchemaProgram.Types.string
        case .bool: JSONSchemaProgram.Types.boolean
        case .integer, .unsigned: JSONSchemaProgram.Types.integer
        case .double: JSONSchemaProgram.Types.number
        default: 0
        }
    }
}
