import AuditProof
import Foundation
import Testing

/// Programs that verify a log and share no code with ours.
struct OtherVerifier {
    struct Verdict: Decodable {
        let intact: Bool
        let problems: [String]
    }

    let name: String
    let program: String
    /// What stands before the key.
    let options: [String]
    /// The option that gives a kept checkpoint.
    let older: String

    /// `Examples/audit/verify_audit.py`.
    static var python: OtherVerifier {
        let python =
            ProcessInfo.processInfo.environment["STRM_TEST_PYTHON"]
            ?? root.appendingPathComponent(".venv/bin/python").path
        let script = root.appendingPathComponent("Examples/audit/verify_audit.py").path
        return OtherVerifier(
            name: "Python", program: python, options: [script, "--json", "--key"], older: "--older")
    }

    /// `Support/check_log`, on Go's `golang.org/x/mod/sumdb` as Debian packages it.
    static func go() throws -> OtherVerifier {
        OtherVerifier(name: "Go", program: try goProgram.get(), options: [], older: "-older")
    }

    /// One verdict for each directory, in their order.
    func verify(
        _ directories: [URL], key: VerifierKey, older checkpoint: URL? = nil
    ) throws -> [Verdict] {
        let (status, output) = try run(key, checkpoint, directories.map(\.path))
        try #require(status == 0 || status == 1, "the \(name) verifier failed")
        let verdicts = try output.split(separator: 0x0A).map {
            try JSONDecoder().decode(Verdict.self, from: $0)
        }
        #expect((status == 0) == verdicts.allSatisfy(\.intact))
        return verdicts
    }

    /// Runs it with whatever arguments behind the key.
    func run(
        _ key: VerifierKey, _ checkpoint: URL? = nil, _ arguments: [String]
    ) throws -> (status: Int32, output: Data) {
        let kept = checkpoint.map { [older, $0.path] } ?? []
        // Go's flags stand before all that is none, so the key comes behind them.
        let all =
            options.isEmpty
            ? kept + [key.description] + arguments
            : options + [key.description] + kept + arguments
        return try Self.run(program, all)
    }

    static func run(
        _ program: String, _ arguments: [String], environment: [String: String]? = nil
    ) throws -> (status: Int32, output: Data) {
        let process = Process()
        process.executableURL = URL(filePath: program)
        process.arguments = arguments
        if let environment { process.environment = environment }
        let output = Pipe()
        process.standardOutput = output
        try process.run()
        let data = try output.fileHandleForReading.readToEnd() ?? Data()
        process.waitUntilExit()
        return (process.terminationStatus, data)
    }

    private static let root = URL(filePath: #filePath).resolvingSymlinksInPath()
        .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()

    /// Built once a process, below `.build/`, where the next run finds it and nobody has to clear
    /// it away. GOPATH mode, since the packages come from Debian and not the network.
    private static let goProgram = Result<String, any Error> {
        let source = root.appendingPathComponent(
            "Tests/AuditProofTests/Support/check_log/check_log.go")
        let folder = root.appendingPathComponent(".build")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        let program = folder.appendingPathComponent("check-log")
        var environment = ProcessInfo.processInfo.environment
        environment["GO111MODULE"] = "off"
        environment["GOPATH"] = "/usr/share/gocode"
        environment["GOCACHE"] = folder.appendingPathComponent("go-cache").path
        let built = try run(
            "/usr/bin/env", ["go", "build", "-o", program.path, source.path],
            environment: environment)
        try #require(built.status == 0, "the Go verifier cannot be built")
        return program.path
    }
}
