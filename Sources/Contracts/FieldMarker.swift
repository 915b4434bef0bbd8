/// Puts a contract's rules on the places of the schema that its paths name.
///
/// A type that is used in several places is copied along each path, so that a rule holds at the
/// named place only: `billing/street` may be personal while `shipping/street` is not, although both
/// are of one record type. In a type that contains itself a path therefore names one level:
/// `parent/email` and `parent/parent/email` are two places.
struct FieldMarker: PlaceMarker {
    private(set) var schema: AvroSchema
    /// Rules by index; ``AvroSchema/Node/rules`` refers here.
    private(set) var rules: [Rules] = []
    /// Nodes with one referrer, which may be changed without touching another place.
    private var owned: Set<Int> = []
    private var fieldCount: Int

    /// What the contract says about the values of one place.
    struct Rules {
        var isKey = false
        var isSubject = false
        /// Index into the contract's PII fields.
        var pii: Int?
        /// The type of the values.
        var kind: AvroSchema.Kind
        /// The schema itself lists the values.
        var isEnumeration = false
        /// Indexes of the validations that each value has to pass.
        var checks: [Int] = []
        /// Indexes of the validations whose condition a value can meet.
        var conditions: [Int] = []
        /// Bits of the `required-if` that ask for this place, and of those that ask for another if
        /// this one is present.
        var requirements: UInt64 = 0
        var presences: UInt64 = 0
    }

    /// What a path is used for; decides which values it may name.
    enum Use {
        case key
        case subject
        case pii(Int)
        /// A validation, by its index.
        case check(Int, ContractDocument.Validation)
        /// A `required-if`, by its bit, that asks for this place; one that asks for another if this
        /// is present; one, by its index, that asks if this has certain values.
        case requirement(UInt8)
        case presence(UInt8)
        case condition(Int, ContractDocument.Validation)
        /// Must exist, nothing more.
        case mention
    }

    init(_ schema: AvroSchema) {
        self.schema = schema
        fieldCount = schema.nodes.reduce(0) { $0 + $1.fields.count }
    }

    /// Marks the place(s) that `path` names. Returns the path in its normal form, without `*`
    /// steps.
    /// - Throws: at `pointer`, when the schema has no such place, or it does not fit the use.
    @discardableResult
    mutating func mark(
        _ path: String, for use: Use, pointer: String
    ) throws(ContractError) -> String {
        let steps = path.split(separator: "/", omittingEmptySubsequences: false).map(String.init)
        guard steps.first != "strmMeta" else {
            throw ContractError(
                pointer: pointer, rule: "path", expected: "a field outside strmMeta")
        }
        schema.root = try own(schema.root, pointer)
        let walk = Walk(steps: steps, use: use, pointer: pointer)
        guard try descend(schema.root, walk, isRepeated: false) else {
            throw ContractError(
                pointer: pointer, rule: "unknown-path",
                expected: "a path of the schema: there is no field \(path)")
        }
        return steps.filter { $0 != "*" }.joined(separator: "/")
    }

    /// Gives the event's `strmMeta` a record of its own and marks it; false if the event has no
    /// such record.
    mutating func markMeta(pointer: String) throws(ContractError) -> Bool {
        schema.root = try own(schema.root, pointer)
        let fields = schema.nodes[schema.root].fields
        guard let at = fields.firstIndex(where: { $0.name == "strmMeta" }),
            schema.nodes[fields[at].node].kind == .record
        else { return false }
        let child = try own(fields[at].node, pointer)
        schema.nodes[schema.root].fields[at].node = child
        schema.nodes[child].isMeta = true
        return true
    }

    private struct Walk {
        let steps: [String]
        let use: Use
        let pointer: String
        var index = 0

        var step: String? { index < steps.count ? steps[index] : nil }

        var advanced: Walk {
            var next = self
            next.index += 1
            return next
        }

        func fail(_ rule: String, _ expected: String) -> ContractError {
            ContractError(pointer: pointer, rule: rule, expected: expected)
        }
    }

    /// The node itself if nothing else refers to it, else a copy of its own.
    private mutating func own(_ index: Int, _ pointer: String) throws(ContractError) -> Int {
        guard !owned.contains(index) else { return index }
        fieldCount += schema.nodes[index].fields.count
        guard schema.nodes.count < AvroSchema.nodeCountMax, fieldCount <= AvroSchema.fieldCountMax
        else {
            throw ContractError(
                pointer: pointer, rule: "size", expected: "fewer paths, or a smaller schema")
        }
        schema.nodes.append(schema.nodes[index])
        owned.insert(schema.nodes.count - 1)
        return schema.nodes.count - 1
    }

    /// Walks an owned node. False: the path leads nowhere from here.
    private mutating func descend(
        _ index: Int, _ walk: Walk, isRepeated: Bool
    ) throws(ContractError) -> Bool {
        switch schema.nodes[index].kind {
        case .union: return try union(index, walk, isRepeated)
        case .record:
            guard let step = walk.step else {
                throw walk.fail("path-type", "a path to a value, not to a record")
            }
            guard let at = schema.nodes[index].fields.firstIndex(where: { $0.name == step }) else {
                return false
            }
            let child = try own(schema.nodes[index].fields[at].node, walk.pointer)
            schema.nodes[index].fields[at].node = child
            return try descend(child, walk.advanced, isRepeated: isRepeated)
        case .array, .map:
            try checkRepeatable(walk)
            let child = try own(schema.nodes[index].item, walk.pointer)
            schema.nodes[index].item = child
            return try descend(
                child, walk.step == "*" ? walk.advanced : walk, isRepeated: true)
        default:
            guard walk.step == nil else { return false }
            try apply(index, walk)
            return true
        }
    }

    /// A union takes no step of the path. On the way every branch that has the field is followed;
    /// at its end every branch but null has to fit.
    private mutating func union(
        _ index: Int, _ walk: Walk, _ isRepeated: Bool
    ) throws(ContractError) -> Bool {
        var hasPlace = false
        for at in schema.nodes[index].branches.indices {
            let branch = schema.nodes[index].branches[at]
            guard schema.nodes[branch].kind != .null else { continue }
            let child = try own(branch, walk.pointer)
            schema.nodes[index].branches[at] = child
            if try descend(child, walk, isRepeated: isRepeated) { hasPlace = true }
        }
        return hasPlace
    }

    private func checkRepeatable(_ walk: Walk) throws(ContractError) {
        switch walk.use {
        case .key: throw walk.fail("path-type", "a key field outside lists and maps")
        case .subject: throw walk.fail("path-type", "a data-subject field outside lists and maps")
        case .requirement, .presence, .condition:
            throw walk.fail("path-type", "a field outside lists and maps")
        case .pii, .check, .mention: break
        }
    }

    private mutating func apply(_ node: Int, _ walk: Walk) throws(ContractError) {
        let kind = schema.nodes[node].kind
        let at: Int
        if let known = schema.nodes[node].rules {
            at = known
        } else {
            rules.append(Rules(kind: kind))
            at = rules.count - 1
        }
        switch walk.use {
        case .key:
            guard kind.isScalar else { throw walk.fail("path-type", "a scalar field") }
            rules[at].isKey = true
        case .subject:
            guard kind.isScalar else { throw walk.fail("path-type", "a scalar field") }
            rules[at].isSubject = true
        case .pii(let field):
            // A sealed symbol of an enum is stored as text in its place.
            guard kind == .string || kind == .enum else {
                throw walk.fail(
                    "pii-type",
                    "a string or an enum, an optional one, or a list or map of them")
            }
            guard rules[at].pii == nil else {
                throw walk.fail("duplicate-path", "each field once")
            }
            rules[at].pii = field
        case .check(let index, let rule):
            try rule.checkFit(schema.nodes[node], pointer: walk.pointer)
            rules[at].checks.append(index)
        case .requirement(let bit): rules[at].requirements |= 1 << UInt64(bit)
        case .presence(let bit): rules[at].presences |= 1 << UInt64(bit)
        case .condition(let index, let rule):
            try rule.checkFit(schema.nodes[node], pointer: walk.pointer)
            rules[at].conditions.append(index)
        case .mention: break
        }
        schema.nodes[node].rules = at
    }
}
