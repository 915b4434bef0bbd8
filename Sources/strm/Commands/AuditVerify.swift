import ArgumentParser
import AuditProof
import Foundation

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
        help: ArgumentHelp(
            "A verifier key of the log, or a file with one on each line; repeatable.",
            valueName: "key"))
    var key: [String] = []
    @Option(
        help: ArgumentHelp("A checkpoint that was kept earlier; repeatable.", valueName: "file"))
    var older: [String] = []
    @Option(help: ArgumentHelp("The server whose key was stored by strm init.", valueName: "url"))
    var server: String?
    @OptionGroup var output: OutputOptions

    func run() throws {
        var isDirectory: ObjCBool = false
        guard FileManager.default.fileExists(atPath: directory, isDirectory: &isDirectory),
            isDirectory.boolValue
        else { throw CommandFailure.cannotRead(directory, reason: "there is no such directory") }
        let (keys, isFromExport) = try trustedKeys()
        let kept = try older.map { path in try InputFile.read(path) }
        var chosen: (report: VerificationReport, key: VerifierKey)?
        // The newest key first: it takes what an older one signed only if proofs lead there.
        for candidate in keys.reversed() {
            let found = LogVerifier.verify(
                directory: directory, key: candidate, olderCheckpoints: kept)
            if chosen == nil || found.checkpoint != nil { chosen = (found, candidate) }
            if found.checkpoint != nil { break }
        }
        guard let (report, key) = chosen else { return }
        switch output.output {
        case .json: Terminal.print(json(report).text())
        case .table: show(report, isFromExport)
        }
        if report.isIntact, key != keys.last, report.keyCount == 1 {
            Terminal.note(
                "no change of the key is proven here, and it was signed by a key that was replaced "
                    + "since: this is the log before the change, or one that the holder of the old "
                    + "key made up")
        }
        guard report.isIntact else {
            let signers = LogKeys.signers(
                FileManager.default.contents(atPath: "\(directory)/checkpoint") ?? Data())
            if report.checkpoint == nil, !signers.isEmpty,
                Set(keys.map(\.identity)).isDisjoint(with: signers)
            {
                throw LogKeys.unknown(signers)
            }
            throw ExitCode(CommandFailure.Status.failed.rawValue)
        }
    }

    /// In their order of time, and whether they come from the export itself, which proves less.
    private func trustedKeys() throws(CommandFailure) -> ([VerifierKey], Bool) {
        if key.isEmpty, try TrustedKeys.stored(server).isEmpty {
            return (try TrustedKeys.read(["\(directory)/verifier-key"], server: server), true)
        }
        return (try TrustedKeys.read(key, server: server), false)
    }

    private func show(_ report: VerificationReport, _ isFromExport: Bool) {
        if let checkpoint = report.checkpoint {
            Terminal.print(
                Table.card([
                    ("log", checkpoint.origin),
                    ("entries", "\(report.entriesVerified) of \(checkpoint.size) as signed"),
                    ("root", "\(checkpoint.root)"),
                    ("older checkpoints", "\(report.consistentSizes.count) of \(older.count) fit"),
                    ("keys", "\(report.keyCount)"),
                    ("signed by", report.signers.map(\.identity).joined(separator: ", ")),
                ]))
        }
        for restore in report.restores { Terminal.print("restored: \(restore)") }
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
            "keys": .integer(Int64(report.keyCount)),
            "signedBy": .array(report.signers.map { .string($0.description) }),
            "restores": .array(report.restores.map { .string("\($0)") }),
            "problems": .array(report.problems.map { .string("\($0)") }),
        ])
    }
}
