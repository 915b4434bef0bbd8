/// One import of a Swift file, whatever its form: `import A`, `@testable import A`,
/// `package import A`, `import struct A.B`, several on a line, an attribute on the line before.
struct Import: Equatable {
    let module: String
    let line: Int
    let isExported: Bool

    private static let kinds: Set = [
        "typealias", "struct", "class", "enum", "protocol", "let", "var", "func", "actor",
    ]
    private static let modifiers: Set = [
        "public", "package", "internal", "fileprivate", "private", "open", "\n", "(", ")",
    ]

    static func all(in source: String) -> [Import] {
        let tokens = SwiftCode(source).tokens
        var result: [Import] = []
        for (index, token) in tokens.enumerated() where token.text == "import" {
            var next = index + 1
            func skipNewlines() {
                while next < tokens.count, tokens[next].text == "\n" { next += 1 }
            }
            skipNewlines()
            if next < tokens.count, kinds.contains(tokens[next].text) {
                next += 1
                skipNewlines()
            }
            guard next < tokens.count else { continue }
            let path = tokens[next].text.filter { $0 != "`" }
            var isExported = false
            var before = index - 1
            while before >= 0,
                tokens[before].text.hasPrefix("@") || modifiers.contains(tokens[before].text)
            {
                if tokens[before].text == "@_exported" { isExported = true }
                before -= 1
            }
            let module = path.prefix { $0 != "." }
            result.append(
                Import(module: String(module), line: token.line, isExported: isExported))
        }
        return result
    }
}

/// The arrows between the modules.
enum ImportRules {
    static func findings(in file: SourceFile, map: ModuleMap) -> [Finding] {
        guard file.isSwift, file.path.hasPrefix("Sources/") else { return [] }
        guard let row = map.rows[file.target] else {
            return [.init(path: file.path, line: 1, message: "\(file.target) is not in the map")]
        }
        let allowed = row.ours.union(row.outside).union(ModuleMap.system)
        return Import.all(in: file.text).flatMap { found -> [Finding] in
            var findings: [Finding] = []
            if !allowed.contains(found.module) {
                findings.append(
                    .init(
                        path: file.path, line: found.line,
                        message: "\(file.target) may not import \(found.module)"))
            }
            if found.isExported {
                findings.append(
                    .init(
                        path: file.path, line: found.line,
                        message: "@_exported hands \(found.module) on past the map"))
            }
            return findings
        }
    }

    /// A C library has one Swift owner, or a few that the map names; tests reach it through theirs.
    static func findingsInTests(_ file: SourceFile, map: ModuleMap) -> [Finding] {
        guard file.isSwift, file.path.hasPrefix("Tests/") else { return [] }
        let own = String(file.target.dropLast("Tests".count))
        let wrappers = map.rows.filter { $0.value.ours.isEmpty && isCModule($0.key) }.keys
        return Import.all(in: file.text).compactMap { found in
            guard wrappers.contains(found.module),
                map.rows[own]?.ours.contains(found.module) != true
            else { return nil }
            return .init(
                path: file.path, line: found.line,
                message: "tests of \(own) may not import \(found.module)")
        }
    }

    /// CRocksDB, but not Contracts.
    static func isCModule(_ name: String) -> Bool {
        let letters = Array(name)
        return letters.count > 1 && letters[0] == "C" && letters[1].isUppercase
    }
}
