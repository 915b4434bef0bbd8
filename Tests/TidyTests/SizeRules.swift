/// How long files and functions may be.
enum SizeRules {
    static let sourceLinesMax = 500
    static let testLinesMax = 800
    static let functionLinesMax = 70

    static func fileLength(_ file: SourceFile) -> [Finding] {
        let isTest = file.path.hasPrefix("Tests/")
        guard isTest || file.path.hasPrefix("Sources/") else { return [] }
        let limit = isTest ? testLinesMax : sourceLinesMax
        let count = file.lines.count
        guard count > limit else { return [] }
        return [.init(path: file.path, line: limit, message: "\(count) lines, \(limit) allowed")]
    }

    /// A function from its keyword to its closing brace.
    struct Function: Equatable {
        let name: String
        let line: Int
        let lineCount: Int
    }

    static func functionLengths(_ file: SourceFile) -> [Finding] {
        guard file.isSwift else { return [] }
        return functions(in: file.text).filter { $0.lineCount > functionLinesMax }.map {
            .init(
                path: file.path, line: $0.line,
                message: "\($0.name) has \($0.lineCount) lines, \(functionLinesMax) allowed")
        }
    }

    private static let introducers: Set = ["func", "init", "init?", "deinit", "subscript", "var"]

    /// Functions, initialisers and computed properties with a body, nested ones included.
    static func functions(in source: String) -> [Function] {
        let tokens = SwiftCode(source).tokens
        var result: [Function] = []
        for (index, token) in tokens.enumerated() where introducers.contains(token.text) {
            guard let open = body(of: token.text, tokens, from: index + 1) else { continue }
            var depth = 0
            for place in open..<tokens.count {
                if tokens[place].text == "{" { depth += 1 }
                if tokens[place].text == "}" { depth -= 1 }
                guard depth == 0 else { continue }
                let name =
                    token.text == "func" || token.text == "var"
                    ? tokens[index + 1].text : token.text
                let count = tokens[place].line - token.line + 1
                result.append(Function(name: name, line: token.line, lineCount: count))
                break
            }
        }
        return result
    }

    /// Index of the brace that opens the body; nil if the declaration has none.
    private static func body(
        of introducer: String, _ tokens: [SwiftCode.Token], from start: Int
    ) -> Int? {
        var depth = 0
        for place in start..<tokens.count {
            switch tokens[place].text {
            case "(", "[": depth += 1
            case ")", "]": depth -= 1
            case "{" where depth == 0: return place
            case "}" where depth == 0: return nil
            case "=" where depth == 0 && introducer == "var": return nil
            case "\n" where depth == 0 && introducer == "var": return nil
            case let text where depth == 0 && (introducers.contains(text) || text == "let"):
                return nil
            default: break
            }
            if depth < 0 { return nil }
        }
        return nil
    }
}
