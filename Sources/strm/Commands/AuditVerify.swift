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
            It stays good when the log changes its key: the export proves each change. Of several \
            keys, all must be the log's: what only a replaced key signed is not taken.

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
    @Flag(help: "Take the key in the export if no other is known: it proves only that it is whole.")
    var trustExportKey = false
    @Option(help: ArgumentHelp("The server whose key was stored by strm init.", valueName: "url"))
    var server: String?
    @OptionGroup var output: OutputOptions

    func run() throws {
        var isDirectory: ObjCBool = false
        guard FileManager.default.fileExists(atPath: directory, isDirectory: &isDirectory),
            isDirectory.boolValue
        else { throw CommandFailure.cannotRead(directory, reason: "there is no such directory") }
        let (keys, isFromExport) = try knownKeys()
        let kept = try older.map { path in try InputFile.read(path) }
        let report = LogVerifier.verify(directory: directory, keys: keys, olderCheckpoints: kept)
        let isTrusted = !isFromExport || trustExportKey
        switch output.output {
        case .json: Terminal.print(json(report, isFromExport: isFromExport).text())
        case .table: show(report, isTrusted: isTrusted)
        }
        if report.isIntact, let note = report.changeNote { Terminal.note(note) }
        if isFromExport {
            Terminal.note(
                "the key came with the export, so this proves that the log is whole, not whose it "
                    + "is: give the key that strm init printed with --key"
                    + (trustExportKey ? "" : ", or say --trust-export-key"))
        }
        guard report.isIntact, isTrusted else {
            let signers = LogKeys.signers(
                FileManager.default.contents(atPath: "\(directory)/checkpoint") ?? Data())
            if report.checkpoint == nil, !signers.isEmpty, keys.isUnknown(signers) {
                throw LogKeys.unknown(signers)
            }
            throw ExitCode(CommandFailure.Status.failed.rawValue)
        }
    }

    /// And whether they come from the export itself, which proves less.
    private func knownKeys() throws(CommandFailure) -> (KnownKeys, Bool) {
        guard key.isEmpty, try !TrustedKeys.areStored(server) else {
            return (try TrustedKeys.read(key, server: server), false)
        }
        return (try TrustedKeys.read(["\(directory)/verifier-key"], server: server), true)
    }

    private func show(_ report: VerificationReport, isTrusted: Bool) {
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
        guard report.isIntact else { return Terminal.print("NOT INTACT") }
        Terminal.print(isTrusted ? "intact" : "NOT VERIFIED: whole, by the key that came with it")
    }

    private func json(_ report: VerificationReport, isFromExport: Bool) -> JSONValue {
        .object([
            "intact": .boolean(report.isIntact && (!isFromExport || trustExportKey)),
            "keyFromExport": .boolean(isFromExport),
            "changedSince": report.changedSince.map { .integer(Int64(clamping: $0)) } ?? .null,
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
