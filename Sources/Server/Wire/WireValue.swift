/// A JSON value of a management body or a settings file. Objects keep the order of their members
/// and have no name twice.
enum WireValue: Sendable {
    case null
    case bool(Bool)
    /// A number without fraction and exponent that fits in 64 bits.
    case integer(Int64)
    case number(Double)
    case string(String)
    case array([WireValue])
    case object([(name: String, value: WireValue)])
    /// A text that is JSON already, made by a module of ours: a contract document may be nested
    /// deeper than a request. Written as it is; never parsed to.
    case json([UInt8])

    /// The word for it in an error.
    var kind: String {
        switch self {
        case .null: "null"
        case .bool: "a boolean"
        case .integer, .number: "a number"
        case .string: "a string"
        case .array: "an array"
        case .object, .json: "an object"
        }
    }

    subscript(_ name: String) -> WireValue? {
        guard case .object(let members) = self else { return nil }
        return members.first { $0.name == name }?.value
    }

    /// Compact JSON, members in their order.
    var bytes: [UInt8] {
        var writer = JSONWriter()
        writer.value(self)
        return writer.bytes
    }
}

extension WireValue: ExpressibleByStringLiteral, ExpressibleByBooleanLiteral,
    ExpressibleByIntegerLiteral, ExpressibleByArrayLiteral, ExpressibleByDictionaryLiteral
{
    init(stringLiteral value: String) { self = .string(value) }
    init(booleanLiteral value: Bool) { self = .bool(value) }
    init(integerLiteral value: Int64) { self = .integer(value) }
    init(arrayLiteral elements: WireValue...) { self = .array(elements) }
    init(dictionaryLiteral elements: (String, WireValue)...) {
        self = .object(elements.map { (name: $0.0, value: $0.1) })
    }

    /// nil becomes null.
    static func optional(_ text: String?) -> WireValue { text.map(WireValue.string) ?? .null }
}
