import Foundation

/// Something that the house does not allow, and where.
struct Finding: Hashable, CustomStringConvertible {
    let path: String
    let line: Int
    let message: String

    var description: String { "\(path):\(line): \(message)" }
}

/// One file of the project.
struct SourceFile {
    /// From the root of the package: `Sources/Store/Store.swift`.
    let path: String
    let text: String

    var lines: [Substring] {
        // A last newline ends the last line; it does not begin another.
        let body = text.hasSuffix("\n") ? text.dropLast() : text[...]
        return body.split(separator: "\n", omittingEmptySubsequences: false)
    }

    /// The folder below `Sources` or `Tests`: the name of the target.
    var target: String {
        let parts = path.split(separator: "/")
        return parts.count > 2 ? String(parts[1]) : ""
    }

    var isSwift: Bool { path.hasSuffix(".swift") }
}

/// The files that the project keeps under version control, read once for all tests.
struct SourceTree {
    static let root = URL(filePath: #filePath).resolvingSymlinksInPath()
        .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()

    /// What people write: no build products, no data.
    static let folders = ["Sources", "Tests", "tools", "docs", "Examples", ".ci"]
    static let extensions: Set = [
        "swift", "h", "c", "cpp", "py", "md", "yaml", "yml", "json", "modulemap", "sh", "",
    ]

    let files: [SourceFile]

    init() throws {
        var paths = try FileManager.default.contentsOfDirectory(atPath: Self.root.path)
            .filter { Self.isFile($0) && !$0.hasPrefix("Package.resolved") }
        for folder in Self.folders {
            let url = Self.root.appendingPathComponent(folder)
            for case let relative as String in FileManager.default.enumerator(atPath: url.path)
                ?? .init()
            {
                let path = "\(folder)/\(relative)"
                if Self.isFile(path), !path.contains("__pycache__") { paths.append(path) }
            }
        }
        files = try paths.sorted().compactMap { path in
            let url = Self.root.appendingPathComponent(path)
            guard Self.extensions.contains(url.pathExtension),
                let text = String(data: try Data(contentsOf: url), encoding: .utf8)
            else { return nil }
            return SourceFile(path: path, text: text)
        }
    }

    var sources: [SourceFile] { files.filter { $0.path.hasPrefix("Sources/") } }
    var tests: [SourceFile] { files.filter { $0.path.hasPrefix("Tests/") } }
    var swift: [SourceFile] { files.filter(\.isSwift) }

    func file(_ path: String) -> SourceFile? { files.first { $0.path == path } }

    private static func isFile(_ path: String) -> Bool {
        var isDirectory: ObjCBool = false
        let full = root.appendingPathComponent(path).path
        return FileManager.default.fileExists(atPath: full, isDirectory: &isDirectory)
            && !isDirectory.boolValue
    }
}

/// Runs a program of the machine in the root of the package.
struct Command {
    let status: Int32
    let output: String

    init(_ arguments: [String]) throws {
        let process = Process()
        process.executableURL = URL(filePath: "/usr/bin/env")
        process.arguments = arguments
        process.currentDirectoryURL = SourceTree.root
        let pipe = Pipe()
        process.standardOutput = pipe
        process.standardError = pipe
        try process.run()
        let data = try pipe.fileHandleForReading.readToEnd() ?? Data()
        process.waitUntilExit()
        status = process.terminationStatus
        output = String(decoding: data, as: UTF8.self)
    }
}
