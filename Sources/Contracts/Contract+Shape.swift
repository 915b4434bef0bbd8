extension Contract {
    /// Where the values of these paths stand in this contract's events; nil if no path leads
    /// anywhere in its schema. Paths are written as in the contract: record fields by name, lists
    /// and maps passed over or named by `*`.
    ///
    /// A path that ends at a record is found too, and gives the whole of it, or in a JSON Schema all
    /// values in it.
    package func shape(of paths: [FieldShape.TaggedPath]) -> FieldShape? {
        if let program = plan.program, let schemaRoot {
            return FieldShape(program, root: schemaRoot, paths)
        }
        var builder = ShapeBuilder(plan: plan)
        return builder.build(paths)
    }

    /// Whether the schema has a scalar at the path, or a list or map of them.
    package func hasScalar(at path: String) -> Bool {
        if let program = plan.program, let schemaRoot {
            var marker = SchemaMarker(program.parts, root: schemaRoot)
            return (try? marker.mark(path, for: .mention, pointer: "")) != nil
        }
        var builder = ShapeBuilder(plan: plan)
        return builder.build([(path, 0)]) != nil && !builder.endsAtRecord
    }
}

/// Lays the paths over the nodes of a compiled schema. Terminates on recursive types: each record
/// takes a step, and lists and maps are nested finitely between records.
private struct ShapeBuilder {
    let plan: DecodingPlan
    private var nodes: [FieldShape.Node] = []
    private(set) var endsAtRecord = false
    private var isFound = false

    /// What is left of a path.
    private struct Rest {
        var steps: ArraySlice<String>
        var tag: Int

        var advanced: Rest { Rest(steps: steps.dropFirst(), tag: tag) }
        var overList: Rest { steps.first == "*" ? advanced : self }
    }

    init(plan: DecodingPlan) {
        self.plan = plan
    }

    mutating func build(_ paths: [FieldShape.TaggedPath]) -> FieldShape? {
        nodes = []
        let rests = paths.map { Rest(steps: FieldShape.steps($0.path)[...], tag: $0.tag) }
        _ = add([plan.root], rests)
        return isFound ? FieldShape(nodes: nodes) : nil
    }

    /// The node for values of any of these types.
    private mutating func add(_ types: [UInt32], _ rests: [Rest]) -> Int {
        let at = nodes.count
        nodes.append(FieldShape.Node())
        let all = withoutUnions(types).map { plan.nodes[Int($0)] }
        let records = all.filter { $0.kind == .record }
        let lists = all.filter { $0.kind == .array }
        let maps = all.filter { $0.kind == .map }
        let hasScalar = records.count + lists.count + maps.count < all.count
        if hasScalar || !records.isEmpty, let end = rests.first(where: { $0.steps.isEmpty }) {
            nodes[at].tag = end.tag
            isFound = true
            guard records.isEmpty else {
                endsAtRecord = true
                return at
            }
        }
        addMembers(of: records, rests, to: at)
        if !lists.isEmpty { nodes[at].items = add(lists.map(\.first), rests.map(\.overList)) }
        if !maps.isEmpty { nodes[at].others = add(maps.map(\.first), rests.map(\.overList)) }
        return at
    }

    private mutating func addMembers(
        of records: [DecodingPlan.Node], _ rests: [Rest], to at: Int
    ) {
        for step in Set(rests.compactMap(\.steps.first)).sorted() {
            let types = records.compactMap { field(named: step, of: $0) }
            guard !types.isEmpty else { continue }
            let child = add(types, rests.filter { $0.steps.first == step }.map(\.advanced))
            nodes[at].members.append((FieldShape.escaped(step), child))
        }
    }

    private func field(named name: String, of record: DecodingPlan.Node) -> UInt32? {
        let wanted = Array(name.utf8)
        for index in 0..<Int(record.count) {
            let text = plan.names[Int(record.names) + index]
            let bytes = plan.bytes[Int(text.start)..<(Int(text.start) + Int(text.count))]
            if bytes.elementsEqual(wanted) { return plan.fields[Int(record.first) + index].node }
        }
        return nil
    }

    /// Unions take no step: their branches but null in their place.
    private func withoutUnions(_ types: [UInt32]) -> [UInt32] {
        types.flatMap { type -> [UInt32] in
            let node = plan.nodes[Int(type)]
            switch node.kind {
            case .union:
                let branches = (0..<Int(node.count)).map {
                    plan.branches[Int(node.first) + $0].node
                }
                return withoutUnions(branches)
            case .null: return []
            default: return [type]
            }
        }
    }
}
