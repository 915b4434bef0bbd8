/// Finds the contract reference in an event in Avro binary whose `strmMeta` may stand anywhere.
///
/// Passes over values by their lengths. Bounded like the walk (depth, lengths, counts), and by a
/// number of values, since records of many empty fields make much work of few bytes.
struct BinaryFinder {
    let plan: PlanView
    let limits: EventLimits
    var cursor: BinaryCursor
    /// Values that may still be passed over.
    private var budget = 4_000_000

    init(plan: PlanView, limits: EventLimits, cursor: BinaryCursor) {
        self.plan = plan
        self.limits = limits
        self.cursor = cursor
    }

    typealias NodePointer = UnsafePointer<DecodingPlan.Node>

    mutating func find() -> UnsafeRawBufferPointer? {
        let root = plan.nodes + plan.root
        for position in 0..<Int(root.pointee.count) {
            let field = plan.fields + Int(root.pointee.first) + position
            let node = plan.nodes + Int(field.pointee.node)
            guard isMeta(node) else {
                guard skip(node, 2) else { return nil }
                continue
            }
            for inner in 0..<Int(node.pointee.count) {
                let member = plan.fields + Int(node.pointee.first) + inner
                if member.pointee.role == .eventContractRef { return cursor.prefixed() }
                guard skip(plan.nodes + Int(member.pointee.node), 3) else { return nil }
            }
        }
        return nil
    }

    /// Only the fields of `strmMeta` have roles.
    private func isMeta(_ node: NodePointer) -> Bool {
        guard node.pointee.kind == .record, node.pointee.count > 0 else { return false }
        return plan.fields[Int(node.pointee.first)].role != .none
    }

    private mutating func skip(_ node: NodePointer, _ depth: Int) -> Bool {
        budget -= 1
        guard budget > 0, depth <= EventLimits.depthMax + 2 else { return false }
        switch node.pointee.kind {
        case .null: return true
        case .boolean: return cursor.byte() != nil
        case .int, .long, .enum: return cursor.long() != nil
        case .float: return cursor.bytes(4) != nil
        case .double: return cursor.bytes(8) != nil
        case .string, .bytes: return cursor.prefixed() != nil
        case .fixed: return cursor.bytes(Int(node.pointee.count)) != nil
        case .union:
            guard let index = cursor.long(), index >= 0, index < Int64(node.pointee.count) else {
                return false
            }
            let branch = plan.branches[Int(node.pointee.first) + Int(index)]
            return skip(plan.nodes + Int(branch.node), depth)
        case .record:
            for position in 0..<Int(node.pointee.count) {
                let field = plan.fields[Int(node.pointee.first) + position]
                guard skip(plan.nodes + Int(field.node), depth + 1) else { return false }
            }
            return true
        case .array: return skipBlocks(node, depth, hasKeys: false)
        case .map: return skipBlocks(node, depth, hasKeys: true)
        }
    }

    private mutating func skipBlocks(_ node: NodePointer, _ depth: Int, hasKeys: Bool) -> Bool {
        let item = plan.nodes + Int(node.pointee.first)
        var total: Int64 = 0
        while let count = cursor.long(), count != Int64.min {
            if count == 0 { return true }
            if count < 0 {
                guard let size = cursor.long(), size >= 0, size <= Int64(cursor.remaining),
                    cursor.bytes(Int(size)) != nil
                else { return false }
                continue
            }
            let isEmpty = item.pointee.minimumSize == 0 && !hasKeys
            guard count <= Int64(limits.itemCountMax) else { return false }
            total += count
            let countMax = isEmpty ? limits.emptyItemCountMax : limits.itemCountMax
            guard total <= Int64(countMax) else { return false }
            if isEmpty { continue }
            for _ in 0..<count {
                if hasKeys { guard cursor.prefixed() != nil else { return false } }
                guard skip(item, depth + 1) else { return false }
            }
        }
        return false
    }
}
