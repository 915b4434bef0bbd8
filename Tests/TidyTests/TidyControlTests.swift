import Foundation
import Testing

/// Each rule, applied to a sample that breaks it, must say so: a check that cannot fail is none.
@Suite("The tidy checks notice")
struct TidyControlTests {
    static let map = ModuleMap(
        markdown: """
            # The map
            | module | imports (ours) | outside packages | holds | must never |
            |---|---|---|---|---|
            | `CRocksDB`, CNGHTTP2 | – | – | x | y |
            | Contracts | – | Yams | x | y |
            | Store | CRocksDB, Contracts | – | x | y |
            # Another
            | Vault | Nothing | – | x | y |
            """)

    func file(_ text: String, _ path: String = "Sources/Store/Sample.swift") -> SourceFile {
        SourceFile(path: path, text: text)
    }

    @Test("the map is read from its own section only")
    func mapIsRead() {
        #expect(Self.map.problems == [])
        #expect(Set(Self.map.rows.keys) == ["CRocksDB", "CNGHTTP2", "Contracts", "Store"])
        #expect(Self.map.rows["Store"]?.ours == ["CRocksDB", "Contracts"])
        #expect(Self.map.rows["Contracts"]?.outside == ["Yams"])
    }

    @Test("a map without a table, with a short row, a stranger or a cycle")
    func badMaps() {
        func map(_ rows: String) -> ModuleMap {
            ModuleMap(
                markdown: "## The map\n\n| module | a | b | c | d |\n|---|---|---|---|---|\n" + rows
            )
        }
        #expect(map("").problems.count == 1)
        #expect(map("| A | – | – | x |").problems.count == 2)
        #expect(map("| A | B | – | x | y |").problems.count == 1)
        #expect(map("| A | – | – | x | y |\n| A | – | – | x | y |").problems.count == 1)
        #expect(map("| A | – | B | x | y |\n| B | – | – | x | y |").problems.count == 1)
        #expect(map("| A | B | – | x | y |\n| B | A | – | x | y |").cycle == ["A", "B", "A"])
        #expect(map("| A | B | – | x | y |\n| B | – | – | x | y |").cycle == nil)
    }

    static let badImports = [
        "import Vault", "package import Vault", "public import Vault", "internal import Vault",
        "private import Vault", "@testable import Vault", "@_exported import Vault",
        "import struct Vault.Key", "import class Vault.Vault", "import func Vault.open",
        "@preconcurrency\nimport Vault", "@_spi(Test) import Vault",
        "import Contracts; import Vault",
        "  import\tVault", "#if DEBUG\nimport Vault\n#endif", "import Vault.Sub",
        "/* a */ import /* b */ Vault", "import `Vault`", "@_implementationOnly import Vault",
        "import\n    struct Vault.Key",
    ]

    @Test("a forbidden import in any form", arguments: badImports)
    func forbiddenImport(source: String) {
        let findings = ImportRules.findings(in: file(source + "\n"), map: Self.map)
        #expect(findings.contains { $0.message == "Store may not import Vault" })
    }

    static let goodImports = [
        "import Contracts", "package import CRocksDB", "import struct Contracts.Refusal",
        "import Synchronization", "// import Vault", "/* import Vault /* nested */ import Vault */",
        "let text = \"import Vault\"", "let text = \"\"\"\n    import Vault\n    \"\"\"",
        "let text = #\"\\\" import Vault\"#", "case .import: Vault.open()",
        "let regex = /import Vault\"/", "let regex = #/ \"import Vault /#",
    ]

    @Test(
        "no allowed import, comment or string is taken for a forbidden one", arguments: goodImports)
    func allowedImport(source: String) {
        #expect(ImportRules.findings(in: file(source), map: Self.map) == [])
    }

    @Test("an exported import, a module outside the map, and C libraries in others' tests")
    func otherImports() {
        let exported = ImportRules.findings(in: file("@_exported import Contracts"), map: Self.map)
        #expect(exported.count == 1)
        let stranger = file("import Foundation", "Sources/New/A.swift")
        #expect(ImportRules.findings(in: stranger, map: Self.map).count == 1)
        let yams = ImportRules.findings(in: file("import Yams"), map: Self.map)
        #expect(yams.map(\.message) == ["Store may not import Yams"])
        let own = file("import CRocksDB", "Tests/StoreTests/A.swift")
        let other = file("import CRocksDB", "Tests/ContractsTests/A.swift")
        #expect(ImportRules.findingsInTests(own, map: Self.map) == [])
        #expect(ImportRules.findingsInTests(other, map: Self.map).count == 1)
    }

    @Test("a file that is one line too long, and not one that is just long enough")
    func longFiles() {
        func lines(_ count: Int) -> String { String(repeating: "x\n", count: count) }
        #expect(SizeRules.fileLength(file(lines(500))) == [])
        #expect(SizeRules.fileLength(file(lines(501))).count == 1)
        #expect(SizeRules.fileLength(file(lines(800), "Tests/A/B.swift")) == [])
        #expect(SizeRules.fileLength(file(lines(801), "Tests/A/B.swift")).count == 1)
    }

    @Test("a function that is one line too long, in each form")
    func longFunctions() {
        let heads = [
            "func f(a: () -> Void = {}) -> [Int] {", "init?(x: Int) {", "deinit {",
            "subscript(i: Int) -> Int {", "var size: Int {",
            "func g<T>(_ t: T)\n    throws -> Int\nwhere T: P {",
        ]
        for head in heads {
            let headLines = head.split(separator: "\n").count
            func source(_ count: Int) -> String {
                let body = String(repeating: "    a(\"}\") // }\n", count: count - headLines - 1)
                return "struct S {\n    func none() -> Int\n\(head)\n\(body)}\n}\n"
            }
            #expect(SizeRules.functionLengths(file(source(70))) == [], "\(head)")
            #expect(SizeRules.functionLengths(file(source(71))).count == 1, "\(head)")
        }
    }

    @Test("neither strings, nor regular expressions, nor divisions hide the code after them")
    func codeAfterLiterals() {
        let sources = [
            "let a = \"\\\\\"; let b = try! f()", "let r = /a\\/\"/; let b = try! f()",
            "let r = #/a\"/#; let b = try! f()", "let a = b / c; let d = try! f() / e",
            "let t = \"\\(a[\"x\"] ?? \"y\")\"; let b = try! f()",
            "let a = #\"\\\"#; let b = try! f()",
            "let t = \"\"\"\n  \" \"\" \n  \"\"\"\nlet b = try! f()", "/* \" */ let b = try! f()",
            "// \"\nlet b = try! f()", "f(of: /[a\"]+/, \"/\"); let b = try! f()",
        ]
        for source in sources {
            #expect(WordRules.bannedCode(file(source)).count == 1, "\(source)")
        }
    }

    @Test("a long closure in a stored property, a protocol or a type is not taken for a function")
    func noFunctions() {
        let source = """
            protocol P {
                func a()
                var b: Int { get }
                init()
            }
            struct S { var c = 1; let d: Int }
            """
        #expect(SizeRules.functions(in: source).map(\.name) == ["b"])
    }

    static let banned = [
        "let a = try! f()", "let b = c as! D", "fatalError(\"x\")", "print(a)", "Swift.print(a)",
        "debugPrint(a)", "dump(a)", "let t = \"\\(try! f())\"",
        "OSSL_PARAM_construct_utf8_string(name, value, 0)",
    ]

    @Test("forcing, crashing and printing", arguments: banned)
    func bannedCode(source: String) {
        #expect(WordRules.bannedCode(file(source)).count == 1)
    }

    static let notBanned = [
        "let a = try f()", "let b = c as? D", "precondition(a, \"x\")", "// try! and print(",
        "let t = \"print(\"", "guard try !f() else { return }", "let r = /a\"print(/",
        "func print(_ a: Int) {}", "self.print(a)", "let fatalErrors = 1",
    ]

    @Test("words that only look like it are left alone", arguments: notBanned)
    func allowedCode(source: String) {
        #expect(WordRules.bannedCode(file(source)) == [])
    }

    @Test("printing is for the command line alone")
    func printing() {
        #expect(WordRules.bannedCode(file("print(a)", "Sources/strm/A.swift")) == [])
        #expect(WordRules.bannedCode(file("try! a()", "Sources/strm/A.swift")).count == 1)
    }

    @Test("marks of unfinished work and paths of a machine")
    func words() {
        for word in WordRules.unfinished {
            #expect(WordRules.unfinishedWork(file("// \(word): later")).count == 1)
            #expect(WordRules.unfinishedWork(file("let a\(word)b = 1")) == [])
        }
        for path in WordRules.machinePaths {
            #expect(WordRules.machinePaths(file("see \(path)x", "docs/a.md")).count == 1)
        }
    }

    @Test("an unchecked conformance without a reason, and not one with")
    func unchecked() {
        let bare = "final class A: @unchecked Sendable {}\n"
        #expect(WordRules.uncheckedWithoutReason(file("import X\n\n" + bare)).count == 1)
        #expect(WordRules.uncheckedWithoutReason(file("/// Locked.\n" + bare)) == [])
        #expect(
            WordRules.uncheckedWithoutReason(file("let url = \"https://a\"\n" + bare)).count == 1)
        let beside = "nonisolated(unsafe) var a = 1"
        #expect(WordRules.uncheckedWithoutReason(file(beside)).count == 1)
        #expect(WordRules.uncheckedWithoutReason(file(beside + " // one thread")) == [])
        #expect(WordRules.uncheckedWithoutReason(file("// @unchecked Sendable")) == [])
    }

    @Test("a type without a doc comment, and not one with")
    func undocumented() {
        #expect(WordRules.undocumentedTypes(file("\npackage struct A {}\n")).count == 1)
        #expect(WordRules.undocumentedTypes(file("package final class A {}\n")).count == 1)
        #expect(WordRules.undocumentedTypes(file("/// A.\n@frozen\npackage enum A {}\n")) == [])
        #expect(WordRules.undocumentedTypes(file("struct A {}\n")) == [])
    }

    @Test("a type named like its module")
    func moduleNames() {
        let sample = file("package final class Store {}")
        #expect(WordRules.typesNamedLikeTheirModule(sample, except: []).count == 1)
        #expect(WordRules.typesNamedLikeTheirModule(sample, except: ["Store"]) == [])
        #expect(
            WordRules.typesNamedLikeTheirModule(file("import class Store.Store"), except: []) == [])
    }

    @Test("the formatter's lint fails on a file that is not formatted")
    func badFormat() throws {
        let url = FileManager.default.temporaryDirectory
            .appendingPathComponent("strm-tidy-\(UUID().uuidString).swift")
        try Data("struct  A{let a:Int}\n".utf8).write(to: url)
        defer { unlink(url.path) }
        let lint = try Command([
            "swift", "format", "lint", "--strict", "--configuration",
            SourceTree.root.appendingPathComponent(".swift-format").path, url.path,
        ])
        #expect(lint.status != 0)
        #expect(lint.output.contains("Spacing"))
    }
}
