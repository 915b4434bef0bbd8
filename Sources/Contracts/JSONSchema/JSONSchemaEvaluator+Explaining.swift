// The second run over a refused value: where it breaks which keyword, in the schema's own words.

extension JSONSchemaEvaluator {
    static var tooCostly: Refusal {
        Refusal(
            kind: .tooLarge, rule: .schemaCost,
            expected: "an event that its schema can judge in fewer steps")
    }

    /// A choice of which no branch fits: if all branches but one are out of the question by a type
    /// or constant, that one says what is wrong; else the choice as such is the complaint. Always
    /// false.
    mutating func explainChoice(
        _ index: Int, _ operation: OperationPointer, _ rule: Refusal.Rule
    ) -> Bool {
        guard explains else { return false }
        var candidate = -1
        let first = Int(operation.pointee.a)
        for at in first..<(first + Int(operation.pointee.b)) {
            let node = Int(program.children[at])
            guard !quietly({ $0.isExcluded(index, node, rounds: 4) }) else { continue }
            guard candidate < 0 else { return fail(rule, index, operation) }
            candidate = node
        }
        if candidate >= 0, !evaluate(index, candidate, Self.noFrame), failure != nil {
            return false
        }
        return fail(rule, index, operation)
    }

    /// Whether a branch cannot be meant: the value has another type, or it or one of its members
    /// another constant than the branch asks for.
    private mutating func isExcluded(_ index: Int, _ number: Int, rounds: Int) -> Bool {
        let node = program.nodes + number
        guard node.pointee.types & Self.type(tape, index) != 0, !node.pointee.isFalse else {
            return true
        }
        let first = program.operations + Int(node.pointee.first)
        for at in 0..<Int(node.pointee.numberAt) where !isConstant(index, first + at) {
            return true
        }
        guard rounds > 0 else { return false }
        for at in Int(node.pointee.applyAt)..<Int(node.pointee.end)
        where first[at].code == .apply {
            if isExcluded(index, Int(first[at].a), rounds: rounds - 1) { return true }
        }
        guard tape.tag(index) == JSONTape.Tag.object else { return false }
        for at in Int(node.pointee.objectAt)..<Int(node.pointee.applyAt)
        where first[at].code == .members {
            if hasOtherConstant(index, program.objects + Int(first[at].a)) { return true }
        }
        return false
    }

    private mutating func hasOtherConstant(
        _ index: Int, _ object: UnsafePointer<Program.Object>
    ) -> Bool {
        var at = index + 1
        while at < tape.end(index) {
            let found = program.member(object, tape.string(at), hint: 0)
            if found >= 0, program.members[found].node != 0 {
                let node = program.nodes + (Int(program.members[found].node) - 1)
                let first = program.operations + Int(node.pointee.first)
                for offset in 0..<Int(node.pointee.numberAt)
                where !isConstant(at + 1, first + offset) {
                    return true
                }
            }
            at = tape.next(at + 1)
        }
        return false
    }

    func refusal(_ failure: Failure, root: Int) -> Refusal {
        var pointer = tape.pointer(to: failure.index, from: root)
        if let name = failure.name {
            pointer += "/\(JSONPointer.escape(program.string(name)))"
        }
        return Refusal(
            kind: .schemaViolation, pointer: pointer, rule: failure.rule,
            expected: expectation(failure))
    }
}

// MARK: - In words

extension JSONSchemaEvaluator {
    /// Longest list of constants or names in a message.
    private static let listedMax = 20
    /// Longest text of a schema in a message, in characters.
    private static let textMax = 200

    private func expectation(_ failure: Failure) -> String {
        let inner = words(failure)
        return failure.rule == .propertyNames ? "names that are \(inner)" : inner
    }

    private func words(_ failure: Failure) -> String {
        if let node = failure.node, failure.operation == nil {
            return node.pointee.isFalse ? "no value here" : Self.types(node.pointee.types)
        }
        guard let operation = failure.operation else { return "a value of the schema" }
        let a = Int(operation.pointee.a)
        switch operation.pointee.code {
        case .enum, .const: return constants(operation)
        case .minimum: return "a number of at least \(program.numbers[a].text)"
        case .maximum: return "a number of at most \(program.numbers[a].text)"
        case .exclusiveMinimum: return "a number above \(program.numbers[a].text)"
        case .exclusiveMaximum: return "a number below \(program.numbers[a].text)"
        case .multipleOf: return "a multiple of \(program.numbers[a].text)"
        case .minLength: return "at least \(a) characters"
        case .maxLength: return "at most \(a) characters"
        case .pattern:
            return "a text in which \(Self.cut(program.string(program.patternNames[a]))) matches"
        case .format: return format(a)
        case .minItems: return "at least \(a) items"
        case .maxItems: return "at most \(a) items"
        case .uniqueItems: return "each item once"
        case .contains: return contains(operation)
        case .minProperties: return "at least \(a) members"
        case .maxProperties: return "at most \(a) members"
        case .members:
            return failure.rule == .required
                ? "a value: the schema requires it" : "only fields of the schema"
        case .dependentRequired:
            let asking = Self.cut(program.string(program.names[a]))
            return "a value: the schema requires it beside \(asking)"
        case .anyOf: return "a value of at least one of \(operation.pointee.b) schemas"
        case .oneOf: return "a value of exactly one of \(operation.pointee.b) schemas"
        case .not: return "a value that is not of the schema of not"
        case .unevaluatedItems: return "only items of the schema"
        case .unevaluatedProperties: return "only fields of the schema"
        default: return "a value of the schema"
        }
    }

    private static func types(_ mask: UInt8) -> String {
        var names: [String] = []
        let known: [(UInt8, String)] = [
            (Program.Types.object, "an object"), (Program.Types.array, "a list"),
            (Program.Types.string, "a string"), (Program.Types.number, "a number"),
            (Program.Types.boolean, "a boolean"), (Program.Types.null, "null"),
        ]
        for (bits, name) in known where mask & bits == bits { names.append(name) }
        if mask & Program.Types.number == Program.Types.integer { names.append("an integer") }
        if names.isEmpty { return "no value here" }
        return names.joined(separator: " or ")
    }

    private func constants(_ operation: OperationPointer) -> String {
        let first = Int(operation.pointee.a)
        let count = Int(operation.pointee.b)
        var texts = (first..<(first + min(count, Self.listedMax))).map { at in
            Self.cut(constant(Int(program.constants[at].index)))
        }
        if count > Self.listedMax { texts.append("…") }
        return operation.pointee.code == .const
            ? texts.joined() : "one of \(texts.joined(separator: ", "))"
    }

    /// A constant of the schema; lists and objects are only named as such.
    private func constant(_ index: Int) -> String {
        let tape = program.constantTape
        switch tape.tag(index) {
        case JSONTape.Tag.string: return String(decoding: tape.string(index), as: UTF8.self)
        case JSONTape.Tag.integer, JSONTape.Tag.unsigned, JSONTape.Tag.double:
            return JSONNumber(tape, index).text
        case JSONTape.Tag.yes: return "true"
        case JSONTape.Tag.no: return "false"
        case JSONTape.Tag.null: return "null"
        case JSONTape.Tag.array: return "a list of the schema"
        default: return "an object of the schema"
        }
    }

    private func format(_ raw: Int) -> String {
        "a text of the format \(StringFormat(rawValue: UInt8(raw))?.name ?? "")"
    }

    private func contains(_ operation: OperationPointer) -> String {
        let (least, most) = (operation.pointee.b, operation.pointee.c)
        if most == .max { return "at least \(least) items of the schema of contains" }
        return "\(least) to \(most) items of the schema of contains"
    }

    private static func cut(_ text: String) -> String {
        text.count <= textMax ? text : "\(text.prefix(textMax))…"
    }
}

extension JSONTape {
    /// Longest name in a pointer, in bytes: a name of a megabyte would be a refusal of a megabyte.
    private static let nameBytesMax = 256

    /// RFC 6901 pointer to the value at an index; of a member's name, to its value. Allocates: for
    /// refusals.
    func pointer(to target: Int, from root: Int) -> String {
        var text = ""
        var index = root
        while index != target {
            var at = index + 1
            var ordinal = 0
            let isObject = tag(index) == Tag.object
            guard isObject || tag(index) == Tag.array else { return text }
            while at < end(index) {
                let value = isObject ? at + 1 : at
                if target < next(value) { break }
                at = next(value)
                ordinal += 1
            }
            guard at < end(index) else { return text }
            if isObject {
                let name = string(at)
                let kept = UnsafeRawBufferPointer(rebasing: name.prefix(Self.nameBytesMax))
                text += "/" + JSONPointer.escape(String(decoding: kept, as: UTF8.self))
                if target == at { return text }
                index = at + 1
            } else {
                text += "/\(ordinal)"
                index = at
            }
        }
        return text
    }
}
