/// Words that the code does not use, and comments that it must have.
enum WordRules {
    /// Marks of unfinished work, also in comments. Written in two pieces: this file is read too.
    static let unfinished = ["TO" + "DO", "FIX" + "ME", "XX" + "X"]
    /// Paths of one machine.
    static let machinePaths = ["/wo" + "rk/", "/ro" + "ot/", "/tmp/" + "bash"]
    /// Names that say nothing.
    static let emptyModuleNames: Set = ["Core", "Common", "Types", "Utils"]

    static func bannedCode(_ file: SourceFile) -> [Finding] {
        guard file.isSwift, file.path.hasPrefix("Sources/") else { return [] }
        let tokens = SwiftCode(file.text).tokens
        var findings: [Finding] = []
        for (index, token) in tokens.enumerated() {
            let next = index + 1 < tokens.count ? tokens[index + 1].text : ""
            let isBanned =
                switch (token.text, next) {
                case ("try!", _), ("as!", _): true
                case ("fatalError", "("), ("Swift.fatalError", "("): true
                // It keeps the pointer to its name, and a name passed from Swift is gone by then.
                case ("OSSL_PARAM_construct_utf8_string", _): true
                case ("print", "("), ("Swift.print", "("), ("debugPrint", "("), ("dump", "("):
                    file.target != "strm"
                default: false
                }
            let isDeclared = index > 0 && tokens[index - 1].text == "func"
            if isBanned, !isDeclared {
                findings.append(
                    .init(path: file.path, line: token.line, message: "\(token.text) is banned"))
            }
        }
        return findings
    }

    static func unfinishedWork(_ file: SourceFile) -> [Finding] {
        guard file.path.hasPrefix("Sources/") else { return [] }
        return lines(of: file) { line in
            let words = line.split { !($0.isLetter || $0.isNumber || $0 == "_") }
            return unfinished.first { words.contains(Substring($0)) }
        }
    }

    static func machinePaths(_ file: SourceFile) -> [Finding] {
        lines(of: file) { line in machinePaths.first { line.contains($0) } }
    }

    /// `@unchecked Sendable` and `nonisolated(unsafe)` say what keeps them true: a comment on the
    /// same line, or among the three lines above.
    static func uncheckedWithoutReason(_ file: SourceFile) -> [Finding] {
        guard file.isSwift else { return [] }
        let code = SwiftCode(file.text)
        return code.lines.enumerated().compactMap { index, line in
            let marks = ["@unchecked Sendable", "nonisolated(unsafe)"]
            guard let mark = marks.first(where: { line.contains($0) }) else { return nil }
            let hasReason = !code.commentLines.isDisjoint(with: index - 2...index + 1)
            if hasReason { return nil }
            return .init(path: file.path, line: index + 1, message: "\(mark) without a reason")
        }
    }

    /// Every type that other modules see has a doc comment.
    static func undocumentedTypes(_ file: SourceFile) -> [Finding] {
        guard file.isSwift, file.path.hasPrefix("Sources/") else { return [] }
        let raw = file.lines
        return SwiftCode(file.text).lines.enumerated().compactMap { index, line in
            let words = line.split(separator: " ")
            guard let first = words.first, first == "package" || first == "public",
                !line.hasPrefix(" "),
                words.contains(where: {
                    ["struct", "class", "enum", "protocol", "actor"].contains($0)
                })
            else { return nil }
            var above = index - 1
            while above >= 0, raw[above].hasPrefix("@") || raw[above].hasPrefix("#if") {
                above -= 1
            }
            if above >= 0, raw[above].hasPrefix("///") { return nil }
            return .init(path: file.path, line: index + 1, message: "a type without a doc comment")
        }
    }

    /// Names of types that a file declares.
    static func declaredTypes(_ source: String) -> [(name: String, line: Int)] {
        let tokens = SwiftCode(source).tokens
        let keywords: Set = ["struct", "class", "enum", "protocol", "actor", "typealias"]
        return tokens.indices.dropLast().compactMap { index in
            guard keywords.contains(tokens[index].text) else { return nil }
            if index > 0, tokens[index - 1].text == "import" { return nil }
            return (tokens[index + 1].text, tokens[index].line)
        }
    }

    /// A type named like its module hides the module's other types from qualified names.
    static func typesNamedLikeTheirModule(
        _ file: SourceFile, except exceptions: Set<String>
    ) -> [Finding] {
        guard file.isSwift, file.path.hasPrefix("Sources/") else { return [] }
        return declaredTypes(file.text).filter { $0.name == file.target }
            .filter { !exceptions.contains($0.name) }
            .map { .init(path: file.path, line: $0.line, message: "named like its module") }
    }

    private static func lines(
        of file: SourceFile, _ word: (Substring) -> String?
    ) -> [Finding] {
        file.lines.enumerated().compactMap { index, line in
            word(line).map { .init(path: file.path, line: index + 1, message: $0) }
        }
    }
}
