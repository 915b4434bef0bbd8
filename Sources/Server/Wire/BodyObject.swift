import Store

/// The members of a management request's JSON body, read exactly: an unknown member or a wrong type
/// is refused with its JSON pointer.
struct BodyObject: Sendable {
    private let root: WireValue

    /// - Parameter allowed: nil lets unknown members pass, for clients of the older protocol.
    init(_ bytes: [UInt8], allowed: [String]?) throws(Problem) {
        do {
            root = try WireParser.parse(bytes)
        } catch {
            throw .invalid("body", expected: "JSON; \(error.description)")
        }
        guard case .object(let members) = root else {
            throw .invalid("body", expected: "a JSON object")
        }
        guard let allowed else { return }
        for (name, _) in members where !allowed.contains(name) {
            throw .invalid("body", expected: "only the members \(allowed.joined(separator: ", "))")
        }
    }

    func has(_ name: String) -> Bool { root[name].map { !$0.isNull } ?? false }

    /// nil if the member is missing or null.
    func text(_ name: String) throws(Problem) -> String? {
        switch root[name] {
        case nil, .null?: return nil
        case .string(let text)?: return text
        default: throw .invalid("/\(name)", expected: "a string")
        }
    }

    func requiredText(_ name: String) throws(Problem) -> String {
        guard let text = try text(name) else { throw .invalid("/\(name)", expected: "a string") }
        return text
    }

    /// nil if the member is missing or null.
    func flag(_ name: String) throws(Problem) -> Bool? {
        switch root[name] {
        case nil, .null?: return nil
        case .bool(let flag)?: return flag
        default: throw .invalid("/\(name)", expected: "true or false")
        }
    }

    /// 1.0 counts as the integer 1, as in JSON Schema.
    func integer(_ name: String, in range: ClosedRange<Int>) throws(Problem) -> Int? {
        guard let value = root[name], !value.isNull else { return nil }
        guard let number = value.wholeNumber, range.contains(number) else {
            throw .invalid(
                "/\(name)",
                expected: "a whole number from \(range.lowerBound) to \(range.upperBound)")
        }
        return number
    }

    /// RFC 3339; nil if the member is missing or null.
    func time(_ name: String) throws(Problem) -> Milliseconds? {
        guard let text = try text(name) else { return nil }
        guard let time = WireTime.parse(text) else {
            throw .invalid("/\(name)", expected: "a time such as 2026-11-23T10:00:00Z")
        }
        return time
    }

    /// nil if the member is missing or null.
    func list(_ name: String) throws(Problem) -> [WireValue]? {
        switch root[name] {
        case nil, .null?: return nil
        case .array(let items)?: return items
        default: throw .invalid("/\(name)", expected: "a list")
        }
    }

    func integers(_ name: String, in range: ClosedRange<Int>) throws(Problem) -> [Int]? {
        let expected = "a list of whole numbers from \(range.lowerBound) to \(range.upperBound)"
        switch root[name] {
        case nil, .null?: return nil
        case .array(let items)?:
            var numbers: [Int] = []
            for item in items {
                guard let number = item.wholeNumber, range.contains(number) else {
                    throw .invalid("/\(name)", expected: expected)
                }
                numbers.append(number)
            }
            return numbers
        default: throw .invalid("/\(name)", expected: expected)
        }
    }
}

extension WireValue {
    var isNull: Bool { if case .null = self { true } else { false } }

    var wholeNumber: Int? {
        switch self {
        case .integer(let number): Int(number)
        case .number(let number): Int(exactly: number)
        default: nil
        }
    }
}
