import ArgumentParser
import AuditProof
import Foundation

/// `strm audit …`.
struct AuditCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "audit",
        abstract: "Who used which personal data, when and for what; and the proof of it.",
        subcommands: [
            AuditList.self, AuditWhoRead.self, AuditReadBy.self, AuditPurposes.self,
            AuditDecisions.self, AuditReceivedBy.self, AuditReport.self, AuditExport.self,
            AuditVerify.self, AuditProveEntry.self, AuditProveConsistency.self,
            AuditVerifyProof.self,
        ])
}

struct AuditList: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "list",
        abstract: "List audit entries, oldest first.",
        discussion: """
            EXAMPLE
              strm audit list --act release --from 24h
              strm audit list --field customer/email --output json
            """)

    @Option(
        help: ArgumentHelp("From this time on: 15m (ago), 2h, 7d, RFC 3339.", valueName: "time"))
    var from: String?
    @Option(help: ArgumentHelp("Before this time.", valueName: "time")) var to: String?
    @Option(help: "Only this act: release, tokenIssued, streamCreated …") var act: String?
    @Option(help: ArgumentHelp("Only what this client did.", valueName: "id")) var client: String?
    @Option(help: "Only this stream.") var stream: String?
    @Option(help: ArgumentHelp("Only this derived stream.", valueName: "stream"))
    var derivedStream: String?
    @Option(help: ArgumentHelp("Only releases of this field.", valueName: "path")) var field:
        String?
    @Option(help: ArgumentHelp("Only this consent level.", valueName: "level")) var purpose: Int?
    @Option(help: ArgumentHelp("Show at most this many.", valueName: "count")) var limit = 1000
    @OptionGroup(title: "Connection") var connection: ConnectionOptions
    @OptionGroup var output: OutputOptions

    mutating func validate() throws {
        for time in [from, to].compactMap({ $0 }) where Timestamp.parse(time, now: Date()) == nil {
            throw ValidationError("'\(time)' is no time: 15m, 2h, 7d, or 2026-11-23T10:00:00Z.")
        }
        guard limit > 0 else { throw ValidationError("--limit is at least 1.") }
    }

    func run() async throws {
        let items = try await ServerClient.with(connection, .audit) { client in
            try await entries(client)
        }
        switch output.output {
        case .json:
            Terminal.print(JSONValue.object(["items": .array(items)]).text())
        case .table:
            var table = Table(["n", "at", "act", "client", "on", "fields", "events"])
            for item in items {
                func cell(_ name: String) -> String {
                    item[name].map { Entity.cell(name, $0) } ?? ""
                }
                let target = cell("derivedStream").isEmpty ? cell("stream") : cell("derivedStream")
                table.add([
                    cell("n"), cell("at"), cell("act"), cell("client"), target, cell("fields"),
                    cell("events"),
                ])
            }
            Terminal.print(table.text)
        }
    }

    /// Asks page after page until there are no more, or `limit` are there.
    private func entries(_ client: ServerClient) async throws -> [JSONValue] {
        let now = Date()
        let times = [("from", from), ("to", to)].map { name, text in
            (name, text.flatMap { Timestamp.parse($0, now: now) }.map { String($0) })
        }
        let filters =
            times + [
                ("act", act), ("client", self.client), ("stream", stream),
                ("derivedStream", derivedStream), ("field", field),
                ("purpose", purpose.map { String($0) }),
            ]
        let fixed = filters.compactMap { name, value in
            value.map { "\(name)=\(Entity.escape($0))" }
        }
        var items: [JSONValue] = []
        var after: Int64?
        while items.count < limit {
            var query = fixed + ["limit=\(min(limit - items.count, 1000))"]
            if let after { query.append("after=\(after)") }
            let reply = try await client.request(
                "GET", "/v1/audit/entries?" + query.joined(separator: "&"))
            try reply.check("read the audit log")
            let answer = try reply.json()
            items += answer["items"]?.array ?? []
            // An answer may hold few entries, or none, though more follow: the server bounds how
            // many it looks at for one request.
            guard answer["isComplete"] == .boolean(false), let next = answer["next"]?.integer,
                next != after
            else { break }
            after = next
        }
        return items
    }
}

struct AuditExport: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "export",
        abstract: "Copy the audit log, with its signed checkpoint, into a directory.",
        usage: "strm audit export <directory> [options]",
        discussion: """
            The files are in C2SP's tlog-tiles format; any tool for it can check them. A directory \
            that holds an earlier export is brought up to date.

            EXAMPLE
              strm audit export audit-2026-11
            """)

    @Argument(help: "The directory; made if it is missing.") var directory: String
    @OptionGroup(title: "Connection") var connection: ConnectionOptions
    @OptionGroup var output: OutputOptions

    func run() async throws {
        let size = try await ServerClient.with(connection, .audit) { client in
            // Puts the export itself on record, and answers the checkpoint that covers that entry.
            let started = try await client.request("POST", "/v1/audit/exports")
            try started.check("export the audit log")
            let note = started.body
            let (current, proofs) = try await Self.keys(client)
            var keys: [VerifierKey] = []
            let checkpoint: Checkpoint
            do {
                let chain = try KeyChain(trusting: try VerifierKey(current), rotations: proofs)
                checkpoint = try chain.checkpoint(note)
                // A change of the key behind this checkpoint belongs to the next export.
                keys = chain.terms.filter { $0.from <= checkpoint.size }.map(\.key)
            } catch {
                throw CommandFailure(.failed, "the checkpoint does not fit the log's key: \(error)")
            }
            var paths: [String] = []
            TilePath.forEach(size: checkpoint.size) { paths.append($0.description) }
            for path in paths {
                // A full tile never changes, so one that is there already is not fetched again.
                if !path.contains(".p/"), exists(path) { continue }
                try write(try await Self.fetch(path, client), to: path)
            }
            removePartialTiles(except: Set(paths))
            for (place, proof) in proofs.prefix(keys.count - 1).enumerated() {
                try write(proof, to: "rotations/\(place + 1)")
            }
            try write(
                Array("\(keys.last?.description ?? current)\n".utf8), to: "verifier-key")
            // The checkpoint comes last: an export that breaks off is still an older, whole one.
            try write(note, to: "checkpoint")
            return checkpoint.size
        }
        switch output.output {
        case .json:
            Terminal.print(
                JSONValue.object([
                    "entries": .integer(Int64(size)), "directory": .string(directory),
                ])
                .text(pretty: false))
        case .table:
            Terminal.print("\(size) entries in \(directory)")
            Terminal.note("next: strm audit verify \(directory)")
        }
    }

    /// Today's key, and the proofs of all changes of the key.
    private static func keys(_ client: ServerClient) async throws -> (String, [[UInt8]]) {
        let reply = try await client.request("GET", "/v1/audit/verifier-keys")
        try reply.check("read the keys of the audit log")
        let keys = try reply.json()["items"]?.array ?? []
        guard let current = keys.last?["key"]?.string else {
            throw CommandFailure(.failed, "the server names no key of the audit log")
        }
        var rotations: [[UInt8]] = []
        for number in 1..<max(1, keys.count) {
            rotations.append(try await fetch("rotations/\(number)", client))
        }
        return (current, rotations)
    }

    private static func fetch(_ path: String, _ client: ServerClient) async throws -> [UInt8] {
        let reply = try await client.request("GET", "/v1/audit/\(path)")
        try reply.check("read \(path) of the audit log")
        return reply.body
    }

    private func exists(_ path: String) -> Bool {
        FileManager.default.fileExists(atPath: "\(directory)/\(path)")
    }

    private func write(_ bytes: [UInt8], to path: String) throws(CommandFailure) {
        let file = URL(filePath: "\(directory)/\(path)")
        do {
            try FileManager.default.createDirectory(
                at: file.deletingLastPathComponent(), withIntermediateDirectories: true)
            try Data(bytes).write(to: file, options: .atomic)
        } catch {
            throw CommandFailure(.failed, "cannot write \(directory)/\(path)")
        }
    }

    /// Partial tiles of an earlier, smaller export are not part of this tree any more.
    private func removePartialTiles(except kept: Set<String>) {
        let root = "\(directory)/tile"
        guard let files = FileManager.default.enumerator(atPath: root) else { return }
        for case let path as String in files
        where path.contains(".p/") && !kept.contains("tile/\(path)") {
            // One that cannot be removed is told by verify, which says that it does not belong.
            try? FileManager.default.removeItem(atPath: "\(root)/\(path)")
        }
    }
}

struct AuditVerify: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "verify",
        abstract: "Check an exported audit log, offline.",
        usage: "strm audit verify <directory> [--key <key>] [--older <file> ...] [options]",
        discussion: """
            Every entry is checked against the tree, and the tree against its signature. Nothing \
            is asked of the server. Give the checkpoint of an earlier export with --older to prove \
            that nothing was rewritten since.

            The key is what strm init printed; on the machine where it ran it is found by itself. \
            It stays good when the log changes its key: the export proves each change.

            EXAMPLE
              strm audit verify audit-2026-11 --older audit-2026-10/checkpoint
            """)

    @Argument(help: "A directory that strm audit export wrote.") var directory: String
    @Option(
        help: ArgumentHelp("The log's verifier key, or a file that holds it.", valueName: "key"))
    var key: String?
    @Option(
        help: ArgumentHelp("A checkpoint that was kept earlier; repeatable.", valueName: "file"))
    var older: [String] = []
    @Option(help: ArgumentHelp("The server whose key was stored by strm init.", valueName: "url"))
    var server: String?
    @OptionGroup var output: OutputOptions

    func run() throws {
        let (text, isFromExport) = try keyText()
        let verifier: VerifierKey
        do {
            verifier = try VerifierKey(text)
        } catch {
            throw CommandFailure(
                .failed, "this is not a verifier key: \(error)",
                next: "--key with what strm init printed: name+hash+base64")
        }
        let kept = try older.map { path in try InputFile.read(path) }
        let report = LogVerifier.verify(
            directory: directory, key: verifier, olderCheckpoints: kept)
        switch output.output {
        case .json: Terminal.print(json(report).text())
        case .table: show(report, isFromExport)
        }
        guard report.isIntact else { throw ExitCode(CommandFailure.Status.failed.rawValue) }
    }

    /// The key as text, and whether it comes from the export itself, which proves less.
    private func keyText() throws(CommandFailure) -> (String, Bool) {
        if let key {
            guard FileManager.default.fileExists(atPath: key) else { return (key, false) }
            return (try SecretFile.read(key), false)
        }
        let url = try ServerURL.chosen(server)
        if let pinned = try CredentialStore.standard().entries(for: url).auditVerifierKey {
            return (pinned, false)
        }
        return (try SecretFile.read("\(directory)/verifier-key"), true)
    }

    private func show(_ report: VerificationReport, _ isFromExport: Bool) {
        if let checkpoint = report.checkpoint {
            Terminal.print(
                Table.card([
                    ("log", checkpoint.origin),
                    ("entries", "\(report.entriesVerified) of \(checkpoint.size) as signed"),
                    ("root", "\(checkpoint.root)"),
                    ("older checkpoints", "\(report.consistentSizes.count) of \(older.count) fit"),
                ]))
        }
        for problem in report.problems { Terminal.print("problem: \(problem)") }
        Terminal.print(report.isIntact ? "intact" : "NOT INTACT")
        if isFromExport {
            Terminal.note(
                "the key came with the export, so this proves that the log is whole, not whose it "
                    + "is: give the key that strm init printed with --key")
        }
    }

    private func json(_ report: VerificationReport) -> JSONValue {
        .object([
            "intact": .boolean(report.isIntact),
            "entries": .integer(Int64(report.entriesVerified)),
            "size": report.checkpoint.map { .integer(Int64($0.size)) } ?? .null,
            "root": report.checkpoint.map { .string("\($0.root)") } ?? .null,
            "consistentSizes": .array(report.consistentSizes.map { .integer(Int64($0)) }),
            "problems": .array(report.problems.map { .string("\($0)") }),
        ])
    }
}
