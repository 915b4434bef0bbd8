/// A schema compiled for the evaluator: flat tables of plain data that refer to each other by
/// index, read through raw pointers as a ``DecodingPlan`` is.
///
/// Every index in a table was made by ``JSONSchemaCompiler`` from the sizes of these very tables,
/// and nothing changes after it.
final class JSONSchemaProgram: @unchecked Sendable {
    // Sendable: the tables are written by the compiler before anyone else sees the program, and
    // only read afterwards.

    /// Types of JSON as bits; a number is one of two: with or without a fraction.
    enum Types {
        static let null: UInt8 = 1
        static let boolean: UInt8 = 2
        static let object: UInt8 = 4
        static let array: UInt8 = 8
        static let fraction: UInt8 = 16
        static let integer: UInt8 = 32
        static let string: UInt8 = 64
        static let number: UInt8 = 48
        static let all: UInt8 = 127
    }

    /// One schema. Its operations stand in groups, of which a value needs those of its type.
    struct Node {
        var types = Types.all
        /// The schema `false`.
        var isFalse = false
        /// Has `unevaluatedProperties` or `unevaluatedItems`: notes what is evaluated.
        var isTracking = false
        var resource: UInt32 = 0
        /// First of `operations`. The groups: constants, numbers, strings, lists, objects, and what
        /// concerns every value; each ends where the next begins, counted from `first`.
        var first: UInt32 = 0
        var numberAt: UInt16 = 0
        var stringAt: UInt16 = 0
        var arrayAt: UInt16 = 0
        var objectAt: UInt16 = 0
        var applyAt: UInt16 = 0
        var end: UInt16 = 0
    }

    enum Code: UInt8 {
        /// a: first of `constants`, b: how many. `const` has one of its own for its message.
        case `enum`, const
        /// a: index in `numbers`.
        case minimum, maximum, exclusiveMinimum, exclusiveMaximum
        /// a: index in `divisors` and in `numbers`.
        case multipleOf
        /// a: code points.
        case minLength, maxLength
        /// a: index in `patterns`.
        case pattern
        /// a: raw value of a ``StringFormat``.
        case format
        /// a: first of `children`, b: prefix items, c: node of the rest plus one, or 0.
        case items
        /// a: count.
        case minItems, maxItems
        case uniqueItems
        /// a: node, b: least, c: most matches.
        case contains
        /// a: index in `objects`.
        case members
        /// a: node.
        case propertyNames
        /// a: count.
        case minProperties, maxProperties
        /// a: the name that asks, b: first of the asked ones in `names`, c: how many.
        case dependentRequired
        /// a: the name that asks, b: node.
        case dependentSchema
        /// a: node. `$ref`, or one of `allOf`.
        case apply
        /// a: node, b: index of the anchor plus one.
        case dynamicReference
        /// a: first of `children`, b: how many.
        case anyOf, oneOf
        /// a: node.
        case not
        /// a: node, b: node if it holds plus one, c: node if not plus one; 0: none.
        case condition
        /// a: node.
        case unevaluatedItems, unevaluatedProperties
    }

    struct Operation {
        var code: Code
        var a: UInt32 = 0
        var b: UInt32 = 0
        var c: UInt32 = 0
    }

    struct Name {
        var start: UInt32
        var count: UInt32
    }

    /// A name of `properties` or `required`.
    struct Member {
        var name: Name
        /// Node plus one; 0: only required.
        var node: UInt32 = 0
        /// Place among the required names plus one; 0: may be absent.
        var required: UInt32 = 0
        /// A field of `strmMeta` that the server fills in: it may be absent there.
        var isFilled = false
    }

    /// What `properties`, `patternProperties`, `additionalProperties` and `required` say together.
    struct Object {
        var first: UInt32 = 0
        var count: UInt32 = 0
        var requiredCount: UInt32 = 0
        /// Open-addressing table in `slots`, and its size minus one.
        var table: UInt32 = 0
        var tableMask: UInt32 = 0
        /// `patternProperties`: first of `children`, the nodes, and of as many `patterns`.
        var patternNodes: UInt32 = 0
        var patternFirst: UInt32 = 0
        var patternCount: UInt32 = 0
        /// Node plus one; 0: none.
        var additional: UInt32 = 0
        /// Members without a node are known all the same: the strictness of a contract.
        var isStrict = false
    }

    /// A value of `enum` or `const`.
    struct Constant {
        /// Where it stands on the tape of constants.
        var index: UInt32
        /// Bit of its type.
        var type: UInt8
        var hash: UInt64
    }

    /// The tables while they still grow.
    struct Parts {
        var nodes: [Node] = []
        var operations: [Operation] = []
        var children: [UInt32] = []
        var objects: [Object] = []
        var members: [Member] = []
        var slots: [UInt16] = []
        var names: [Name] = []
        var bytes: [UInt8] = []
        var numbers: [JSONNumber] = []
        var divisors: [JSONNumber.Decimal] = []
        var constants: [Constant] = []
        /// Indexes of constants; those of one operation in the order of their hashes.
        var byHash: [UInt32] = []
        var constantTape = TapeBuilder()
        /// RE2 objects by the index that operations use.
        var patterns: [RegularExpression] = []
        /// The author's spelling of each pattern.
        var patternNames: [Name] = []
        /// For each dynamic anchor and resource, the node plus one; 0: none.
        var dynamicTargets: [UInt32] = []
        var resourceCount = 0
        var root = 0
        /// Mixed into hashes of values.
        var seed = UInt64.random(in: .min ... .max)
    }

    /// Stands in where there is no schema.
    static let none = JSONSchemaProgram(Parts())

    let parts: Parts
    /// Every name of a member that the schema has somewhere.
    private let memberNames: Set<String>
    private let nodes: UnsafeMutableBufferPointer<Node>
    private let operations: UnsafeMutableBufferPointer<Operation>
    private let children: UnsafeMutableBufferPointer<UInt32>
    private let objects: UnsafeMutableBufferPointer<Object>
    private let members: UnsafeMutableBufferPointer<Member>
    private let slots: UnsafeMutableBufferPointer<UInt16>
    private let names: UnsafeMutableBufferPointer<Name>
    private let bytes: UnsafeMutableBufferPointer<UInt8>
    private let numbers: UnsafeMutableBufferPointer<JSONNumber>
    private let divisors: UnsafeMutableBufferPointer<JSONNumber.Decimal>
    private let constants: UnsafeMutableBufferPointer<Constant>
    private let byHash: UnsafeMutableBufferPointer<UInt32>
    private let constantWords: UnsafeMutableBufferPointer<UInt64>
    private let constantStrings: UnsafeMutableBufferPointer<UInt8>
    private let expressions: UnsafeMutableBufferPointer<OpaquePointer>
    private let patternNames: UnsafeMutableBufferPointer<Name>
    private let dynamicTargets: UnsafeMutableBufferPointer<UInt32>

    init(_ parts: Parts) {
        self.parts = parts
        memberNames = Set(parts.members.map { parts.string($0.name) })
            .union(parts.names.map { parts.string($0) })
        nodes = Self.copy(parts.nodes)
        operations = Self.copy(parts.operations)
        children = Self.copy(parts.children)
        objects = Self.copy(parts.objects)
        members = Self.copy(parts.members)
        slots = Self.copy(parts.slots)
        names = Self.copy(parts.names)
        bytes = Self.copy(parts.bytes)
        numbers = Self.copy(parts.numbers)
        divisors = Self.copy(parts.divisors)
        constants = Self.copy(parts.constants)
        byHash = Self.copy(parts.byHash)
        constantWords = Self.copy(parts.constantTape.words)
        constantStrings = Self.copy(parts.constantTape.strings)
        expressions = Self.copy(parts.patterns.map(\.handle))
        patternNames = Self.copy(parts.patternNames)
        dynamicTargets = Self.copy(parts.dynamicTargets)
    }

    /// Whether some schema of the program declares or asks for a member of this name, or it is one of
    /// `strmMeta`.
    func knows(_ name: String) -> Bool {
        memberNames.contains(name) || name == "strmMeta" || MetaSection.role(name) != .none
    }

    deinit {
        nodes.deallocate()
        operations.deallocate()
        children.deallocate()
        objects.deallocate()
        members.deallocate()
        slots.deallocate()
        names.deallocate()
        bytes.deallocate()
        numbers.deallocate()
        divisors.deallocate()
        constants.deallocate()
        byHash.deallocate()
        constantWords.deallocate()
        constantStrings.deallocate()
        expressions.deallocate()
        patternNames.deallocate()
        dynamicTargets.deallocate()
    }

    private static func copy<T: BitwiseCopyable>(_ items: [T]) -> UnsafeMutableBufferPointer<T> {
        // Never empty, so that each table has a base address.
        let buffer = UnsafeMutableBufferPointer<T>.allocate(capacity: max(items.count, 1))
        _ = buffer.initialize(from: items)
        return buffer
    }

    private func start<T>(_ table: UnsafeMutableBufferPointer<T>) -> UnsafePointer<T> {
        UnsafePointer(table.baseAddress.unsafelyUnwrapped)
    }

    /// The tables without their owner; valid as long as the program lives.
    var view: JSONSchemaView {
        JSONSchemaView(
            nodes: start(nodes), operations: start(operations), children: start(children),
            objects: start(objects), members: start(members), slots: start(slots),
            names: start(names), bytes: UnsafeRawPointer(start(bytes)), numbers: start(numbers),
            divisors: start(divisors), constants: start(constants), byHash: start(byHash),
            constantTape: JSONTape(
                words: start(constantWords), strings: UnsafeRawPointer(start(constantStrings))),
            expressions: start(expressions), patternNames: start(patternNames),
            dynamicTargets: start(dynamicTargets), resourceCount: parts.resourceCount,
            hasDynamicScope: !parts.dynamicTargets.isEmpty, root: parts.root, seed: parts.seed)
    }
}
