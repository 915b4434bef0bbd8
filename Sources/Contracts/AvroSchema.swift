/// A parsed Avro schema: nodes that refer to each other by index, so that a type may contain
/// itself.
///
/// Logical types and other annotations are gone: a value is checked and stored as its base type,
/// which is what Avro says a reader that does not know a logical type has to do.
struct AvroSchema: Sendable {
    enum Kind: UInt8, Sendable {
        case null, boolean, int, long, float, double, bytes, string
        case record, `enum`, array, map, union, fixed
    }

    struct Node: Sendable {
        var kind: Kind
        /// Full name (`namespace.name`) of records, enums and fixed types; "" for others.
        var fullName = ""
        /// Full names under which a union may also name this type.
        var aliases: [String] = []
        /// Of a record.
        var fields: [Field] = []
        /// Of a union, in order.
        var branches: [Int] = []
        /// Items of an array, values of a map.
        var item = 0
        /// Of an enum.
        var symbols: [String] = []
        /// Of a fixed type, in bytes.
        var size = 0
        /// Index of the contract's rules for this place; nil: none. Set on copies only
        /// (``FieldMarker``).
        var rules: Int?
        /// The record of the event's `strmMeta`. Set on a copy only.
        var isMeta = false
    }

    struct Field: Sendable {
        var name: String
        /// Other names under which an event may bring the field.
        var aliases: [String]
        var node: Int
        var defaultValue: JSONValue?
        /// Where the field is defined, in the contract document.
        var pointer: String
    }

    var nodes: [Node]
    /// Always a record.
    var root: Int

    /// Nodes in all, copies made for a contract included.
    static let nodeCountMax = 20_000
    /// Fields of all records together, copies made for a contract included.
    static let fieldCountMax = 40_000
    /// Fields of one record.
    static let recordFieldCountMax = 1_024
    static let symbolCountMax = 4_096
    static let branchCountMax = 64
    /// Types within types in the schema's text.
    static let depthMax = 32
    /// One name in bytes, as in events.
    static let nameBytesMax = 256
    /// A fixed type in bytes.
    static let fixedBytesMax = 1 << 20

    /// What Avro calls the type: how the wrapped form of a union names its branch.
    func branchName(_ index: Int) -> String {
        let node = nodes[index]
        switch node.kind {
        case .record, .enum, .fixed: return node.fullName
        default: return node.kind.name
        }
    }

    /// Whether some event could have a value at this node: false for a record that must contain
    /// itself.
    func hasFiniteValue() -> [Bool] {
        var isFinite = [Bool](repeating: false, count: nodes.count)
        var hasChanged = true
        // Types within types settle from the last node to the first, references to earlier types
        // from the first to the last: with both directions in each round the rounds are about as
        // many as types are nested.
        let order = Array(nodes.indices) + nodes.indices.reversed()
        while hasChanged {
            hasChanged = false
            for index in order where !isFinite[index] {
                let node = nodes[index]
                let now: Bool
                switch node.kind {
                case .record: now = node.fields.allSatisfy { isFinite[$0.node] }
                case .union: now = node.branches.contains { isFinite[$0] }
                default: now = true
                }
                if now {
                    isFinite[index] = true
                    hasChanged = true
                }
            }
        }
        return isFinite
    }

    /// For each node the least bytes its Avro binary form takes, or a lower bound of that (at most
    /// 2^20).
    func minimumSizes() -> [Int] {
        var sizes = [Int](repeating: 0, count: nodes.count)
        let order = Array(nodes.indices) + nodes.indices.reversed()
        // Growing from zero, each round is a valid lower bound. Which types take no bytes at all is
        // settled within as many rounds as types are nested, so that it is exact.
        for _ in 0..<(Self.depthMax + 2) {
            var hasChanged = false
            for index in order {
                let node = nodes[index]
                let size: Int
                switch node.kind {
                case .null: size = 0
                case .float: size = 4
                case .double: size = 8
                case .fixed: size = node.size
                case .record: size = node.fields.reduce(0) { min($0 + sizes[$1.node], 1 << 20) }
                case .union: size = 1 + (node.branches.map { sizes[$0] }.min() ?? 0)
                default: size = 1
                }
                guard min(size, 1 << 20) != sizes[index] else { continue }
                sizes[index] = min(size, 1 << 20)
                hasChanged = true
            }
            guard hasChanged else { break }
        }
        return sizes
    }
}

extension AvroSchema.Kind {
    /// Avro's word for the type.
    var name: String {
        switch self {
        case .null: "null"
        case .boolean: "boolean"
        case .int: "int"
        case .long: "long"
        case .float: "float"
        case .double: "double"
        case .bytes: "bytes"
        case .string: "string"
        case .record: "record"
        case .enum: "enum"
        case .array: "array"
        case .map: "map"
        case .union: "union"
        case .fixed: "fixed"
        }
    }

    /// The primitive of that name.
    init?(primitive name: String) {
        switch name {
        case "null": self = .null
        case "boolean": self = .boolean
        case "int": self = .int
        case "long": self = .long
        case "float": self = .float
        case "double": self = .double
        case "bytes": self = .bytes
        case "string": self = .string
        default: return nil
        }
    }

    var isScalar: Bool {
        switch self {
        case .null, .record, .array, .map, .union: false
        default: true
        }
    }
}
