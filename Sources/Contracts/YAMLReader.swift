import Yams

/// Contract documents in YAML, read into the same tree as JSON.
///
/// Plain scalars follow JSON's own grammar for null, booleans and numbers (YAML's core schema
/// without octal, hex, `.inf` and `.nan`); everything else is a string, and so is what is quoted:
/// `no` and `1.0.0` are strings. Tags have no meaning.
enum YAMLReader {
    /// A document in bytes.
    static let bytesMax = 256 << 10
    /// `[` and `{` in the whole document: each may open a level, and the YAML parser recurses on
    /// the caller's stack.
    static let flowOpeningCountMax = 2_000
    /// Longest run of blanks and block indicators (`- - ? :`), thus of columns of indentation: each
    /// may open a level too.
    static let indentationMax = 256

    static func parse(_ text: [UInt8]) throws(ContractError) -> JSONValue {
        try checkNesting(text)
        guard let yaml = String(validating: text, as: UTF8.self) else {
            throw error("utf-8", "valid UTF-8")
        }
        let root: Node?
        do {
            root = try Yams.compose(yaml: yaml)
        } catch let failure as YamlError {
            throw error("yaml", "valid YAML (\(reason(failure)))")
        } catch {
            throw self.error("yaml", "valid YAML")
        }
        guard let root else { throw error("yaml", "a document") }
        var reader = NodeReader()
        return try reader.read(root, "", 0)
    }

    /// Refuses texts that could exhaust the stack or the processor before the recursive parser sees
    /// them. Levels are opened by flow brackets, and by block indicators, whose columns grow with
    /// each level, so that deep ones stand behind a long run of blanks and indicators. Anchors are
    /// refused, since aliases multiply. Quoted text is not told apart: that errs on the safe side.
    private static func checkNesting(_ text: [UInt8]) throws(ContractError) {
        guard text.count <= bytesMax else {
            throw error("size", "at most \(bytesMax) bytes of YAML; larger ones as JSON")
        }
        var openings = 0
        var run = 0
        var previous = UInt8(ascii: "\n")
        for (index, byte) in text.enumerated() {
            switch byte {
            case UInt8(ascii: " "), UInt8(ascii: "\t"), UInt8(ascii: "-"), UInt8(ascii: "?"),
                UInt8(ascii: ":"):
                run += 1
            case UInt8(ascii: "["), UInt8(ascii: "{"):
                openings += 1
                run = 0
            case UInt8(ascii: "&"):
                guard !startsAnchor(after: previous, text.dropFirst(index + 1).first) else {
                    throw error("yaml-anchor", "YAML without anchors (& before a name)")
                }
                run = 0
            default:
                run = 0
            }
            previous = byte
            guard openings <= flowOpeningCountMax else {
                throw error("depth", "at most \(flowOpeningCountMax) of [ and { in YAML")
            }
            guard run <= indentationMax else {
                throw error("depth", "at most \(indentationMax) columns of indentation")
            }
        }
    }

    /// Whether `&` between these bytes could start an anchor: not inside a word, and before a
    /// letter, digit, `_` or `-`.
    private static func startsAnchor(after previous: UInt8, _ next: UInt8?) -> Bool {
        guard let next, isWordByte(next) else { return false }
        let isInsideText =
            (0x21...0x7e).contains(previous) && !"[]{},:?-\"'".utf8.contains(previous)
        return !isInsideText
    }

    private static func isWordByte(_ byte: UInt8) -> Bool {
        (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte)
            || (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte | 0x20)
            || byte == UInt8(ascii: "_") || byte == UInt8(ascii: "-")
    }

    private static func error(_ rule: String, _ expected: String) -> ContractError {
        ContractError(pointer: "", rule: rule, expected: expected)
    }

    private static func reason(_ failure: YamlError) -> String {
        switch failure {
        case .scanner(_, let problem, let mark, _), .parser(_, let problem, let mark, _),
            .composer(_, let problem, let mark, _):
            "line \(mark.line): \(problem)"
        case .duplicatedKeysInMapping: "duplicate keys"
        default: "not readable"
        }
    }

    /// Turns nodes into values, counting them, so that aliases that refer to aliases cannot
    /// multiply.
    private struct NodeReader {
        var count = 0

        mutating func read(
            _ node: Node, _ pointer: String, _ depth: Int
        ) throws(ContractError) -> JSONValue {
            count += 1
            guard count <= JSONValue.valueCountMax, depth <= JSONValue.depthMax else {
                throw ContractError(
                    pointer: "", rule: "size",
                    expected: "at most \(JSONValue.valueCountMax) values, "
                        + "nested at most \(JSONValue.depthMax) deep")
            }
            switch node {
            case .scalar(let scalar): return YAMLReader.value(scalar)
            case .sequence(let sequence):
                var items: [JSONValue] = []
                for item in sequence {
                    items.append(try read(item, "\(pointer)/\(items.count)", depth + 1))
                }
                return .array(items)
            case .mapping(let mapping):
                var members: [JSONValue.Member] = []
                var names: Set<String> = []
                for (key, value) in mapping {
                    guard case .scalar(let name) = key, names.insert(name.string).inserted else {
                        throw ContractError(
                            pointer: pointer, rule: "duplicate-key",
                            expected: "each name once, names being scalars")
                    }
                    let inner = "\(pointer)/\(JSONPointer.escape(name.string))"
                    members.append(
                        JSONValue.Member(
                            name: name.string, value: try read(value, inner, depth + 1)))
                }
                return .object(members)
            default:
                throw ContractError(pointer: pointer, rule: "yaml", expected: "a resolved value")
            }
        }
    }

    private static func value(_ scalar: Node.Scalar) -> JSONValue {
        let text = scalar.string
        guard scalar.style == .plain || scalar.style == .any else { return .string(text) }
        switch text {
        case "", "~", "null", "Null", "NULL": return .null
        case "true", "True", "TRUE": return .bool(true)
        case "false", "False", "FALSE": return .bool(false)
        default: break
        }
        guard let first = text.utf8.first,
            first == UInt8(ascii: "-") || (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(first)
        else { return .string(text) }
        // One grammar for numbers: whatever the JSON parser takes as a number is one.
        switch try? JSONValue.parse(Array(text.utf8), pointer: "") {
        case .some(let number): return number
        case .none: return .string(text)
        }
    }
}
