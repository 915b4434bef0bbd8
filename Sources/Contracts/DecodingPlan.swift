/// A contract compiled for the decoder: flat tables of plain data that refer to each other by
/// index.
///
/// The walk over an event reads these tables through raw pointers, so that it causes no reference
/// counting and no checks. Every index in a table was made by ``PlanBuilder`` from the sizes of
/// these very tables, and nothing changes after it.
final class DecodingPlan: @unchecked Sendable {
    // Sendable: the tables are written by PlanBuilder before anyone else sees the plan, and only
    // read afterwards.

    /// A type at one place of the schema.
    struct Node {
        var kind: AvroSchema.Kind
        /// A union of null and one other type, the usual optional field.
        var isOptional = false
        /// In such a union, the index of the branch that is not null.
        var valueBranch: UInt8 = 0
        /// Index into `rules` plus one; 0: none.
        var rules: UInt16 = 0
        /// Record: first of `fields`. Union: first of `branches`. Array, map: the item's node.
        var first: UInt32 = 0
        /// Record: fields. Enum: symbols. Union: branches. Fixed: bytes.
        var count: UInt32 = 0
        /// Record, enum: first of `names`, in the order of fields or symbols, aliases behind.
        var names: UInt32 = 0
        /// Record, enum: the hash table in `slots`, and its size minus one (a power of two minus
        /// one).
        var table: UInt32 = 0
        var tableMask: UInt32 = 0
        /// Record: fields without a default.
        var requiredCount: UInt32 = 0
        /// Least bytes of a value in Avro binary; 0 is exact: such a value takes no bytes.
        var minimumSize: UInt32 = 0
    }

    /// What a field of `strmMeta` is for.
    enum Role: UInt8 {
        case none, eventContractRef, nonce, timestamp, keyLink, billingId, consentLevels

        /// The sender may leave it out and whatever it holds is replaced.
        var isFilled: Bool {
            switch self {
            case .nonce, .timestamp, .keyLink, .billingId: true
            case .none, .eventContractRef, .consentLevels: false
            }
        }
    }

    struct Field {
        var node: UInt32
        var role: Role
        var hasDefault = false
        /// `,"name":` in `bytes`; the comma is left out for the first field of a record.
        var keyStart: UInt32
        var keyCount: UInt32
        /// The default's canonical JSON in `bytes`, and its PII spans in `spans`, relative to its
        /// start.
        var defaultStart: UInt32 = 0
        var defaultCount: UInt32 = 0
        var spanStart: UInt32 = 0
        var spanCount: UInt32 = 0
        /// What the default adds to the words of the walk.
        var conditions: UInt64 = 0
        var present: UInt64 = 0
    }

    /// A name of a field or symbol, or an alias of a field.
    struct Name {
        var start: UInt32
        var count: UInt16
        /// Index within the record's fields or the enum's symbols.
        var target: UInt16
    }

    struct Branch {
        var node: UInt32
        /// First of `names`: the branch's name, then its aliases.
        var names: UInt32
        var nameCount: UInt32
    }

    struct Rules {
        /// Index of the PII field, or -1.
        var pii: Int32
        var level: UInt8
        /// The values are sealed in the random mode.
        var isRandom: Bool
        var isKey: Bool
        var isSubject: Bool
        /// First and number of `checks`.
        var checkStart: UInt32
        var checkCount: UInt32
        /// Bits of `required-if` that a value here fulfils, and whose condition it meets.
        var requirements: UInt64
        var presences: UInt64
    }

    /// A place of a JSON Schema at or below which rules apply. Place 0 has none; the event itself is
    /// place 1.
    struct Place {
        /// Index into `rules` plus one; 0: none.
        var rules: UInt16 = 0
        /// The place of members that have none of their own by name.
        var others: UInt16 = 0
        /// First and number of `names` with a place of their own, and their hash table in `slots`.
        var names: UInt32 = 0
        var count: UInt16 = 0
        var table: UInt32 = 0
        var tableMask: UInt32 = 0
    }

    let nodes: UnsafeMutableBufferPointer<Node>
    let fields: UnsafeMutableBufferPointer<Field>
    let names: UnsafeMutableBufferPointer<Name>
    let branches: UnsafeMutableBufferPointer<Branch>
    let rules: UnsafeMutableBufferPointer<Rules>
    /// Open-addressing tables of index-in-node-names plus one; 0: free.
    let slots: UnsafeMutableBufferPointer<UInt16>
    let bytes: UnsafeMutableBufferPointer<UInt8>
    let spans: UnsafeMutableBufferPointer<EventSpan>
    let checks: UnsafeMutableBufferPointer<Check>
    let ranges: UnsafeMutableBufferPointer<RangeBounds>
    let integers: UnsafeMutableBufferPointer<Int64>
    let doubles: UnsafeMutableBufferPointer<Double>
    let validations: UnsafeMutableBufferPointer<ValidationText>
    let places: UnsafeMutableBufferPointer<Place>
    /// The schema of a contract in JSON Schema.
    let program: JSONSchemaProgram?
    /// RE2 objects, owned by `owners`.
    let expressions: UnsafeMutableBufferPointer<OpaquePointer>
    let root: UInt32
    private let validationCount: Int
    /// Where the texts of the contract's and the schema's references stand in `bytes`.
    private let ref: Range<Int>
    private let schemaRef: Range<Int>
    private let owners: [RegularExpression]

    /// The parts from which a plan is made, while they still grow.
    struct Parts {
        var nodes: [Node] = []
        var fields: [Field] = []
        var names: [Name] = []
        var branches: [Branch] = []
        var rules: [Rules] = []
        var slots: [UInt16] = []
        var bytes: [UInt8] = []
        var spans: [EventSpan] = []
        var checks: [Check] = []
        var ranges: [RangeBounds] = []
        var integers: [Int64] = []
        var doubles: [Double] = []
        var validations: [ValidationText] = []
        var places: [Place] = []
        var program: JSONSchemaProgram?
        var expressions: [RegularExpression] = []
        var root: UInt32 = 0
        var ref = 0..<0
        var schemaRef = 0..<0
    }

    init(_ parts: Parts) {
        nodes = Self.copy(parts.nodes)
        fields = Self.copy(parts.fields)
        names = Self.copy(parts.names)
        branches = Self.copy(parts.branches)
        rules = Self.copy(parts.rules)
        slots = Self.copy(parts.slots)
        bytes = Self.copy(parts.bytes)
        spans = Self.copy(parts.spans)
        checks = Self.copy(parts.checks)
        ranges = Self.copy(parts.ranges)
        integers = Self.copy(parts.integers)
        doubles = Self.copy(parts.doubles)
        validations = Self.copy(parts.validations)
        places = Self.copy(parts.places)
        program = parts.program
        expressions = Self.copy(parts.expressions.map(\.handle))
        owners = parts.expressions
        root = parts.root
        validationCount = parts.validations.count
        ref = parts.ref
        schemaRef = parts.schemaRef
    }

    deinit {
        nodes.deallocate()
        fields.deallocate()
        names.deallocate()
        branches.deallocate()
        rules.deallocate()
        slots.deallocate()
        bytes.deallocate()
        spans.deallocate()
        checks.deallocate()
        ranges.deallocate()
        integers.deallocate()
        doubles.deallocate()
        validations.deallocate()
        places.deallocate()
        expressions.deallocate()
    }

    private static func copy<T: BitwiseCopyable>(
        _ items: [T]
    ) -> UnsafeMutableBufferPointer<T> {
        // Never empty, so that each table has a base address.
        let buffer = UnsafeMutableBufferPointer<T>.allocate(capacity: max(items.count, 1))
        _ = buffer.initialize(from: items)
        return buffer
    }

    /// The tables without their owner: what the walk works with. Valid as long as the plan lives.
    var view: PlanView {
        PlanView(
            nodes: UnsafePointer(nodes.baseAddress.unsafelyUnwrapped),
            fields: UnsafePointer(fields.baseAddress.unsafelyUnwrapped),
            names: UnsafePointer(names.baseAddress.unsafelyUnwrapped),
            branches: UnsafePointer(branches.baseAddress.unsafelyUnwrapped),
            rules: UnsafePointer(rules.baseAddress.unsafelyUnwrapped),
            slots: UnsafePointer(slots.baseAddress.unsafelyUnwrapped),
            bytes: UnsafeRawPointer(bytes.baseAddress.unsafelyUnwrapped),
            spans: UnsafePointer(spans.baseAddress.unsafelyUnwrapped),
            checks: UnsafePointer(checks.baseAddress.unsafelyUnwrapped),
            ranges: UnsafePointer(ranges.baseAddress.unsafelyUnwrapped),
            integers: UnsafePointer(integers.baseAddress.unsafelyUnwrapped),
            doubles: UnsafePointer(doubles.baseAddress.unsafelyUnwrapped),
            validations: UnsafePointer(validations.baseAddress.unsafelyUnwrapped),
            validationCount: validationCount,
            places: UnsafePointer(places.baseAddress.unsafelyUnwrapped),
            isJSONSchema: program != nil, schema: (program ?? .none).view,
            expressions: UnsafePointer(expressions.baseAddress.unsafelyUnwrapped),
            root: Int(root),
            ref: UnsafeRawBufferPointer(rebasing: UnsafeRawBufferPointer(bytes)[ref]),
            schemaRef: UnsafeRawBufferPointer(rebasing: UnsafeRawBufferPointer(bytes)[schemaRef]))
    }
}

/// Unowned pointers to a plan's tables.
struct PlanView {
    let nodes: UnsafePointer<DecodingPlan.Node>
    let fields: UnsafePointer<DecodingPlan.Field>
    let names: UnsafePointer<DecodingPlan.Name>
    let branches: UnsafePointer<DecodingPlan.Branch>
    let rules: UnsafePointer<DecodingPlan.Rules>
    let slots: UnsafePointer<UInt16>
    let bytes: UnsafeRawPointer
    let spans: UnsafePointer<EventSpan>
    let checks: UnsafePointer<DecodingPlan.Check>
    let ranges: UnsafePointer<DecodingPlan.RangeBounds>
    let integers: UnsafePointer<Int64>
    let doubles: UnsafePointer<Double>
    let validations: UnsafePointer<DecodingPlan.ValidationText>
    let validationCount: Int
    let places: UnsafePointer<DecodingPlan.Place>
    /// Whether the contract's schema is a JSON Schema, and that schema; one of nothing otherwise.
    let isJSONSchema: Bool
    let schema: JSONSchemaView
    let expressions: UnsafePointer<OpaquePointer>
    let root: Int
    /// `handle/name/version` of the contract and of its schema.
    let ref: UnsafeRawBufferPointer
    let schemaRef: UnsafeRawBufferPointer

    @inline(__always)
    func text(_ name: DecodingPlan.Name) -> UnsafeRawBufferPointer {
        UnsafeRawBufferPointer(start: bytes + Int(name.start), count: Int(name.count))
    }

    /// Whether the name is these bytes.
    @inline(__always)
    func isName(_ index: Int, _ text: UnsafeRawBufferPointer) -> Bool {
        let name = names[index]
        return ByteText.isEqual(bytes + Int(name.start), Int(name.count), text)
    }

    /// The field or symbol of a record's or enum's node that has this name or alias; nil: none.
    func target(_ node: DecodingPlan.Node, _ text: UnsafeRawBufferPointer) -> Int? {
        find(text, names: node.names, table: node.table, mask: node.tableMask)
    }

    /// The target of this name in a hash table of `slots`.
    @inline(__always)
    func find(
        _ text: UnsafeRawBufferPointer, names first: UInt32, table: UInt32, mask: UInt32
    ) -> Int? {
        var at = ByteText.hash(text, seed: 0) & UInt64(mask)
        while true {
            let entry = slots[Int(table) + Int(at)]
            guard entry != 0 else { return nil }
            let index = Int(first) + Int(entry) - 1
            if isName(index, text) { return Int(names[index].target) }
            at = (at + 1) & UInt64(mask)
        }
    }
}
