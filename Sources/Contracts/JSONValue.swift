/// A JSON value as a tree: for contract documents and schemas, never for events.
indirect enum JSONValue: Sendable, Equatable {
    case null
    case bool(Bool)
    case integer(Int64)
    /// Only numbers above Int64.max.
    case unsigned(UInt64)
    case double(Double)
    case string(String)
    case array([JSONValue])
    /// Members in the order of the text; names are unique.
    case object([Member])

    struct Member: Sendable, Equatable {
        let name: String
        let value: JSONValue
    }

    /// Values in one document: bounds the work that a document can cause, YAML aliases included.
    static let valueCountMax = 100_000
    /// Nested lists and objects in one document or schema text.
    static let depthMax = 160

    /// What the value is, for error messages.
    var kindName: String {
        switch self {
        case .null: "null"
        case .bool: "a boolean"
        case .integer, .unsigned, .double: "a number"
        case .string: "a string"
        case .array: "a list"
        case .object: "an object"
        }
    }

    /// The member of that name if this is an object and has it.
    subscript(name: String) -> JSONValue? {
        guard case .object(let members) = self else { return nil }
        return members.first { $0.name == name }?.value
    }
}

extension JSONValue {
    /// Parses a whole text. Refuses duplicate names, since two readers could see two documents in
    /// one text.
    static func parse(_ text: [UInt8], pointer: String) throws(ContractError) -> JSONValue {
        let parser = JSONParser(depthMax: depthMax)
        let result: Result<JSONValue, ContractError> = text.withUnsafeBytes { bytes in
            do throws(JSONParser.Failure) {
                let tape = try parser.parse(bytes)
                var reader = TapeReader(tape: tape)
                do throws(ContractError) {
                    return .success(try reader.read(JSONTape.rootIndex, pointer))
                } catch {
                    return .failure(error)
                }
            } catch {
                return .failure(Self.error(error, pointer))
            }
        }
        return try result.get()
    }

    private static func error(_ failure: JSONParser.Failure, _ pointer: String) -> ContractError {
        switch failure {
        case .tooDeep:
            ContractError(
                pointer: pointer, rule: "depth", expected: "at most \(depthMax) nested values")
        case .outOfMemory:
            ContractError(pointer: pointer, rule: "size", expected: "a smaller document")
        case .malformed(let name):
            ContractError(pointer: pointer, rule: "json", expected: "valid JSON (\(name))")
        }
    }

    private struct TapeReader {
        let tape: JSONTape
        var count = 0

        mutating func read(_ index: Int, _ pointer: String) throws(ContractError) -> JSONValue {
            count += 1
            guard count <= JSONValue.valueCountMax else {
                throw ContractError(
                    pointer: pointer, rule: "size",
                    expected: "at most \(JSONValue.valueCountMax) values")
            }
            switch tape.tag(index) {
            case JSONTape.Tag.object: return try readObject(index, pointer)
            case JSONTape.Tag.array:
                var items: [JSONValue] = []
                var at = index + 1
                while at < tape.end(index) {
                    items.append(try read(at, "\(pointer)/\(items.count)"))
                    at = tape.next(at)
                }
                return .array(items)
            case JSONTape.Tag.string: return .string(text(index))
            case JSONTape.Tag.integer: return .integer(tape.integer(index))
            case JSONTape.Tag.unsigned: return .unsigned(tape.unsigned(index))
            case JSONTape.Tag.double: return .double(tape.double(index))
            case JSONTape.Tag.yes: return .bool(true)
            case JSONTape.Tag.no: return .bool(false)
            default: return .null
            }
        }

        private mutating func readObject(
            _ index: Int, _ pointer: String
        ) throws(ContractError) -> JSONValue {
            var members: [Member] = []
            var names: Set<String> = []
            var at = index + 1
            while at < tape.end(index) {
                let name = text(at)
                let inner = "\(pointer)/\(JSONPointer.escape(name))"
                guard names.insert(name).inserted else {
                    throw ContractError(
                        pointer: inner, rule: "duplicate-key", expected: "each name once")
                }
                members.append(Member(name: name, value: try read(at + 1, inner)))
                at = tape.next(at + 1)
            }
            return .object(members)
        }

        private func text(_ index: Int) -> String {
            String(decoding: tape.string(index), as: UTF8.self)
        }
    }
}

extension JSONValue {
    /// Appends canonical JSON: no spaces, members in their order, escapes as ``JSONText`` says.
    func write(to output: inout [UInt8]) {
        switch self {
        case .null: output.append(contentsOf: "null".utf8)
        case .bool(let flag): output.append(contentsOf: (flag ? "true" : "false").utf8)
        case .integer(let number): output.append(contentsOf: String(number).utf8)
        case .unsigned(let number): output.append(contentsOf: String(number).utf8)
        case .double(let number): output.append(contentsOf: NumberText.bytes(number))
        case .string(let text): Self.write(text, to: &output)
        case .array(let items):
            output.append(UInt8(ascii: "["))
            for (index, item) in items.enumerated() {
                if index > 0 { output.append(UInt8(ascii: ",")) }
                item.write(to: &output)
            }
            output.append(UInt8(ascii: "]"))
        case .object(let members):
            output.append(UInt8(ascii: "{"))
            for (index, member) in members.enumerated() {
                if index > 0 { output.append(UInt8(ascii: ",")) }
                Self.write(member.name, to: &output)
                output.append(UInt8(ascii: ":"))
                member.value.write(to: &output)
            }
            output.append(UInt8(ascii: "}"))
        }
    }

    private static func write(_ text: String, to output: inout [UInt8]) {
        output.append(UInt8(ascii: "\""))
        output.append(contentsOf: JSONText.escaped(text))
        output.append(UInt8(ascii: "\""))
    }

    /// The canonical JSON of this value alone.
    var bytes: [UInt8] {
        var output: [UInt8] = []
        write(to: &output)
        return output
    }
}

extension JSONText {
    /// The canonical escaped form, without quotes. Allocates: not for events.
    static func escaped(_ text: String) -> [UInt8] {
        let raw = Array(text.utf8)
        return raw.withUnsafeBytes { bytes in
            let count = escapedCount(bytes)
            return [UInt8](unsafeUninitializedCapacity: count + 8) { output, written in
                written = escape(bytes, into: UnsafeMutableRawBufferPointer(output))
            }
        }
    }
}

/// RFC 6901.
enum JSONPointer {
    /// The pointer of a contract's path, whose steps are separated by `/`.
    static func text(path: String) -> String {
        path.split(separator: "/", omittingEmptySubsequences: false)
            .map { "/" + escape(String($0)) }.joined()
    }

    /// The name that a reference token stands for.
    static func unescape(_ token: String) -> String {
        guard token.utf8.contains(UInt8(ascii: "~")) else { return token }
        return token.replacing("~1", with: "/").replacing("~0", with: "~")
    }

    /// One reference token: `~` becomes `~0`, `/` becomes `~1`.
    static func escape(_ name: String) -> String {
        guard name.utf8.contains(where: { $0 == UInt8(ascii: "~") || $0 == UInt8(ascii: "/") })
        else { return name }
        var escaped = ""
        for character in name.unicodeScalars {
            switch character {
            case "~": escaped += "~0"
            case "/": escaped += "~1"
            default: escaped.unicodeScalars.append(character)
            }
        }
        return escaped
    }
}
