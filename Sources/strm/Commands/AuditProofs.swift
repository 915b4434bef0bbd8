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
            name the directory of an export with --export: the proofs of the changes lie there.

            EXAMPLE
              strm audit verify-proof entry-17.tlog-proof --key KEY
            """)

    @Argument(help: "A file with a proof; - for standard input.") var file: String
    @Option(
        help: ArgumentHelp("A verifier key of the log, or a file that holds it.", valueName: "key"))
    var key: String?
    @Option(
        help: ArgumentHelp(
            "For a consistency proof: the checkpoint that was kept.", valueName: "file"))
    var older: String?
    @Option(
        help: ArgumentHelp("An export of the log, for its changes of key.", valueName: "directory"))
    var export: String?
    @Option(help: ArgumentHelp("The server whose key was stored by strm init.", valueName: "url"))
    var server: String?

    func run() throws {
        let bytes = try InputFile.read(file)
        let chain = try keyChain()
        do throws(ProofError) {
            if bytes.starts(with: Array(EntryProof.mark.utf8)) {
                let proof = try EntryProof(parsing: bytes)
                let (checkpoint, entry) = try proof.verified(by: chain)
                Terminal.print(
                    "entry \(proof.index) is in the signed tree of \(checkpoint.size) entries:")
                Terminal.print(Self.printable(entry))
                return
            }
            let update = try TreeUpdate(parsing: bytes)
            guard let older else {
                throw .malformed("a consistency proof needs the kept checkpoint: --older FILE")
            }
            let kept: [UInt8]
            do { kept = try InputFile.read(older) } catch {
                throw .malformed("\(older) cannot be read")
            }
            let checkpoint = try update.verified(by: chain, since: kept)
            Terminal.print(
                "the signed tree of \(checkpoint.size) entries begins with that of "
                    + "\(update.oldSize)")
        } catch {
            throw CommandFailure(.failed, "the proof does not hold: \(error)")
        }
    }

    private func keyChain() throws(CommandFailure) -> KeyChain {
        let trusted = try VerifierKeyOption.trusted(key, server: server)
        do throws(ProofError) {
            return try KeyChain(
                trusting: trusted, rotations: export.map(Self.rotations) ?? [])
        } catch {
            throw CommandFailure(.failed, "the keys of the log: \(error)")
        }
    }

    private static func rotations(_ directory: String) -> [[UInt8]] {
        var proofs: [[UInt8]] = []
        while proofs.count < KeyChain.rotationCountMax,
            let data = FileManager.default.contents(
                atPath: "\(directory)/rotations/\(proofs.count + 1)")
        {
            proofs.append(Array(data))
        }
        return proofs
    }

    /// Entries are ASCII without control characters; what comes from a file may be anything.
    private static func printable(_ entry: [UInt8]) -> String {
        String(decoding: entry.map { (0x20...0x7E).contains($0) ? $0 : 0x3F }, as: UTF8.self)
    }
}

/// Finds the verifier key that a person trusts.
enum VerifierKeyOption {
    /// What was given, else what `strm init` stored for the server.
    static func trusted(
        _ given: String?, server: String?
    ) throws(CommandFailure) -> VerifierKey {
        var text = given
        if let given, FileManager.default.fileExists(atPath: given) {
            text = try SecretFile.read(given)
        }
        if text == nil {
            let url = try ServerURL.chosen(server)
            text = try CredentialStore.standard().entries(for: url).auditVerifierKey
        }
        guard let text else {
            throw CommandFailure(
                .failed, "no verifier key is stored for this server",
                next: "--key with what strm init printed: name+hash+base64")
        }
        do { return try VerifierKey(text) } catch {
            throw CommandFailure(
                .failed, "this is not a verifier key: \(error)",
                next: "--key with what strm init printed: name+hash+base64")
        }
    }
}
