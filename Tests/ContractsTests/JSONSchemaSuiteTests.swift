import Foundation
import Testing

@testable import Contracts

/// The official test suite (https://github.com/json-schema-org/JSON-Schema-Test-Suite); in the
/// folder STRM_SHARED_DATA, or beside the package.
enum JSONSchemaSuite {
    static let folder: URL = {
        let given = ProcessInfo.processInfo.environment["STRM_SHARED_DATA"].map {
            URL(filePath: $0)
        }
        let shared =
            given ?? packageRoot.deletingLastPathComponent().appending(path: "shared/data")
        return shared.appending(path: "json-schema")
    }()

    /// False, with a note, if the suite is not there.
    static let isThere: Bool = {
        let isThere = FileManager.default.fileExists(atPath: folder.path)
        if !isThere { print("skipped: no JSON Schema test suite at \(folder.path)") }
        return isThere
    }()

    static func files(_ path: String) throws -> [URL] {
        try FileManager.default.contentsOfDirectory(
            at: folder.appending(path: path), includingPropertiesForKeys: nil
        ).filter { $0.pathExtension == "json" }.sorted { $0.path < $1.path }
    }

    static func value(_ file: URL) throws -> JSONValue {
        try JSONValue.parse([UInt8](Data(contentsOf: file)), pointer: "")
    }

    /// The standard documents and the suite's remotes.
    static func documents() throws -> JSONSchemaDocuments {
        var documents = JSONSchemaDocuments.standard
        let remotes = folder.appending(path: "remotes").standardizedFileURL.path + "/"
        let all = FileManager.default.enumerator(atPath: remotes)
        while let path = all?.nextObject() as? String {
            guard path.hasSuffix(".json") else { continue }
            documents.register(
                try value(URL(filePath: remotes + path)), uri: "http://localhost:1234/\(path)")
        }
        return documents
    }

    /// Runs a file; returns how many tests it has, and what was judged wrongly.
    static func run(
        _ file: URL, _ documents: JSONSchemaDocuments, _ options: JSONSchemaCompiler.Options
    ) throws -> (count: Int, wrong: [String]) {
        guard case .array(let groups) = try value(file) else { return (0, ["no list"]) }
        var count = 0
        var wrong: [String] = []
        for group in groups {
            let name = "\(file.lastPathComponent): \(group["description"] ?? .null)"
            guard let schema = group["schema"], case .array(let tests)? = group["tests"] else {
                wrong.append("\(name) has no tests")
                continue
            }
            count += tests.count
            do throws(ContractError) {
                let judge = try SchemaJudge(schema, documents: documents, options: options)
                for test in tests {
                    let isRight = judge.accepts(test["data"] ?? .null)
                    guard .bool(isRight) != test["valid"] else { continue }
                    wrong.append("\(name): \(test["description"] ?? .null)")
                }
            } catch {
                wrong.append("\(name): \(error)")
            }
        }
        return (count, wrong)
    }
}

/// A compiled schema that judges values.
struct SchemaJudge {
    let program: JSONSchemaProgram

    init(
        _ schema: JSONValue, documents: JSONSchemaDocuments = .standard,
        options: JSONSchemaCompiler.Options = .init()
    ) throws(ContractError) {
        var compiler = try JSONSchemaCompiler(
            DocumentCursor(value: schema, pointer: ""), documents: documents, options: options)
        program = try compiler.compile()
    }

    init(text: String) throws(ContractError) {
        try self.init(try JSONValue.parse(Array(text.utf8), pointer: ""))
    }

    func accepts(_ value: JSONValue) -> Bool { refusal(value) == nil }

    /// Nil: accepted.
    func refusal(_ value: JSONValue) -> Refusal? {
        var tape = TapeBuilder()
        let root = tape.append(value)
        return withExtendedLifetime(program) {
            tape.withTape { tape in
                var evaluator = JSONSchemaEvaluator()
                evaluator.begin(program.view, tape, wordCount: tape.next(root))
                return evaluator.accepts(root) ? nil : evaluator.explain(root)
            }
        }
    }
}

@Suite("the JSON Schema test suite", .enabled(if: JSONSchemaSuite.isThere))
struct JSONSchemaSuiteTests {
    @Test func `every required case of draft 2020-12 is judged as it says`() throws {
        let documents = try JSONSchemaSuite.documents()
        var count = 0
        for file in try JSONSchemaSuite.files("draft2020-12") {
            var options = JSONSchemaCompiler.Options()
            // States that formats are annotations unless someone asks for more, as we do.
            if file.lastPathComponent == "format.json" { options.assertsFormats = false }
            let result = try JSONSchemaSuite.run(file, documents, options)
            count += result.count
            #expect(result.wrong == [])
        }
        #expect(count > 1_200)
    }

    @Test func `the nine formats that contracts assert are judged as the suite says`() throws {
        for format in StringFormat.allCases {
            let file = JSONSchemaSuite.folder.appending(
                path: "draft2020-12/optional/format/\(format.name).json")
            let result = try JSONSchemaSuite.run(file, .standard, .init())
            #expect(result.count > 10)
            #expect(result.wrong == [])
        }
    }

    /// Optional cases that do not hold here, each with its reason.
    static let excluded = [
        "refs to historic drafts are processed as historic drafts":
            "draft 2019-09 is no dialect of contracts: the reference is refused"
    ]

    @Test(arguments: [
        "anchor", "cross-draft", "dependencies-compatibility", "dynamicRef", "id", "no-schema",
        "non-bmp-regex", "refOfUnknownKeyword", "unknownKeyword", "float-overflow",
        "ecmascript-regex",
    ])
    func `optional cases of draft 2020-12 are judged as the suite says`(name: String) throws {
        let file = JSONSchemaSuite.folder.appending(path: "draft2020-12/optional/\(name).json")
        let result = try JSONSchemaSuite.run(file, try JSONSchemaSuite.documents(), .init())
        let wrong = result.wrong.filter { text in
            !Self.excluded.keys.contains { text.contains($0) }
        }
        #expect(result.count > 0)
        #expect(wrong == [])
    }
}
