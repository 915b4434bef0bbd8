/// The validations of a contract with their regexes compiled.
///
/// Memory: up to 1 MiB of automata for each regex.
struct ValidationSet {
    struct Entry {
        let rule: ContractDocument.Validation
        /// Of a `regex`.
        let expression: RegularExpression?
        /// Of a `required-if`: its bit in the words of the walk.
        let bit: UInt8?
        /// Of a `required-if`: where the field is missed, as an RFC 6901 pointer into the event.
        var missingPointer = ""

        var isEnumeration: Bool { if case .enumeration = rule.check { true } else { false } }
    }

    private(set) var entries: [Entry] = []

    /// Compiled size of all regexes of a new contract together, in instructions: compiling them
    /// takes some hundredths of a second.
    static let patternSizeMax = 40_000

    /// - Parameter isNew: holds the regexes to `patternSizeMax`. Contracts from before there was
    ///   that bound compile as they did.
    /// - Throws: at the first regex that RE2 refuses, or that is too much.
    init(_ rules: [ContractDocument.Validation], isNew: Bool) throws(ContractError) {
        var patternSize = 0
        var bit: UInt8 = 0
        for rule in rules {
            switch rule.check {
            case .regex(let pattern):
                let expression = try Self.expression(pattern, rule)
                patternSize += expression.size
                guard !isNew || patternSize <= Self.patternSizeMax else {
                    throw ContractError(
                        pointer: "\(rule.pointer)/value", rule: "size",
                        expected: "fewer or simpler patterns")
                }
                entries.append(Entry(rule: rule, expression: expression, bit: nil))
            case .requiredIf:
                entries.append(Entry(rule: rule, expression: nil, bit: bit))
                bit += 1
            default: entries.append(Entry(rule: rule, expression: nil, bit: nil))
            }
        }
    }

    private static func expression(
        _ pattern: String, _ rule: ContractDocument.Validation
    ) throws(ContractError) -> RegularExpression {
        do throws(RegularExpression.Refused) {
            return try RegularExpression(pattern)
        } catch {
            throw ContractError(
                pointer: "\(rule.pointer)/value", rule: "regex",
                expected: "an RE2 pattern of at most \(RegularExpression.patternBytesMax) bytes "
                    + "(\(error.reason))")
        }
    }

    /// Puts each validation on the places of a schema that its paths name.
    /// - Throws: when the schema has no such place, or its type does not fit.
    mutating func mark(_ marker: inout some PlaceMarker) throws(ContractError) {
        for index in entries.indices {
            let rule = entries[index].rule
            let field = "\(rule.pointer)/field"
            guard case .requiredIf(let condition) = rule.check, let bit = entries[index].bit else {
                _ = try marker.mark(rule.path, for: .check(index, rule), pointer: field)
                continue
            }
            let path = try marker.mark(rule.path, for: .requirement(bit), pointer: field)
            entries[index].missingPointer = JSONPointer.text(path: path)
            let use: FieldMarker.Use =
                condition.values == nil ? .presence(bit) : .condition(index, rule)
            _ = try marker.mark(condition.path, for: use, pointer: "\(rule.pointer)/when/field")
        }
    }
}

// MARK: - Which types a rule fits

extension ContractDocument.Validation {
    /// - Throws: at the field or the value, if values of an Avro node cannot be held to this rule.
    func checkFit(_ node: AvroSchema.Node, pointer: String) throws(ContractError) {
        let isText = node.kind == .string || node.kind == .enum
        let isInteger = node.kind == .int || node.kind == .long
        let isNumber = isInteger || node.kind == .float || node.kind == .double
        switch check {
        case .regex, .length, .format:
            guard isText else {
                throw Self.unfitting("a string field, or a list or map of strings", pointer)
            }
        case .range(let range):
            guard isNumber else {
                throw Self.unfitting("a number field, or a list or map of numbers", pointer)
            }
            if isInteger { try checkPossible(range, node.kind) }
        case .enumeration(let values):
            try Self.checkValues(values, node, pointer, "\(self.pointer)/values")
        case .requiredIf(let condition):
            guard let values = condition.values else { return }
            try Self.checkValues(values, node, pointer, "\(self.pointer)/when/in")
        }
    }

    private static func unfitting(_ expected: String, _ pointer: String) -> ContractError {
        ContractError(pointer: pointer, rule: "validation-type", expected: expected)
    }

    private func checkPossible(
        _ range: NumberRange, _ kind: AvroSchema.Kind
    ) throws(ContractError) {
        let all = kind == .int ? Int64(Int32.min)...Int64(Int32.max) : Int64.min...Int64.max
        guard let integers = range.integers, integers.overlaps(all) else {
            throw ContractError(
                pointer: self.pointer, rule: "range",
                expected: "bounds that some \(kind.name) lies between")
        }
    }

    private static func checkValues(
        _ values: [JSONValue], _ node: AvroSchema.Node, _ field: String, _ pointer: String
    ) throws(ContractError) {
        for (index, value) in values.enumerated() {
            let expected: String
            switch (node.kind, value) {
            case (.string, .string), (.boolean, .bool), (.long, .integer): continue
            case (.float, .integer), (.float, .double), (.double, .integer), (.double, .double):
                continue
            case (.int, .integer(let number)):
                if Int32(exactly: number) != nil { continue }
                expected = "a number in the range of int"
            case (.enum, .string(let symbol)):
                if node.symbols.contains(symbol) { continue }
                expected = "a symbol of the field's enum"
            case (.string, _), (.enum, _): expected = "a string, like the field"
            case (.boolean, _): expected = "a boolean, like the field"
            case (.int, _), (.long, _): expected = "an integer, like the field"
            case (.float, _), (.double, _): expected = "a number, like the field"
            default: throw unfitting("a string, number or boolean field", field)
            }
            throw ContractError(
                pointer: "\(pointer)/\(index)", rule: "validation-value", expected: expected)
        }
    }
}
