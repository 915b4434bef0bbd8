/// The numbers that a `range` allows: at least one bound, each with or without the number itself.
struct NumberRange: Sendable, Equatable {
    struct Bound: Sendable, Equatable {
        /// An integer or a double.
        let number: JSONValue
        let isExclusive: Bool
    }

    let low: Bound?
    let high: Bound?

    static let memberNames = ["min", "exclusiveMin", "max", "exclusiveMax"]

    /// Reads the members `min` or `exclusiveMin`, `max` or `exclusiveMax`.
    init(_ item: DocumentCursor) throws(ContractError) {
        low = try Self.bound(item, "min", "exclusiveMin")
        high = try Self.bound(item, "max", "exclusiveMax")
        guard low != nil || high != nil else {
            throw item.fail("required", "one of \(Self.memberNames.joined(separator: ", "))")
        }
        guard doubles.isPossible else {
            throw item.fail("range", "bounds that some number lies between")
        }
    }

    private static func bound(
        _ item: DocumentCursor, _ name: String, _ exclusiveName: String
    ) throws(ContractError) -> Bound? {
        let inclusive = item.member(name)
        let exclusive = item.member(exclusiveName)
        guard inclusive == nil || exclusive == nil else {
            throw item.fail("range", "either \(name) or \(exclusiveName)")
        }
        guard let cursor = inclusive ?? exclusive else { return nil }
        switch cursor.value {
        case .integer, .double: return Bound(number: cursor.value, isExclusive: inclusive == nil)
        case .unsigned: throw cursor.fail("range", "a number of at most \(Int64.max)")
        default: throw cursor.fail("type", "a number, not \(cursor.value.kindName)")
        }
    }

    /// Members of the document in their fixed order.
    var members: [JSONValue.Member] {
        let bounds = [(low, "min", "exclusiveMin"), (high, "max", "exclusiveMax")]
        return bounds.compactMap { bound, name, exclusiveName in
            bound.map { .init(name: $0.isExclusive ? exclusiveName : name, value: $0.number) }
        }
    }

    /// In words: `at least 0 and below 10`.
    var words: String {
        let low = low.map { "\($0.isExclusive ? "above" : "at least") \(Self.text($0.number))" }
        let high = high.map { "\($0.isExclusive ? "below" : "at most") \(Self.text($0.number))" }
        return [low, high].compactMap(\.self).joined(separator: " and ")
    }

    private static func text(_ number: JSONValue) -> String {
        String(decoding: number.bytes, as: UTF8.self)
    }
}

// MARK: - As the walk compares

extension NumberRange {
    /// Bounds of doubles; an infinite one is none.
    struct Doubles {
        var low = -Double.infinity
        var high = Double.infinity
        var isLowExclusive = false
        var isHighExclusive = false

        var isPossible: Bool { low < high || low == high && !isLowExclusive && !isHighExclusive }
    }

    var doubles: Doubles {
        var bounds = Doubles()
        if let low {
            bounds.low = Self.double(low.number)
            bounds.isLowExclusive = low.isExclusive
        }
        if let high {
            bounds.high = Self.double(high.number)
            bounds.isHighExclusive = high.isExclusive
        }
        return bounds
    }

    /// The same for values of 32 bits: a bound of 0.1 means the float that is written so.
    var floats: Doubles {
        var bounds = doubles
        if bounds.low.isFinite { bounds.low = Double(Float(bounds.low)) }
        if bounds.high.isFinite { bounds.high = Double(Float(bounds.high)) }
        return bounds
    }

    /// The least and the greatest integer within the bounds; nil: there is none.
    var integers: ClosedRange<Int64>? {
        guard let least = low.map(Self.least) ?? .min,
            let greatest = high.map(Self.greatest) ?? .max
        else { return nil }
        return least <= greatest ? least...greatest : nil
    }

    private static func double(_ number: JSONValue) -> Double {
        switch number {
        case .integer(let value): Double(value)
        case .double(let value): value
        default: .nan
        }
    }

    private static func least(_ bound: Bound) -> Int64? {
        if case .integer(let value) = bound.number {
            guard bound.isExclusive else { return value }
            return value == .max ? nil : value + 1
        }
        let value = double(bound.number)
        let edge = bound.isExclusive ? value.rounded(.down) + 1 : value.rounded(.up)
        return edge < -0x1p63 ? .min : Int64(exactly: edge)
    }

    private static func greatest(_ bound: Bound) -> Int64? {
        if case .integer(let value) = bound.number {
            guard bound.isExclusive else { return value }
            return value == .min ? nil : value - 1
        }
        let value = double(bound.number)
        let edge = bound.isExclusive ? value.rounded(.up) - 1 : value.rounded(.down)
        return edge >= 0x1p63 ? .max : Int64(exactly: edge)
    }
}
