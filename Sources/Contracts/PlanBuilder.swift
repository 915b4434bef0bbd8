/// Lays a marked schema out as a ``DecodingPlan``.
///
/// Only types that the event can reach get a node. Cost: linear in the schema, plus the defaults
/// (``PlanBuilder/compileDefaults``), which are bounded in size and rounds.
struct PlanBuilder {
    private let schema: AvroSchema
    var marks: [FieldMarker.Rules]
    let piiFields: [PIIField]
    let validations: ValidationSet
    private let minimumSizes: [Int]
    var parts = DecodingPlan.Parts()
    /// Plan index of each schema node that was reached.
    private var planIndexes: [Int: UInt32] = [:]
    /// Schema nodes in the order of their plan nodes.
    private var order: [Int] = []
    /// For each plan field, the schema's field.
    private var sources: [AvroSchema.Field] = []

    /// One default in canonical form, in bytes.
    static let defaultBytesMax = 64 << 10
    /// All defaults of a contract together, in bytes.
    static let defaultBytesInAllMax = 2 << 20
    /// Rounds of ``compileDefaults``: how deep defaults may rely on defaults.
    static let defaultRoundsMax = 64

    /// - Throws: for defaults that do not fit their fields.
    static func build(
        _ marker: FieldMarker, piiFields: [PIIField], validations: ValidationSet,
        ref: ContractRef, schemaRef: SchemaRef
    ) throws(ContractError) -> DecodingPlan {
        var builder = PlanBuilder(marker, piiFields, validations)
        builder.parts.ref = builder.add(ref.description)
        builder.parts.schemaRef = builder.add(schemaRef.description)
        builder.layOut()
        try builder.compileDefaults()
        return DecodingPlan(builder.parts)
    }

    init(
        _ marker: FieldMarker, _ piiFields: [PIIField], _ validations: ValidationSet
    ) {
        schema = marker.schema
        marks = marker.rules
        self.piiFields = piiFields
        minimumSizes = marker.schema.minimumSizes()
        self.validations = validations
    }

    mutating func layOut() {
        parts.root = planIndex(schema.root)
        addRules()
        var next = 0
        while next < order.count {
            fill(next)
            next += 1
        }
    }

    /// The node's index in the plan; it is filled later, in order.
    private mutating func planIndex(_ index: Int) -> UInt32 {
        if let known = planIndexes[index] { return known }
        let made = UInt32(order.count)
        planIndexes[index] = made
        order.append(index)
        parts.nodes.append(DecodingPlan.Node(kind: schema.nodes[index].kind))
        return made
    }

    private mutating func fill(_ at: Int) {
        let source = schema.nodes[order[at]]
        var node = DecodingPlan.Node(kind: source.kind)
        node.minimumSize = UInt32(minimumSizes[order[at]])
        node.rules = source.rules.map { UInt16($0 + 1) } ?? 0
        switch source.kind {
        case .record: fillRecord(&node, source)
        case .enum:
            node.count = UInt32(source.symbols.count)
            node.names = UInt32(parts.names.count)
            for (index, symbol) in source.symbols.enumerated() { addName(symbol, index) }
            addTable(&node)
        case .fixed: node.count = UInt32(source.size)
        case .array, .map: node.first = planIndex(source.item)
        case .union: fillUnion(&node, source)
        default: break
        }
        parts.nodes[at] = node
    }

    private mutating func fillRecord(_ node: inout DecodingPlan.Node, _ source: AvroSchema.Node) {
        node.first = UInt32(parts.fields.count)
        node.count = UInt32(source.fields.count)
        node.names = UInt32(parts.names.count)
        for (index, field) in source.fields.enumerated() { addName(field.name, index) }
        for (index, field) in source.fields.enumerated() {
            for alias in field.aliases { addName(alias, index) }
        }
        addTable(&node)
        for field in source.fields {
            let key = Array(",\"\(field.name)\":".utf8)
            let role = source.isMeta ? MetaSection.role(field.name) : .none
            let isMetaRecord = schema.nodes[field.node].isMeta
            if field.defaultValue == nil || role != .none || isMetaRecord {
                node.requiredCount += role.isFilled ? 0 : 1
            }
            parts.fields.append(
                DecodingPlan.Field(
                    node: planIndex(field.node), role: role, keyStart: add(key),
                    keyCount: UInt32(key.count)))
            sources.append(field)
        }
    }

    private mutating func fillUnion(_ node: inout DecodingPlan.Node, _ source: AvroSchema.Node) {
        let start = parts.branches.count
        node.first = UInt32(start)
        node.count = UInt32(source.branches.count)
        for branch in source.branches {
            let names = [schema.branchName(branch)] + schema.nodes[branch].aliases
            let first = UInt32(parts.names.count)
            for name in names { addName(name, 0) }
            parts.branches.append(
                DecodingPlan.Branch(
                    node: planIndex(branch), names: first, nameCount: UInt32(names.count)))
        }
        let kinds = source.branches.map { schema.nodes[$0].kind }
        if kinds.count == 2, let null = kinds.firstIndex(of: .null) {
            node.isOptional = true
            node.valueBranch = UInt8(1 - null)
        }
    }

    mutating func add(_ bytes: [UInt8]) -> UInt32 {
        let start = UInt32(parts.bytes.count)
        parts.bytes += bytes
        return start
    }

    mutating func add(_ text: String) -> Range<Int> {
        let start = parts.bytes.count
        parts.bytes += text.utf8
        return start..<parts.bytes.count
    }

    mutating func addName(_ name: String, _ target: Int) {
        let bytes = Array(name.utf8)
        parts.names.append(
            DecodingPlan.Name(
                start: add(bytes), count: UInt16(bytes.count), target: UInt16(target)))
    }

    /// The hash table of the names that were added since the node's first.
    private mutating func addTable(_ node: inout DecodingPlan.Node) {
        (node.table, node.tableMask) = addTable(from: Int(node.names))
    }

    /// The hash table of the names from `first` on: where it stands, and its size minus one.
    mutating func addTable(from first: Int) -> (start: UInt32, mask: UInt32) {
        let count = parts.names.count - first
        var size = 2
        while size < 2 * count { size *= 2 }
        var table = [UInt16](repeating: 0, count: size)
        for index in 0..<count {
            let name = parts.names[first + index]
            let bytes = parts.bytes[Int(name.start)..<(Int(name.start) + Int(name.count))]
            let hash = bytes.withUnsafeBytes { ByteText.hash($0, seed: 0) }
            var at = Int(truncatingIfNeeded: hash) & (size - 1)
            while table[at] != 0 { at = (at + 1) & (size - 1) }
            table[at] = UInt16(index + 1)
        }
        parts.slots += table
        return (UInt32(parts.slots.count - size), UInt32(size - 1))
    }
}

// MARK: - Defaults

extension PlanBuilder {
    /// Writes each default in canonical form, with the spans of the personal values in it, by
    /// walking over it as over an event. A default may rely on the defaults of inner fields, so
    /// this goes in rounds until nothing changes.
    private mutating func compileDefaults() throws(ContractError) {
        var pending = sources.indices.filter { index in
            let node = schema.nodes[order[Int(parts.fields[index].node)]]
            return sources[index].defaultValue != nil && parts.fields[index].role == .none
                && !node.isMeta
        }
        var bytesInAll = 0
        for _ in 0..<Self.defaultRoundsMax where !pending.isEmpty {
            let before = pending.count
            let results = compile(pending)
            var left: [Int] = []
            for (index, result) in zip(pending, results) {
                switch result {
                case .done(let made):
                    bytesInAll += made.bytes.count
                    guard bytesInAll <= Self.defaultBytesInAllMax else {
                        throw failure(
                            index, "at most \(Self.defaultBytesInAllMax) bytes of defaults")
                    }
                    setDefault(index, made)
                case .invalidContent: forgetDefault(index)
                case .refused(let refusal):
                    guard refusal.rule == Refusal.Rule.required.rawValue else {
                        throw failure(index, refusal)
                    }
                    left.append(index)
                }
            }
            pending = left
            // No progress: what is left relies on itself, or on values that are really missing.
            if pending.count == before, let first = pending.first {
                throw failure(first, "a value in which no required field is missing")
            }
        }
        if let first = pending.first {
            throw failure(first, "defaults that rely on fewer defaults")
        }
    }

    private struct Default {
        let bytes: [UInt8]
        let spans: [EventSpan]
        let conditions: UInt64
        let present: UInt64
    }

    private enum DefaultResult {
        case done(Default)
        /// Of the field's type, but against a validation: the field is required then.
        case invalidContent
        case refused(Refusal)
    }

    private func compile(_ indexes: [Int]) -> [DefaultResult] {
        let plan = DecodingPlan(parts)
        let parser = JSONParser(depthMax: EventLimits.depthMax)
        var limits = EventLimits()
        limits.canonicalBytesMax = Self.defaultBytesMax
        return withExtendedLifetime(plan) {
            indexes.map { index in
                let text = (sources[index].defaultValue ?? .null).bytes
                return text.withUnsafeBytes { bytes in
                    guard let tape = try? parser.parse(bytes) else {
                        let kind = Refusal.Kind.tooDeep
                        return .refused(Refusal(kind: kind, rule: .depth, expected: "less depth"))
                    }
                    return compile(plan.fields[index].node, plan.view, tape, limits)
                }
            }
        }
    }

    private func compile(
        _ node: UInt32, _ plan: PlanView, _ tape: JSONTape, _ limits: EventLimits
    ) -> DefaultResult {
        var walk = EventWalk(limits: limits, plan: plan, tape: tape)
        walk.acceptsWrapped = false
        if walk.value(JSONTape.rootIndex, plan.nodes + Int(node)) {
            let spans = (0..<walk.spans.count).map { walk.spans.base[$0] }
            return .done(
                Default(
                    bytes: Array(walk.written(from: 0)), spans: spans,
                    conditions: walk.conditions, present: walk.present))
        }
        guard let refusal = walk.refusal else { return .invalidContent }
        return refusal.kind == .contractViolation ? .invalidContent : .refused(refusal)
    }

    private mutating func setDefault(_ index: Int, _ made: Default) {
        parts.fields[index].hasDefault = true
        parts.fields[index].defaultStart = add(made.bytes)
        parts.fields[index].defaultCount = UInt32(made.bytes.count)
        parts.fields[index].spanStart = UInt32(parts.spans.count)
        parts.fields[index].spanCount = UInt32(made.spans.count)
        parts.fields[index].conditions = made.conditions
        parts.fields[index].present = made.present
        parts.spans += made.spans
    }

    /// The field counts as one without a default.
    private mutating func forgetDefault(_ index: Int) {
        for at in parts.nodes.indices where parts.nodes[at].kind == .record {
            let first = Int(parts.nodes[at].first)
            if (first..<(first + Int(parts.nodes[at].count))).contains(index) {
                parts.nodes[at].requiredCount += 1
            }
        }
    }

    private func failure(_ index: Int, _ refusal: Refusal) -> ContractError {
        let place = refusal.pointer.isEmpty ? "" : " at \(refusal.pointer)"
        return failure(index, "\(refusal.expected)\(place)")
    }

    private func failure(_ index: Int, _ expected: String) -> ContractError {
        ContractError(
            pointer: "\(sources[index].pointer)/default", rule: "default", expected: expected)
    }
}
