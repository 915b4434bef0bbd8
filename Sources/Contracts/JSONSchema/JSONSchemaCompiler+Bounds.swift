// What keeps evaluation finite and cheap, checked once.
//
// "In place" means that a schema is applied to the same value: `$ref`, `allOf`, `if` and the like,
// not `properties` or `items`. A way in place that comes back to where it began would never end, as
// it makes no progress in the event.

extension JSONSchemaCompiler {
    /// Steps in place behind each other: bounds the evaluator's stack together with the depth of
    /// events.
    static let chainMax = 40
    /// Schemas that are applied to one value, itself included: 1 + the costs of all that is applied
    /// in place.
    static let costMax = 20_000

    /// Ways in place from one schema to another, in the whole document.
    static let edgeCountMax = 250_000

    private struct Measure {
        var cost = 0
        var height = 0
        var isOpen = true
    }

    /// - Throws: at a schema that would be applied to its own value again and again, behind too
    ///   many others, or at too high a cost.
    mutating func checkBounds() throws(ContractError) {
        edgeCount = 0
        var measures = [Measure?](repeating: nil, count: parts.nodes.count)
        for node in parts.nodes.indices { try measure(node, depth: 0, &measures) }
    }

    /// Recursion is bounded by ``chainMax``.
    private mutating func measure(
        _ node: Int, depth: Int, _ measures: inout [Measure?]
    ) throws(ContractError) {
        if let known = measures[node] {
            guard !known.isOpen else {
                throw index.failure(
                    locations[node], nil, "schema-cycle",
                    "a schema that is not applied to its own value again")
            }
            return
        }
        guard depth < Self.chainMax else { throw chainFailure(node) }
        measures[node] = Measure()
        var measure = Measure(cost: 1, height: 0, isOpen: false)
        let children = parts.inPlace(node)
        count(children.count)
        edgeCount += children.count
        guard edgeCount <= Self.edgeCountMax else {
            throw index.failure(
                locations[node], nil, "schema-cost",
                "at most \(Self.edgeCountMax) ways from a schema to one for the same value")
        }
        for child in children {
            try self.measure(child, depth: depth + 1, &measures)
            measure.cost = min(measure.cost + (measures[child]?.cost ?? 0), Self.costMax + 1)
            measure.height = max(measure.height, 1 + (measures[child]?.height ?? 0))
        }
        guard measure.height < Self.chainMax else { throw chainFailure(node) }
        guard measure.cost <= Self.costMax else {
            throw index.failure(
                locations[node], nil, "schema-cost",
                "at most \(Self.costMax) schemas that are applied to one value")
        }
        measures[node] = measure
    }

    private func chainFailure(_ node: Int) -> ContractError {
        index.failure(
            locations[node], nil, "schema-depth",
            "at most \(Self.chainMax) schemas behind each other that are applied to one value")
    }

}

extension JSONSchemaProgram.Parts {
    /// The operations of a node.
    func operations(of node: Int) -> ArraySlice<JSONSchemaProgram.Operation> {
        let first = Int(nodes[node].first)
        return operations[first..<(first + Int(nodes[node].end))]
    }

    /// Every node that a dynamic reference may lead to.
    func dynamicTargets(_ operation: JSONSchemaProgram.Operation) -> [Int] {
        let start = (Int(operation.b) - 1) * resourceCount
        let targets = dynamicTargets[start..<(start + resourceCount)].filter { $0 != 0 }
        return [Int(operation.a)] + targets.map { Int($0) - 1 }.filter { $0 != Int(operation.a) }
    }

    /// The nodes that a node applies to its own value, with or without a condition.
    func inPlace(_ node: Int, withNot: Bool = true) -> [Int] {
        var found: [Int] = []
        for operation in operations(of: node) {
            switch operation.code {
            case .apply: found.append(Int(operation.a))
            case .not: if withNot { found.append(Int(operation.a)) }
            case .dependentSchema: found.append(Int(operation.b))
            case .dynamicReference: found += dynamicTargets(operation)
            case .anyOf, .oneOf:
                let first = Int(operation.a)
                found += children[first..<(first + Int(operation.b))].map { Int($0) }
            case .condition:
                found.append(Int(operation.a))
                if operation.b != 0 { found.append(Int(operation.b) - 1) }
                if operation.c != 0 { found.append(Int(operation.c) - 1) }
            default: break
            }
        }
        return found
    }
}
