// Validations as the walk reads them: what a refusal says once for each validation, and a check for
// each place that it is for, made for the type there.

extension PlanBuilder {
    /// Validations and rules; the checks of one place stand together.
    mutating func addRules() {
        var expressions: [Int: UInt32] = [:]
        for (index, entry) in validations.entries.enumerated() {
            addText(entry)
            guard let expression = entry.expression else { continue }
            expressions[index] = UInt32(parts.expressions.count)
            parts.expressions.append(expression)
        }
        for mark in marks {
            let start = parts.checks.count
            for index in mark.checks {
                addCheck(index, expressions[index] ?? 0, mark.kind)
            }
            for index in mark.conditions { addCondition(index, mark.kind) }
            parts.rules.append(
                DecodingPlan.Rules(
                    pii: Int32(mark.pii ?? -1),
                    level: mark.pii.map { UInt8(piiFields[$0].level) } ?? 0,
                    isRandom: mark.pii.map { piiFields[$0].sealing == .random } ?? false,
                    isKey: mark.isKey, isSubject: mark.isSubject, checkStart: UInt32(start),
                    checkCount: UInt32(parts.checks.count - start),
                    requirements: mark.requirements, presences: mark.presences))
        }
    }

    private mutating func addText(_ entry: ValidationSet.Entry) {
        let rule = entry.rule
        parts.validations.append(
            DecodingPlan.ValidationText(
                rule: rule.check.rule, id: text(rule.id), message: text(rule.message ?? ""),
                expected: text(rule.expected), pointer: text(entry.missingPointer),
                bit: entry.bit ?? 0))
    }

    private mutating func text(_ text: String) -> DecodingPlan.ValidationText.Text {
        let range = add(text)
        return .init(start: UInt32(range.lowerBound), count: UInt32(range.count))
    }

    private mutating func addCheck(
        _ index: Int, _ expression: UInt32, _ kind: AvroSchema.Kind
    ) {
        let number = UInt16(index)
        switch validations.entries[index].rule.check {
        case .regex:
            parts.checks.append(.init(kind: .regex, validation: number, first: expression))
        case .enumeration(let values):
            addEnumeration(
                DecodingPlan.Check(kind: .enumeration, validation: number), values, kind)
        case .range(let range):
            let bounds = kind == .float ? range.floats : range.doubles
            // A range without an integer refuses all of them: the bounds are crossed then.
            let integers = range.integers
            parts.checks.append(
                .init(kind: .range, validation: number, first: UInt32(parts.ranges.count)))
            parts.ranges.append(
                DecodingPlan.RangeBounds(
                    integerLow: integers?.lowerBound ?? .max,
                    integerHigh: integers?.upperBound ?? .min, low: bounds.low, high: bounds.high,
                    isLowExclusive: bounds.isLowExclusive, isHighExclusive: bounds.isHighExclusive
                ))
        case .length(let min, let max):
            parts.checks.append(
                .init(
                    kind: .length, validation: number, first: UInt32(min ?? 0),
                    count: max.map { UInt32($0) } ?? .max))
        case .format(let format):
            parts.checks.append(
                .init(kind: .format, detail: format.rawValue, validation: number))
        case .requiredIf: break
        }
    }

    private mutating func addCondition(_ index: Int, _ kind: AvroSchema.Kind) {
        let entry = validations.entries[index]
        guard case .requiredIf(let condition) = entry.rule.check, let bit = entry.bit else {
            return
        }
        addEnumeration(
            DecodingPlan.Check(kind: .condition, detail: bit, validation: UInt16(index)),
            condition.values ?? [], kind)
    }

    private mutating func addEnumeration(
        _ check: DecodingPlan.Check, _ values: [JSONValue], _ kind: AvroSchema.Kind
    ) {
        var check = check
        check.first = UInt32(parts.names.count)
        var integers: [Int64] = []
        var doubles: [Double] = []
        for value in values {
            switch value {
            case .string(let text):
                addName(text, 0)
                check.count += 1
            case .integer(let number):
                integers.append(number)
                doubles.append(kind == .float ? Double(Float(number)) : Double(number))
            case .double(let number):
                if let integer = Int64(exactly: number) { integers.append(integer) }
                doubles.append(kind == .float ? Double(Float(number)) : number)
            case .bool(let flag): check.detail |= flag ? 0x80 : 0x40
            default: break
            }
        }
        (check.table, check.tableMask) = addTable(from: Int(check.first))
        check.integerStart = UInt32(parts.integers.count)
        check.integerCount = UInt32(integers.count)
        check.doubleStart = UInt32(parts.doubles.count)
        check.doubleCount = UInt32(doubles.count)
        parts.integers += integers.sorted()
        parts.doubles += doubles.sorted()
        parts.checks.append(check)
    }
}

extension ContractDocument.Validation {
    /// What a refusal expects: the contract's words, never a value of an event.
    var expected: String {
        switch check {
        case .regex(let pattern): return "a value that matches \(pattern) as a whole"
        case .enumeration(let values): return Self.alternatives(values)
        case .range(let range): return "a number that is \(range.words)"
        case .length(let min?, let max?): return "a text of \(min) to \(max) characters"
        case .length(let min?, nil): return "a text of at least \(min) characters"
        case .length(_, let max): return "a text of at most \(max ?? 0) characters"
        case .format(let format): return "a text of the format \(format.name)"
        case .requiredIf(let condition):
            guard let values = condition.values else {
                return "a value if \(condition.path) has one"
            }
            return "a value if \(condition.path) is \(Self.alternatives(values))"
        }
    }

    /// The first values; all of them could be a megabyte.
    private static func alternatives(_ values: [JSONValue]) -> String {
        var words: [String] = []
        var count = 0
        for value in values {
            if case .string(let text) = value {
                words.append(text)
            } else {
                words.append(String(decoding: value.bytes, as: UTF8.self))
            }
            count += words[words.count - 1].utf8.count
            guard words.count < values.count, words.count == 20 || count > 400 else { continue }
            words.append("…")
            break
        }
        return values.count == 1 ? words[0] : "one of \(words.joined(separator: ", "))"
    }
}
