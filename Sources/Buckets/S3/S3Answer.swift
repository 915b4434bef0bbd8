/// The XML of an answer, read strictly: elements, text and the five entities, no declarations of
/// types, no comments, no sections. What comes from a store is not trusted, and of it only the
/// texts of a few elements are used.
struct S3Answer: Sendable {
    static let depthMax = 16
    static let leavesMax = 20_000

    /// An element without elements in it: `Upload/Key`, below the outermost one, and its text.
    struct Leaf: Sendable, Equatable {
        let path: String
        let text: String
        /// Tells the element around it from others of the same name.
        let parent: Int
    }

    /// The name of the outermost element.
    let root: String
    /// In document order.
    let leaves: [Leaf]

    /// Nil if the bytes are anything else.
    init?(_ body: [UInt8]) {
        guard body.count <= HTTPExchange.bodyBytesMax,
            let text = String(validating: body, as: UTF8.self)
        else { return nil }
        var scanner = Scanner(rest: Substring(text).utf8)
        guard scanner.scan(), let root = scanner.root else { return nil }
        self.root = root
        self.leaves = scanner.leaves
    }

    /// The text of the first element at a path.
    func text(_ path: String) -> String? {
        leaves.first { $0.path == path }?.text
    }

    /// The texts of two elements beside each other, of each element that has both: stores differ in
    /// their order.
    func pairs(_ first: String, _ second: String) -> [(first: String, second: String)] {
        var seconds: [Int: String] = [:]
        for leaf in leaves where leaf.path == second { seconds[leaf.parent] = leaf.text }
        return leaves.filter { $0.path == first }.compactMap { leaf in
            seconds[leaf.parent].map { (leaf.text, $0) }
        }
    }

    private struct Scanner {
        var rest: Substring.UTF8View
        var root: String?
        var leaves: [Leaf] = []
        private var open: [(name: String, number: Int)] = []
        private var elementCount = 0
        /// The text since the last tag; nil if that was an end tag, after which only space follows.
        private var text: String? = nil

        init(rest: Substring.UTF8View) { self.rest = rest }

        mutating func scan() -> Bool {
            if rest.starts(with: [0xEF, 0xBB, 0xBF]) { rest = rest.dropFirst(3) }
            skipSpace()
            if rest.starts(with: "<?xml".utf8) {
                guard let end = rest.firstIndex(of: UInt8(ascii: ">")) else { return false }
                rest = rest[end...].dropFirst()
            }
            while true {
                let content = rest.prefix { $0 != UInt8(ascii: "<") }
                rest = rest[content.endIndex...]
                guard take(content) else { return false }
                if rest.isEmpty { return open.isEmpty && root != nil }
                guard let tag = nextTag(), take(tag: tag) else { return false }
            }
        }

        private mutating func skipSpace() {
            rest = rest.drop(while: S3Answer.isSpace)
        }

        /// Text between two tags.
        private mutating func take(_ content: Substring.UTF8View) -> Bool {
            guard text != nil else { return content.allSatisfy(S3Answer.isSpace) }
            guard let decoded = S3Answer.unescaped(content) else { return false }
            text = decoded
            return true
        }

        /// What stands between the brackets; a bracket in a quoted value does not end it.
        private mutating func nextTag() -> Substring.UTF8View? {
            rest = rest.dropFirst()
            var quote: UInt8?
            for index in rest.indices {
                let byte = rest[index]
                if let current = quote {
                    if byte == current { quote = nil }
                } else if byte == UInt8(ascii: "\"") || byte == UInt8(ascii: "'") {
                    quote = byte
                } else if byte == UInt8(ascii: ">") {
                    let tag = rest[..<index]
                    rest = rest[index...].dropFirst()
                    return tag
                } else if byte == UInt8(ascii: "<") {
                    return nil
                }
            }
            return nil
        }

        private mutating func take(tag: Substring.UTF8View) -> Bool {
            if tag.first == UInt8(ascii: "/") {
                guard let name = S3Answer.name(tag.dropFirst()), open.last?.name == name else {
                    return false
                }
                if let text { addLeaf(text) }
                open.removeLast()
                text = nil
                return leaves.count <= leavesMax
            }
            let isEmpty = tag.last == UInt8(ascii: "/")
            guard let name = S3Answer.name(isEmpty ? tag.dropLast() : tag), open.count < depthMax,
                root == nil || !open.isEmpty,
                // Text before an element's own elements is space.
                text?.utf8.allSatisfy(S3Answer.isSpace) ?? true
            else { return false }
            if root == nil { root = name }
            elementCount += 1
            open.append((name, elementCount))
            text = ""
            if isEmpty {
                addLeaf("")
                open.removeLast()
                text = nil
            }
            return leaves.count <= leavesMax
        }

        private mutating func addLeaf(_ text: String) {
            let path = open.dropFirst().map(\.name).joined(separator: "/")
            leaves.append(Leaf(path: path, text: text, parent: open.dropLast().last?.number ?? 0))
        }
    }

    private static func isSpace(_ byte: UInt8) -> Bool {
        byte == 0x20 || byte == 0x09 || byte == 0x0A || byte == 0x0D
    }

    /// The name at the beginning of a tag: letters, digits, and `_.:-` after the first letter.
    private static func name(_ tag: Substring.UTF8View) -> String? {
        let name = tag.prefix { !isSpace($0) }
        guard let first = name.first, name.count <= 128, isLetter(first),
            name.allSatisfy({
                isLetter($0) || (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0)
                    || "_.:-".utf8.contains($0)
            })
        else { return nil }
        return String(Substring(name))
    }

    private static func isLetter(_ byte: UInt8) -> Bool {
        (UInt8(ascii: "A")...UInt8(ascii: "Z")).contains(byte)
            || (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte)
    }

    private static func unescaped(_ content: Substring.UTF8View) -> String? {
        var result = ""
        var rest = content
        while let mark = rest.firstIndex(of: UInt8(ascii: "&")) {
            result += String(Substring(rest[..<mark]))
            rest = rest[mark...].dropFirst()
            guard let end = rest.prefix(10).firstIndex(of: UInt8(ascii: ";")),
                let character = entity(String(Substring(rest[..<end])))
            else { return nil }
            result.append(character)
            rest = rest[end...].dropFirst()
        }
        return result + String(Substring(rest))
    }

    private static func entity(_ name: String) -> Character? {
        switch name {
        case "lt": return "<"
        case "gt": return ">"
        case "amp": return "&"
        case "quot": return "\""
        case "apos": return "'"
        default:
            guard name.hasPrefix("#") else { return nil }
            let digits = name.dropFirst()
            let number =
                digits.hasPrefix("x")
                ? UInt32(digits.dropFirst(), radix: 16) : UInt32(digits, radix: 10)
            return number.flatMap(Unicode.Scalar.init).map(Character.init)
        }
    }
}
