/// A value of a contract document together with where it stands, so that every complaint has an
/// exact pointer.
struct DocumentCursor {
    let value: JSONValue
    let pointer: String

    func fail(_ rule: String, _ expected: String) -> ContractError {
        ContractError(pointer: pointer, rule: rule, expected: expected)
    }

    /// Refuses anything but an object with members of these names only: a misspelt name must not
    /// silently lose a rule.
    func checkObject(allowing names: [String]) throws(ContractError) {
        guard case .object(let members) = value else {
            throw fail("type", "an object, not \(value.kindName)")
        }
        for member in members where !names.contains(member.name) {
            throw ContractError(
                pointer: "\(pointer)/\(JSONPointer.escape(member.name))", rule: "unknown-field",
                expected: "one of \(names.joined(separator: ", "))")
        }
    }

    /// The member, unless it is absent or null.
    func member(_ name: String) -> DocumentCursor? {
        guard let inner = value[name], inner != .null else { return nil }
        return DocumentCursor(value: inner, pointer: "\(pointer)/\(JSONPointer.escape(name))")
    }

    func required(_ name: String) throws(ContractError) -> DocumentCursor {
        guard let inner = member(name) else {
            throw ContractError(
                pointer: "\(pointer)/\(JSONPointer.escape(name))", rule: "required",
                expected: "the field \(name)")
        }
        return inner
    }

    func string() throws(ContractError) -> String {
        guard case .string(let text) = value else {
            throw fail("type", "a string, not \(value.kindName)")
        }
        return text
    }

    func bool() throws(ContractError) -> Bool {
        guard case .bool(let flag) = value else {
            throw fail("type", "a boolean, not \(value.kindName)")
        }
        return flag
    }

    func integer() throws(ContractError) -> Int {
        guard case .integer(let number) = value else {
            throw fail("type", "an integer, not \(value.kindName)")
        }
        return Int(number)
    }

    /// The items of a list of at most `countMax`.
    func items(countMax: Int) throws(ContractError) -> [DocumentCursor] {
        guard case .array(let items) = value else {
            throw fail("type", "a list, not \(value.kindName)")
        }
        guard items.count <= countMax else { throw fail("count", "at most \(countMax) items") }
        return items.enumerated().map { index, item in
            DocumentCursor(value: item, pointer: "\(pointer)/\(index)")
        }
    }
}
