// Objects.

extension JSONSchemaEvaluator {
    mutating func object(_ index: Int, _ operation: OperationPointer, _ frame: Int) -> Bool {
        switch operation.pointee.code {
        case .members: return members(index, operation, frame)
        case .propertyNames: return propertyNames(index, operation)
        case .minProperties:
            return propertyCount(index) >= Int(operation.pointee.a)
                || fail(.propertyCount, index, operation)
        case .maxProperties:
            return propertyCount(index) <= Int(operation.pointee.a)
                || fail(.propertyCount, index, operation)
        default: return dependentRequired(index, operation)
        }
    }

    /// Members, without the event's `strmMeta`: a schema need not know about it.
    private func propertyCount(_ index: Int) -> Int {
        let isEvent = metaIndex != 0 && index == JSONTape.rootIndex
        return tape.memberCount(index) - (isEvent ? 1 : 0)
    }

    private mutating func members(
        _ index: Int, _ operation: OperationPointer, _ frame: Int
    ) -> Bool {
        let object = program.objects + Int(operation.pointee.a)
        let end = tape.end(index)
        var at = index + 1
        var ordinal = 0
        var hint = 0
        // Bits of the required names that were met: in a word, or in the marks if they are many.
        var seen: UInt64 = 0
        let isMany = object.pointee.requiredCount > 64
        let seenAt = isMany ? pushSeen(Int(object.pointee.requiredCount)) : 0
        while at < end {
            let name = tape.string(at)
            let found = program.member(object, name, hint: hint)
            var isEvaluated = false
            if found >= 0 {
                hint = found - Int(object.pointee.first) + 1
                let member = program.members + found
                let required = UInt64(member.pointee.required)
                if required != 0 {
                    if isMany {
                        mark(Int(required) - 1, seenAt)
                    } else {
                        seen |= 1 << (required - 1)
                    }
                }
                if member.pointee.node != 0 {
                    guard evaluate(at + 1, Int(member.pointee.node) - 1, Self.noFrame) else {
                        return false
                    }
                    isEvaluated = true
                } else {
                    isEvaluated = object.pointee.isStrict
                }
            }
            if !isEvaluated || object.pointee.patternCount > 0 {
                guard others(at, object, operation, &isEvaluated) else { return false }
            }
            if isEvaluated { mark(ordinal, frame) }
            at = tape.next(at + 1)
            ordinal += 1
        }
        guard spend(ordinal) else { return false }
        if isMany { marks.count = seenAt }
        return object.pointee.requiredCount == 0
            || hasRequired(index, object, operation, seen, isMany ? seenAt : Self.noFrame)
    }

    private mutating func pushSeen(_ count: Int) -> Int {
        let start = marks.count
        let words = count / 64 + 1
        marks.reserve(words)
        (marks.base + start).update(repeating: 0, count: words)
        marks.count += words
        return start
    }

    /// `patternProperties` and `additionalProperties`, which pass over the event's `strmMeta`.
    @inline(never)
    private mutating func others(
        _ at: Int, _ object: UnsafePointer<Program.Object>, _ operation: OperationPointer,
        _ isEvaluated: inout Bool
    ) -> Bool {
        if at + 1 == metaIndex {
            isEvaluated = true
            return true
        }
        let count = Int(object.pointee.patternCount)
        let name = tape.string(at)
        guard spend(count * (1 + name.count / 64)) else { return false }
        for offset in 0..<count {
            let pattern = Int(program.children[Int(object.pointee.patternFirst) + offset])
            guard matches(name, pattern) else { continue }
            let node = Int(program.children[Int(object.pointee.patternNodes) + offset])
            guard evaluate(at + 1, node, Self.noFrame) else { return false }
            isEvaluated = true
        }
        guard !isEvaluated, object.pointee.additional != 0 else { return true }
        let additional = Int(object.pointee.additional) - 1
        if program.nodes[additional].isFalse { return fail(.unknownField, at + 1, operation) }
        isEvaluated = true
        return evaluate(at + 1, additional, Self.noFrame)
    }

    /// Whether every required name was met; `many` is where the bits stand if they are more than 64
    /// (just given back, not yet overwritten).
    private mutating func hasRequired(
        _ index: Int, _ object: UnsafePointer<Program.Object>, _ operation: OperationPointer,
        _ seen: UInt64, _ many: Int
    ) -> Bool {
        let required = Int(object.pointee.requiredCount)
        if many < 0, seen.nonzeroBitCount == required { return true }
        let first = Int(object.pointee.first)
        for at in first..<(first + Int(object.pointee.count)) {
            let member = program.members + at
            let number = Int(member.pointee.required)
            guard number != 0 else { continue }
            let isSeen =
                many < 0 ? seen & (1 << UInt64(number - 1)) != 0 : isMarked(number - 1, many)
            if isSeen || index == metaIndex && member.pointee.isFilled { continue }
            return fail(.required, index, operation, name: member.pointee.name)
        }
        return true
    }

    private mutating func propertyNames(_ index: Int, _ operation: OperationPointer) -> Bool {
        let end = tape.end(index)
        var at = index + 1
        while at < end {
            if at + 1 != metaIndex {
                guard evaluate(at, Int(operation.pointee.a), Self.noFrame) else {
                    revise { $0.rule = .propertyNames }
                    return false
                }
            }
            at = tape.next(at + 1)
        }
        return true
    }

    private mutating func dependentRequired(_ index: Int, _ operation: OperationPointer) -> Bool {
        guard spend(tape.memberCount(index)) else { return false }
        let asking = program.text(program.names[Int(operation.pointee.a)])
        guard TapeValue.member(asking, of: index, tape) != nil else { return true }
        let first = Int(operation.pointee.b)
        for at in first..<(first + Int(operation.pointee.c)) {
            guard spend(tape.memberCount(index)) else { return false }
            let name = program.names[at]
            guard TapeValue.member(program.text(name), of: index, tape) != nil else {
                return fail(.dependentRequired, index, operation, name: name)
            }
        }
        return true
    }

    mutating func unevaluatedProperties(
        _ index: Int, _ operation: OperationPointer, _ frame: Int
    ) -> Bool {
        guard tape.tag(index) == JSONTape.Tag.object else { return true }
        let node = program.nodes + Int(operation.pointee.a)
        let end = tape.end(index)
        var ordinal = 0
        var at = index + 1
        while at < end {
            if !isMarked(ordinal, frame), at + 1 != metaIndex {
                if node.pointee.isFalse { return fail(.unknownField, at + 1, operation) }
                guard evaluate(at + 1, Int(operation.pointee.a), Self.noFrame) else { return false }
                mark(ordinal, frame)
            }
            at = tape.next(at + 1)
            ordinal += 1
        }
        return true
    }
}
