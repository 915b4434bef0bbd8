// What a contract says about values beyond their schema. Every entry of `validations` has these
// members, and those of its type:
//
//     field: customer/email          the value's path
//     type: regex | enum | range | length | format | required-if
//     id: mail-1                     optional, 1...64 of A-Z a-z 0-9 . _ -, each once in the contract
//     message: "Use the shop form."  optional, one line for whoever sends a wrong event
//
//     regex        value: "^.+@.+$"                  an RE2 pattern for the whole value
//     enum         values: [web, app]                strings, numbers or booleans, like the field
//     range        min, max, exclusiveMin, exclusiveMax
//     length       min, max                          in Unicode code points
//     format       value: date-time                  one of StringFormat's names
//     required-if  when: {field: country, in: [DE]}  or when: {field: country, isPresent: true}

extension ContractDocument {
    /// One entry of `validations`.
    struct Validation: Sendable {
        /// Names the rule in refusals: the author's id, or `type:path` (then `type:path#2`, …), which
        /// no author can write as an id.
        let id: String
        let hasOwnID: Bool
        let path: String
        let message: String?
        let pointer: String
        let check: Check

        enum Check: Sendable, Equatable {
            case regex(String)
            /// Strings, integers, doubles and booleans; at least one.
            case enumeration([JSONValue])
            case range(NumberRange)
            /// At least one of the two.
            case length(min: Int?, max: Int?)
            case format(StringFormat)
            case requiredIf(Condition)
        }

        /// When a `required-if` asks for its field.
        struct Condition: Sendable, Equatable {
            let path: String
            /// Nil: the other field only has to be present.
            let values: [JSONValue]?
        }

        /// Bytes of an id, and characters of a message.
        static let idBytesMax = 64
        static let messageCountMax = 200
        /// Values of one enumeration, and bytes of one of them.
        static let valueCountMax = 1_024
        static let valueBytesMax = 1_000
        /// Code points that a `length` may name.
        static let lengthMax = 1_000_000
        /// `required-if` in one contract: each has a bit in a word of the walk.
        static let requirementCountMax = 64
    }

    static func validations(_ root: DocumentCursor) throws(ContractError) -> [Validation] {
        guard let list = root.member("validations") else { return [] }
        var rules: [Validation] = []
        var ids: Set<String> = []
        var requirementCount = 0
        for item in try list.items(countMax: validationCountMax) {
            let rule = try validation(item, ids)
            guard ids.insert(rule.id).inserted else {
                throw ContractError(
                    pointer: "\(item.pointer)/id", rule: "duplicate-id", expected: "each id once")
            }
            if case .requiredIf = rule.check { requirementCount += 1 }
            guard requirementCount <= Validation.requirementCountMax else {
                throw item.fail(
                    "count", "at most \(Validation.requirementCountMax) of the type required-if")
            }
            rules.append(rule)
        }
        return rules
    }

    private static func validation(
        _ item: DocumentCursor, _ ids: Set<String>
    ) throws(ContractError) -> Validation {
        guard case .object = item.value else {
            throw item.fail("type", "an object, not \(item.value.kindName)")
        }
        let type = try item.required("type")
        let check = try Self.check(item, type)
        let path = try Self.path(item.required("field"))
        let own = try item.member("id").map { cursor throws(ContractError) in
            try Self.id(cursor)
        }
        var fallback = "\(check.slug):\(path)"
        var number = 1
        while own == nil, ids.contains(fallback) {
            number += 1
            fallback = "\(check.slug):\(path)#\(number)"
        }
        let message = try item.member("message").map { cursor throws(ContractError) in
            try Self.message(cursor)
        }
        return Validation(
            id: own ?? fallback, hasOwnID: own != nil, path: path, message: message,
            pointer: item.pointer, check: check)
    }

    private static func check(
        _ item: DocumentCursor, _ type: DocumentCursor
    ) throws(ContractError) -> Validation.Check {
        let common = ["id", "field", "type", "message"]
        switch try type.string().lowercased() {
        case "regex":
            try item.checkObject(allowing: common + ["value"])
            return .regex(try item.required("value").string())
        case "enum":
            try item.checkObject(allowing: common + ["values"])
            return .enumeration(try values(item.required("values")))
        case "range":
            try item.checkObject(allowing: common + NumberRange.memberNames)
            return .range(try NumberRange(item))
        case "length":
            try item.checkObject(allowing: common + ["min", "max"])
            return try length(item)
        case "format":
            try item.checkObject(allowing: common + ["value"])
            let value = try item.required("value")
            guard let format = StringFormat(name: try value.string()) else {
                let names = StringFormat.allCases.map(\.name).joined(separator: ", ")
                throw value.fail("format", "one of \(names)")
            }
            return .format(format)
        case "required-if":
            try item.checkObject(allowing: common + ["when"])
            return .requiredIf(try condition(item.required("when")))
        default:
            throw type.fail(
                "validation-type", "one of regex, enum, range, length, format, required-if")
        }
    }

    private static func values(_ list: DocumentCursor) throws(ContractError) -> [JSONValue] {
        let items = try list.items(countMax: Validation.valueCountMax)
        guard !items.isEmpty else { throw list.fail("count", "at least one value") }
        var seen: Set<[UInt8]> = []
        for item in items {
            switch item.value {
            case .integer, .double, .bool: break
            case .string(let text):
                guard text.utf8.count <= Validation.valueBytesMax else {
                    throw item.fail("size", "at most \(Validation.valueBytesMax) bytes")
                }
            case .unsigned: throw item.fail("range", "a number of at most \(Int64.max)")
            default: throw item.fail("type", "a string, a number or a boolean")
            }
            guard seen.insert(item.value.bytes).inserted else {
                throw item.fail("duplicate-value", "each value once")
            }
        }
        return items.map(\.value)
    }

    private static func length(_ item: DocumentCursor) throws(ContractError) -> Validation.Check {
        let bounds = try ["min", "max"].map { name throws(ContractError) -> Int? in
            guard let cursor = item.member(name) else { return nil }
            let number = try cursor.integer()
            guard (0...Validation.lengthMax).contains(number) else {
                throw cursor.fail("range", "0...\(Validation.lengthMax) code points")
            }
            return number
        }
        guard bounds[0] != nil || bounds[1] != nil else {
            throw item.fail("required", "min, max or both")
        }
        guard (bounds[0] ?? 0) <= (bounds[1] ?? .max) else {
            throw item.fail("range", "min at most max")
        }
        return .length(min: bounds[0], max: bounds[1])
    }

    private static func condition(
        _ cursor: DocumentCursor
    ) throws(ContractError) -> Validation.Condition {
        try cursor.checkObject(allowing: ["field", "in", "isPresent"])
        let path = try Self.path(cursor.required("field"))
        if let list = cursor.member("in") {
            guard cursor.member("isPresent") == nil else {
                throw cursor.fail("condition", "either in or isPresent")
            }
            return Validation.Condition(path: path, values: try values(list))
        }
        let flag = try cursor.required("isPresent")
        guard try flag.bool() else { throw flag.fail("condition", "true") }
        return Validation.Condition(path: path, values: nil)
    }

    private static func id(_ cursor: DocumentCursor) throws(ContractError) -> String {
        let text = try cursor.string()
        let isRight = text.utf8.allSatisfy { byte in
            StringFormat.isLetter(byte) || StringFormat.isDigit(byte)
                || byte == UInt8(ascii: ".") || byte == UInt8(ascii: "_")
                || byte == UInt8(ascii: "-")
        }
        guard isRight, (1...Validation.idBytesMax).contains(text.utf8.count) else {
            throw cursor.fail("id", "1...\(Validation.idBytesMax) of A-Z a-z 0-9 . _ -")
        }
        return text
    }

    private static func message(_ cursor: DocumentCursor) throws(ContractError) -> String {
        let text = try cursor.string()
        let isLine = text.unicodeScalars.allSatisfy { scalar in
            switch scalar.properties.generalCategory {
            case .control, .lineSeparator, .paragraphSeparator: false
            default: true
            }
        }
        let count = text.unicodeScalars.count
        guard isLine, (1...Validation.messageCountMax).contains(count) else {
            throw cursor.fail(
                "message", "one line of 1...\(Validation.messageCountMax) characters")
        }
        return text
    }
}

extension ContractDocument.Validation.Check {
    /// The class of the rule in refusals, which is also its `type` in the document.
    var rule: Refusal.Rule {
        switch self {
        case .regex: .regex
        case .enumeration: .enum
        case .range: .range
        case .length: .length
        case .format: .format
        case .requiredIf: .requiredIf
        }
    }

    var slug: String { rule.rawValue }

    /// The members of this type, in their fixed order.
    fileprivate var members: [JSONValue.Member] {
        switch self {
        case .regex(let pattern): return [.init(name: "value", value: .string(pattern))]
        case .enumeration(let values): return [.init(name: "values", value: .array(values))]
        case .range(let range): return range.members
        case .length(let min, let max):
            return [("min", min), ("max", max)].compactMap { name, bound in
                bound.map { JSONValue.Member(name: name, value: .integer(Int64($0))) }
            }
        case .format(let format): return [.init(name: "value", value: .string(format.name))]
        case .requiredIf(let condition):
            let test =
                condition.values.map { JSONValue.Member(name: "in", value: .array($0)) }
                ?? JSONValue.Member(name: "isPresent", value: .bool(true))
            let field = JSONValue.Member(name: "field", value: .string(condition.path))
            return [.init(name: "when", value: .object([field, test]))]
        }
    }
}

extension ContractDocument.Validation {
    /// As the author wrote it, in a fixed order; a regex without id and message as it always was.
    var json: JSONValue {
        var all: [JSONValue.Member] = hasOwnID ? [.init(name: "id", value: .string(id))] : []
        all.append(.init(name: "field", value: .string(path)))
        all.append(.init(name: "type", value: .string(check.slug)))
        all += check.members
        if let message { all.append(.init(name: "message", value: .string(message))) }
        return .object(all)
    }
}
