// Lists.

extension JSONSchemaEvaluator {
    mutating func array(_ index: Int, _ operation: OperationPointer, _ frame: Int) -> Bool {
        switch operation.pointee.code {
        case .items: return items(index, operation, frame)
        case .minItems:
            return itemCount(index) >= Int(operation.pointee.a)
                || fail(.itemCount, index, operation)
        case .maxItems:
            return itemCount(index) <= Int(operation.pointee.a)
                || fail(.itemCount, index, operation)
        case .uniqueItems: return uniqueItems(index, operation)
        default: return contains(index, operation, frame)
        }
    }

    /// Exact: a body has fewer items than the tape's saturated count can hold.
    private func itemCount(_ index: Int) -> Int { tape.memberCount(index) }

    private mutating func items(_ index: Int, _ operation: OperationPointer, _ frame: Int) -> Bool {
        let prefixCount = Int(operation.pointee.b)
        let end = tape.end(index)
        var at = index + 1
        var ordinal = 0
        while at < end, ordinal < prefixCount {
            let node = Int(program.children[Int(operation.pointee.a) + ordinal])
            guard evaluate(at, node, Self.noFrame) else { return false }
            mark(ordinal, frame)
            at = tape.next(at)
            ordinal += 1
        }
        guard operation.pointee.c != 0 else { return true }
        let rest = Int(operation.pointee.c) - 1
        while at < end {
            guard evaluate(at, rest, Self.noFrame) else { return false }
            mark(ordinal, frame)
            at = tape.next(at)
            ordinal += 1
        }
        return true
    }

    private mutating func contains(
        _ index: Int, _ operation: OperationPointer, _ frame: Int
    ) -> Bool {
        let least = Int(operation.pointee.b)
        let most = Int(operation.pointee.c)
        let end = tape.end(index)
        var matchCount = 0
        var ordinal = 0
        var at = index + 1
        while at < end {
            if quietly({ $0.evaluate(at, Int(operation.pointee.a), Self.noFrame) }) {
                matchCount += 1
                mark(ordinal, frame)
                // Without annotations the rest matters only to a maximum.
                if frame < 0, matchCount >= least, most == Int(UInt32.max) { break }
            }
            guard steps > 0 else { return false }
            at = tape.next(at)
            ordinal += 1
        }
        return matchCount >= least && matchCount <= most || fail(.contains, index, operation)
    }

    mutating func unevaluatedItems(
        _ index: Int, _ operation: OperationPointer, _ frame: Int
    ) -> Bool {
        guard tape.tag(index) == JSONTape.Tag.array else { return true }
        let node = program.nodes + Int(operation.pointee.a)
        let end = tape.end(index)
        var ordinal = 0
        var at = index + 1
        while at < end {
            if !isMarked(ordinal, frame) {
                if node.pointee.isFalse { return fail(.itemCount, at, operation) }
                guard evaluate(at, Int(operation.pointee.a), Self.noFrame) else { return false }
                mark(ordinal, frame)
            }
            at = tape.next(at)
            ordinal += 1
        }
        return true
    }

    /// Each slot of the table holds half of an item's hash and its tape index; 0: free.
    private mutating func uniqueItems(_ index: Int, _ operation: OperationPointer) -> Bool {
        let count = itemCount(index)
        guard count > 1 else { return true }
        guard spend(tape.next(index) - index) else { return false }
        var size = 4
        while size < 2 * count { size *= 2 }
        table.count = 0
        table.reserve(size)
        table.base.update(repeating: 0, count: size)
        let end = tape.end(index)
        var item = index + 1
        while item < end {
            let hash = TapeValue.hash(tape, item, seed: program.seed)
            let entry = hash & 0xffff_ffff_0000_0000 | UInt64(item)
            var at = Int(truncatingIfNeeded: hash) & (size - 1)
            while table.base[at] != 0 {
                let other = table.base[at]
                if other >> 32 == entry >> 32,
                    TapeValue.isEqual(tape, item, tape, Int(other & 0xffff_ffff))
                {
                    return fail(.uniqueItems, item, operation)
                }
                at = (at + 1) & (size - 1)
            }
            table.base[at] = entry
            item = tape.next(item)
        }
        return true
    }
}
