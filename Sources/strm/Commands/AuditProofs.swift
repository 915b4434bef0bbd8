import ArgumentParser
import AuditProof
import Foundation

/// `strm audit prove-entry`: an inclusion proof that can be kept and given away.
struct AuditProveEntry: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "prove-entry",
        abstract: "Get the proof that an entry is in the audit log.",
        usage: "strm audit prove-entry <number> [--size <entries>] [options]",
        discussion: """
            Prints a proof in C2SP's tlog-proof format: the entry, the hashes that lead from it to \
            the signed root, and the checkpoint. It is verified offline, by strm audit verify-proof \
            or any other tool.

            EXAMPLE
              strm audit prove-entry 17 > entry-17.tlog-proof
            """)

    @Argument(help: "The entry's number, n in the log.") var number: UInt64
    @Option(
        help: ArgumentHelp(
            "Of the tree of this size (default: the log as it is now).", valueName: "entries"))
    var size: UInt64?
    @OptionGroup(title: "Connection") var connection: ConnectionOptions

    func run() async throws {
        let query = "entry=\(number)" + (size.map { "&size=\($0)" } ?? "")
        try await ServerClient.with(connection, .audit) { client in
            let reply = try await client.request("GET", "/v1/audit/proofs/inclusion?\(query)")
            try reply.check("prove entry \(number)")
            Terminal.print(String(decoding: reply.body.dropLast(), as: UTF8.self))
        }
    }
}

/// `strm audit prove-consistency`: that nothing was changed since a checkpoint.
struct AuditProveConsistency: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "prove-consistency",
        abstract: "Get the proof that the audit log only grew since a checkpoint.",
        usage: "strm audit prove-consistency <from> [--to <entries>] [options]",
        discussion: """
            Prints the size of the older tree, the hashes of the proof and the newer checkpoint, \
            in the form in which C2SP's tlog-witness sends them. strm audit verify-proof verifies \
            it against the older checkpoint that you kept.

            EXAMPLE
              strm audit prove-consistency 1200 > since-1200
              strm audit verify-proof since-1200 --older kept-checkpoint
            """)

    @Argument(help: "Entries of the older tree: the second line of its checkpoint.")
    var from: UInt64
    @Option(
        help: ArgumentHelp(
            "Entries of the newer tree (default: the log as it is now).", valueName: "entries"))
    var to: UInt64?
    @OptionGroup(title: "Connection") var connection: ConnectionOptions

    func run() async throws {
        let query = "from=\(from)" + (to.map { "&to=\($0)" } ?? "")
        try await ServerClient.with(connection, .audit) { client in
            let reply = try await client.request("GET", "/v1/audit/proofs/consistency?\(query)")
            try reply.check("prove consistency")
            Terminal.print(String(decoding: reply.body.dropLast(), as: UTF8.self))
        }
    }
}

/// `strm audit verify-proof`: offline.
struct AuditVerifyProof: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "verify-proof",
        abstract: "Check a proof about the audit log, offline.",
        usage: "strm audit verify-proof <file> [--key <key>] [--older <file>] [options]",
        discussion: """
            Takes what prove-entry and prove-consistency print. The key is what strm init printed; \
            on the machine where it ran it is found by itself. If the log changed its key since, \
            name an export with --export, where the proofs of the changes lie. Without one, and \
            without stored proofs, the last key that is given counts alone: give the newest last.

            EXAMPLE
              strm audit verify-proof entry-17.tlog-proof --key KEY
            """)

    @Argument(help: "A file with a proof; - for standard input.") var file: String
    @OptionGroup var keys: LogKeyOptions
    @Option(
        help: ArgumentHelp(
            "For a consistency proof: the checkpoint that was kept.", valueName: "file"))
    var older: String?
    @Option(help: ArgumentHelp("The server whose key was stored by strm init.", valueName: "url"))
    var server: String?

    func run() throws {
        let bytes = try InputFile.read(file)
        let isOfEntry = bytes.starts(with: Array(EntryProof.mark.utf8))
        guard isOfEntry == (older == nil) else {
            throw ValidationError(
                isOfEntry
                    ? "A proof of an entry says nothing of a checkpoint that was kept: leave out "
                        + "--older."
                    : "A consistency proof needs the checkpoint that was kept: --older FILE.")
        }
        let kept = try older.map { try InputFile.read($0) }
        let keys = try keys.keys(at: server)
        do throws(ProofError) {
            for line in try lines(bytes, kept, keys) { Terminal.print(line) }
        } catch .checkpoint(.note(.notSigned)) {
            let notes = [proofNote(bytes)] + (kept.map { [$0] } ?? [])
            let known = Set(keys.all.map(\.identity))
            let signers = notes.map { LogKeys.signers($0) }
            // The first of the notes that none of the keys signed; else one signed by an older key.
            guard let unknown = signers.first(where: { known.isDisjoint(with: $0) }) else {
                let counting = Set(keys.chain.terms.map(\.key.identity))
                throw LogKeys.replaced(
                    signers.first { counting.isDisjoint(with: $0) } ?? signers.flatMap { $0 })
            }
            throw LogKeys.unknown(unknown)
        } catch {
            throw CommandFailure(.failed, "the proof does not hold: \(error)")
        }
    }

    /// - Parameter kept: nil: it is the proof of an entry.
    private func lines(
        _ bytes: [UInt8], _ kept: [UInt8]?, _ keys: LogKeys
    ) throws(ProofError) -> [String] {
        guard let kept else {
            let proof = try EntryProof(parsing: bytes)
            let (checkpoint, entry) = try proof.verified(by: keys.chain)
            let signers = keys.chain.signers(of: proof.note).map(\.identity)
            return [
                "signed by \(signers.joined(separator: ", "))",
                "entry \(proof.index) is in the signed tree of \(checkpoint.size) entries:",
                Self.printable(entry),
            ]
        }
        let update = try TreeUpdate(parsing: bytes)
        let checkpoint = try update.verified(by: keys.chain, since: kept)
        return [
            "the signed tree of \(checkpoint.size) entries begins with that of \(update.oldSize)"
        ]
    }

    /// The signed note of whichever proof it is; empty if it is none.
    private func proofNote(_ bytes: [UInt8]) -> [UInt8] {
        (try? EntryProof(parsing: bytes))?.note ?? (try? TreeUpdate(parsing: bytes))?.note ?? []
    }

    /// Entries are ASCII without control characters; what comes from a file may be anything.
    private static func printable(_ entry: [UInt8]) -> String {
        String(decoding: entry.map { (0x20...0x7E).contains($0) ? $0 : 0x3F }, as: UTF8.self)
    }
}
