import ArgumentParser
import AuditProof
import Foundation

/// `strm prove`: shows that what is marked as personal lies nowhere in clear.
struct Prove: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Send marked personal data by every path, and look for it everywhere.",
        usage: """
            strm prove --scratch [--output-file <file>]
            strm prove [--data <directory>] [--search <path> ...] [--output-file <file>]
            strm prove --verify <file> [--key <key> ...] [--export <directory>]
            """,
        discussion: """
            With --scratch it makes an installation of its own in a temporary directory, kills its \
            server, and removes it. Without, it acts on the running server of --server: on the \
            machine where that runs, as the user that it runs as, with stored credentials of an \
            administrator and a DPO. What it makes there has names that begin with strm-prove and \
            is removed again. docs/prove.md says what is driven, what is searched and what the \
            result means.

            EXIT STATUS
              0  clean: every path was driven, and no marker found where it must not be
              1  a leak; the paths and places are told
              2  inconclusive: something was not driven or not searched

            EXAMPLE
              strm prove --scratch
              strm prove --data /var/lib/strm --search /var/log/strm --search /backup/strm \\
                --output-file proof.json
              strm prove --verify proof.json --key streammachine.dev/audit+…
            """)

    @Flag(help: "On an installation of its own, with crashes.")
    var scratch = false
    @Option(
        help: ArgumentHelp("Where --scratch makes its directory.", valueName: "directory"))
    var scratchDirectory: String?
    @Flag(help: "Leave the directory of --scratch.")
    var keep = false
    @OptionGroup var directory: DataDirectoryOptions
    @Option(
        help: ArgumentHelp(
            "Where the keyring is (default: as the server says, else DIR/keys).",
            valueName: "directory"))
    var keyring: String?
    @Option(
        help: ArgumentHelp(
            "The server's exports.directory (default: as the server says).",
            valueName: "directory"))
    var exports: String?
    @Option(
        help: ArgumentHelp(
            "Search this too: logs, temporary files, backups; repeatable.", valueName: "path"))
    var search: [String] = []
    @Flag(help: "Read also the files that were not touched since the beginning.")
    var whole = false
    @Option(help: ArgumentHelp("The server's process (default: as it says).", valueName: "number"))
    var pid: Int32?
    @Option(help: ArgumentHelp("Check a signed result, offline.", valueName: "file"))
    var verify: String?
    @OptionGroup var keys: LogKeyOptions
    @Option(
        help: ArgumentHelp("Write the signed result there, as JSON.", valueName: "file"))
    var outputFile: String?
    @OptionGroup(title: "Connection") var connection: ConnectionOptions
    @OptionGroup var output: OutputOptions

    mutating func validate() throws {
        guard connection.clientId == nil else {
            throw ValidationError("prove acts as several clients: it takes stored credentials.")
        }
        guard verify == nil || !scratch else {
            throw ValidationError("--verify and --scratch do not go together.")
        }
    }

    func run() async throws {
        if let verify { return try check(verify) }
        let startedAt = Date()
        let (verdict, document) = try await scratch ? proveScratch(startedAt) : proveLive(startedAt)
        if let outputFile {
            do {
                try Data((document.text() + "\n").utf8).write(
                    to: URL(filePath: outputFile), options: .atomic)
            } catch {
                throw CommandFailure(.failed, "cannot write \(outputFile)")
            }
        }
        switch output.output {
        case .json: Terminal.print(document.text())
        case .table: Self.show(document["result"] ?? .null)
        }
        guard verdict == .clean else { throw ExitCode(verdict.exitStatus) }
    }

    private func proveScratch(
        _ startedAt: Date
    ) async throws -> (ProofResult.Verdict, JSONValue) {
        let proof = try ScratchProof(in: scratchDirectory)
        do {
            let result = try await proof.run(startedAt: startedAt)
            if !keep { proof.site.remove() }
            return result
        } catch {
            await proof.site.end(SIGKILL)
            Terminal.note("what there is was left in \(proof.site.root)")
            throw error
        }
    }

    private func proveLive(_ startedAt: Date) async throws -> (ProofResult.Verdict, JSONValue) {
        let data = directory.path
        guard FileManager.default.fileExists(atPath: "\(data)/db") else {
            throw CommandFailure(
                .notConfigured, "there is no installation in \(data)",
                next: "--data DIR names the server's data directory; or strm prove --scratch")
        }
        let settings = FileManager.default.contents(atPath: "\(data)/strm.json")
            .flatMap { try? JSONValue(parsing: $0) }
        let proof = LiveProof(
            server: try ServerURL.chosen(connection.server), roots: try connection.trustRoots(),
            data: data, keyring: keyring, exports: exports, settings: settings, others: search,
            isWhole: whole, identifier: pid)
        return try await proof.run(startedAt: startedAt)
    }

    // MARK: Verifying

    private func check(_ path: String) throws {
        let document: CanonicalJSON
        let bytes = try InputFile.read(path)
        do {
            document = try CanonicalJSON.parse(bytes)
        } catch {
            throw CommandFailure(.failed, "\(path) is no proof: \(error)")
        }
        let result = document["result"]
        let isScratch = result?["mode"]?.string == "scratch"
        // The key of a scratch run lived for seconds: nobody can have it from elsewhere.
        let isUnknown = isScratch && keys.key.isEmpty
        let trusted =
            isUnknown ? try Self.ownKey(document) : try keys.keys(at: connection.server).all
        let lines = try ProofResult.verify(document, keys: trusted)
        Terminal.print(isUnknown ? "whole, signer unknown" : "genuine")
        for name in ["mode", "server"] {
            Terminal.print("\(name) \(Table.printable(result?[name]?.string ?? "?"))")
        }
        for line in lines.dropFirst(2) { Terminal.print(line) }
        guard !isUnknown else {
            throw CommandFailure(
                .failed,
                "the key came with the proof: this shows that the file is whole, not who "
                    + "made it, and anybody can make one")
        }
    }

    private static func ownKey(_ proof: CanonicalJSON) throws(CommandFailure) -> [VerifierKey] {
        do { return [try VerifierKey(proof["verifierKey"]?.string ?? "")] } catch {
            throw CommandFailure(.failed, "NOT GENUINE: \(error)")
        }
    }

    // MARK: Showing

    private static func show(_ result: JSONValue) {
        func total(_ name: String) -> Int64 {
            guard case .object(let counts)? = result[name] else { return 0 }
            return counts.values.compactMap(\.integer).reduce(0, +)
        }
        Terminal.print(
            Table.card([
                ("verdict", (result["verdict"]?.string ?? "").uppercased()),
                ("driven", "\(total("driven")) requests and events"),
                ("markers", result["markers"]?.cell ?? ""),
                (
                    "handed out by right",
                    "\(result["openedToReaders"]?.cell ?? "0") to readers; "
                        + (result["releasedByRight"]?.cell ?? "")
                ),
                ("controls found", result["controls"]?.cell ?? ""),
                ("leaks", result["leaks"]?.cell ?? ""),
            ]))
        if case .object(let places)? = result["searched"] {
            var table = Table(["place", "files", "bytes", "unchanged", "unreadable"])
            for (name, tally) in places.sorted(by: { $0.key < $1.key }) {
                table.add(
                    [name]
                        + ["files", "bytes", "unchanged", "unreadable"].map {
                            tally[$0]?.cell ?? ""
                        })
            }
            Terminal.print("\n\(table.text)")
        }
        for hit in result["hits"]?.array ?? [] {
            func cell(_ name: String) -> String { hit[name]?.cell ?? "" }
            Terminal.print(
                "LEAK of \(cell("path")): \(cell("kind")), \(cell("form")), in "
                    + "\(cell("place")) \(Table.printable(cell("in"))) at \(cell("offset")) (\(cell("count")))"
            )
        }
        for doubt in result["doubts"]?.array ?? [] { Terminal.print("doubt: \(doubt.cell)") }
        if case .object(let paths)? = result["leftOut"] {
            for (path, reason) in paths.sorted(by: { $0.key < $1.key }) {
                Terminal.print("left out: \(path): \(reason.cell)")
            }
        }
        for item in result["remaining"]?.array ?? [] {
            Terminal.print("not removed: \(item.cell)")
        }
    }
}
