// Choices between schemas, and what they leave evaluated.

extension JSONSchemaEvaluator {
    mutating func anyOf(_ index: Int, _ operation: OperationPointer, _ frame: Int) -> Bool {
        var hasMatch = false
        let first = Int(operation.pointee.a)
        for at in first..<(first + Int(operation.pointee.b)) {
            let node = Int(program.children[at])
            guard quietly({ $0.attempt(index, node, frame) }) else { continue }
            hasMatch = true
            // Without annotations one is enough.
            if frame < 0 { break }
        }
        guard steps > 0 else { return false }
        return hasMatch ? true : explainChoice(index, operation, .anyOf)
    }

    mutating func oneOf(_ index: Int, _ operation: OperationPointer, _ frame: Int) -> Bool {
        var matchCount = 0
        let first = Int(operation.pointee.a)
        for at in first..<(first + Int(operation.pointee.b)) {
            let node = Int(program.children[at])
            guard quietly({ $0.attempt(index, node, frame) }) else { continue }
            matchCount += 1
            guard matchCount < 2 else { return fail(.oneOf, index, operation) }
        }
        guard steps > 0 else { return false }
        return matchCount == 1 ? true : explainChoice(index, operation, .oneOf)
    }

    mutating func condition(
        _ index: Int, _ operation: OperationPointer, _ frame: Int
    ) -> Bool {
        let holds = quietly { $0.attempt(index, Int(operation.pointee.a), frame) }
        guard steps > 0 else { return false }
        let next = holds ? operation.pointee.b : operation.pointee.c
        return next == 0 ? true : evaluate(index, Int(next) - 1, frame)
    }

    /// Evaluates a branch that may fail: only then is what it has evaluated forgotten.
    private mutating func attempt(_ index: Int, _ node: Int, _ frame: Int) -> Bool {
        guard frame >= 0 else { return evaluate(index, node, Self.noFrame) }
        let own = openFrame(index)
        let isRight = evaluate(index, node, own)
        closeFrame(own, into: isRight ? frame : Self.noFrame)
        return isRight
    }

    /// A node with `unevaluated…` sees what it and its parts have evaluated, and nothing of its
    /// neighbours.
    mutating func track(_ index: Int, _ node: NodePointer, _ frame: Int) -> Bool {
        let tag = tape.tag(index)
        guard tag == JSONTape.Tag.object || tag == JSONTape.Tag.array else {
            return run(index, node, Self.noFrame)
        }
        let own = openFrame(index)
        let isRight = run(index, node, own)
        closeFrame(own, into: isRight ? frame : Self.noFrame)
        return isRight
    }

    private mutating func openFrame(_ index: Int) -> Int {
        let own = marks.count
        let count = tape.memberCount(index) / 64 + 1
        steps -= count
        marks.reserve(count)
        (marks.base + own).update(repeating: 0, count: count)
        marks.count += count
        return own
    }

    private mutating func closeFrame(_ own: Int, into frame: Int) {
        if frame >= 0 {
            for at in 0..<(marks.count - own) { marks.base[frame + at] |= marks.base[own + at] }
        }
        marks.count = own
    }

    @inline(__always)
    mutating func mark(_ ordinal: Int, _ frame: Int) {
        guard frame >= 0 else { return }
        marks.base[frame + ordinal / 64] |= 1 << UInt64(ordinal % 64)
    }

    @inline(__always)
    func isMarked(_ ordinal: Int, _ frame: Int) -> Bool {
        frame >= 0 && marks.base[frame + ordinal / 64] & (1 << UInt64(ordinal % 64)) != 0
    }
}
