import Foundation
import Testing

@Suite("The house is tidy")
struct TidyTests {
    let tree: SourceTree
    let map: ModuleMap

    init() throws {
        tree = try SourceTree()
        let architecture = try #require(tree.file("ARCHITECTURE.md"), "ARCHITECTURE.md is missing")
        map = ModuleMap(markdown: architecture.text)
    }

    /// The main types of these modules carry the name of their module; inside the package nobody
    /// needs a qualified name of theirs. No further ones.
    static let namedLikeTheirModule: Set = ["Store", "Vault", "Ingest", "Query"]

    func report(_ findings: [Finding]) {
        for finding in findings { Issue.record("\(finding)") }
    }

    @Test("the map can be read, names every module once, and its arrows have no cycle")
    func mapIsSound() throws {
        #expect(map.problems == [])
        #expect(map.cycle == nil)
        let folders = try FileManager.default.contentsOfDirectory(
            atPath: SourceTree.root.appendingPathComponent("Sources").path
        ).filter { !$0.hasPrefix(".") }
        #expect(Set(folders) == Set(map.rows.keys))
    }

    @Test("no module imports what the map does not let it import")
    func arrows() {
        report(tree.sources.flatMap { ImportRules.findings(in: $0, map: map) })
    }

    @Test("tests reach C libraries only through the module that owns them")
    func testArrows() {
        report(tree.tests.flatMap { ImportRules.findingsInTests($0, map: map) })
    }

    @Test(
        "only Store may import RocksDB, only HTTP nghttp2; nothing reaches below Server from strm")
    func owners() throws {
        func importers(_ module: String) -> Set<String> {
            Set(map.rows.filter { $0.value.ours.contains(module) }.keys)
        }
        #expect(importers("CRocksDB") == ["Store"])
        #expect(importers("CNGHTTP2") == ["HTTP"])
        #expect(importers("COpenSSL") == ["Vault", "Privacy"])
        #expect(importers("CSimdJSON") == ["Contracts"])
        #expect(importers("CRE2") == ["Contracts"])
        #expect(map.rows["strm"]?.ours == ["Server", "AuditProof"])
        #expect(map.rows["AuditProof"]?.ours == [])
        #expect(map.rows["HTTP"]?.ours == ["CNGHTTP2"])
        #expect(map.rows["Store"]?.ours.contains("COpenSSL") == false)
        #expect(map.rows["Store"]?.outside == [])
    }

    @Test("files are short enough to read")
    func fileLengths() {
        report(tree.files.flatMap { SizeRules.fileLength($0) })
    }

    @Test("functions are short enough to see at once")
    func functionLengths() {
        report(tree.swift.flatMap { SizeRules.functionLengths($0) })
    }

    @Test("the code neither forces, nor crashes, nor prints")
    func bannedCode() {
        report(tree.sources.flatMap { WordRules.bannedCode($0) })
    }

    @Test("nothing is marked as unfinished")
    func unfinishedWork() {
        report(tree.sources.flatMap { WordRules.unfinishedWork($0) })
    }

    @Test("no file names a path of one machine")
    func machinePaths() {
        report(tree.files.flatMap { WordRules.machinePaths($0) })
    }

    @Test("what the compiler does not check says what keeps it true")
    func unchecked() {
        report(tree.swift.flatMap { WordRules.uncheckedWithoutReason($0) })
    }

    @Test("every type that other modules see has a doc comment")
    func documentation() {
        report(tree.sources.flatMap { WordRules.undocumentedTypes($0) })
    }

    @Test("no module has an empty name, and no further type is named like its module")
    func names() {
        #expect(WordRules.emptyModuleNames.isDisjoint(with: map.rows.keys))
        report(
            tree.sources.flatMap {
                WordRules.typesNamedLikeTheirModule($0, except: Self.namedLikeTheirModule)
            })
    }

    @Test("C modules hold no Swift")
    func wrappers() {
        let found = tree.sources.filter { ImportRules.isCModule($0.target) && $0.isSwift }
        #expect(found.map(\.path) == [])
    }

    @Test("resolved versions are not committed")
    func resolvedVersions() throws {
        let ignored = try #require(tree.file(".gitignore")).lines
        #expect(ignored.contains("Package.resolved"))
        let git = SourceTree.root.appendingPathComponent(".git").path
        if FileManager.default.fileExists(atPath: git) {
            let listed = try Command(
                ["git", "-c", "safe.directory=*", "ls-files", "Package.resolved"])
            #expect(listed.status == 0 && listed.output.isEmpty, "\(listed.output)")
        }
    }

    @Test("the formatter finds nothing")
    func formatted() throws {
        let lint = try Command(["tools/lint"])
        #expect(lint.status == 0, "\(lint.output.suffix(8000))")
    }
}
