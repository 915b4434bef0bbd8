import ArgumentParser
import AuditProof
import Foundation

struct AuditExport: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "export",
        abstract: "Copy the audit log, with its signed checkpoint, into a directory.",
        usage: "strm audit export <directory> [options]",
        discussion: """
            The files are in C2SP's tlog-tiles format; any tool for it can check them. A directory \
            that holds an earlier export is brought up to date. If a key of the log is stored on \
            this machine, the keys that followed from it are stored too, with the proofs.

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
            let offered = try await OfferedKeys.fetch(client)
            var keys: [VerifierKey] = []
            let checkpoint: Checkpoint
            let chain: KeyChain
            do {
                chain = try KeyChain(
                    trusting: try VerifierKey(offered.current), rotations: offered.rotations)
                checkpoint = try chain.checkpoint(note)
                // A change of the key behind this checkpoint belongs to the next export.
                keys = chain.terms.filter { $0.from <= checkpoint.size }.map(\.key)
            } catch {
                throw CommandFailure(.failed, "the checkpoint does not fit the log's key: \(error)")
            }
            try await compareWithEarlier(client, checkpoint, chain)
            let tiles = TilePaths(size: checkpoint.size)
            for tile in tiles {
                let path = tile.description
                // A full tile never changes, so one that is there already is not fetched again.
                if tile.isFull, exists(path) { continue }
                try write(try await Self.fetch(path, client), to: path)
            }
            removePartialTiles(except: Set(tiles.partial.map { $0.description }))
            for (place, proof) in offered.rotations.prefix(keys.count - 1).enumerated() {
                try write(proof, to: "rotations/\(place + 1)")
            }
            try write(
                Array("\(keys.last?.description ?? offered.current)\n".utf8), to: "verifier-key")
            // The checkpoint comes last: an export that breaks off is still an older, whole one.
            try write(note, to: "checkpoint")
            remember(offered)
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

    /// The log must begin with the one whose checkpoint lies here already, before anything of it is
    /// written over.
    private func compareWithEarlier(
        _ client: ServerClient, _ checkpoint: Checkpoint, _ chain: KeyChain
    ) async throws {
        guard exists("checkpoint") else { return }
        let kept = try InputFile.read("\(directory)/checkpoint")
        do {
            let older = try chain.checkpoint(kept)
            guard older.size <= checkpoint.size else {
                throw ProofError.notConsistent(oldSize: older.size, newSize: checkpoint.size)
            }
            let reply = try await client.request(
                "GET", "/v1/audit/proofs/consistency?from=\(older.size)&to=\(checkpoint.size)")
            try reply.check("prove that the log only grew")
            let newer = try TreeUpdate(parsing: reply.body).verified(by: chain, since: kept)
            guard newer == checkpoint else {
                throw ProofError.notConsistent(oldSize: older.size, newSize: checkpoint.size)
            }
        } catch let failure as CommandFailure {
            throw failure
        } catch let error where error is ProofError || error is CheckpointError {
            throw CommandFailure(
                .failed,
                "the checkpoint in \(directory) does not fit the log: \(error). The log was forked, "
                    + "or a backup was brought back; \(directory) was left as it is",
                next: "export into another directory; strm audit verify it with --older "
                    + "\(directory)/checkpoint")
        }
    }

    /// Keeps the keys of a log of which one is known here. The export is whole whatever comes of
    /// it: also one of another log is worth having, as evidence.
    private func remember(_ offered: OfferedKeys) {
        do throws(CommandFailure) {
            guard let known = try KeyMemory.known(at: connection.server),
                try KeyMemory.learn(offered, knowing: known, at: connection.server)
            else { return }
            Terminal.note(
                "the keys of the log, and the proofs of their changes, are stored on this machine")
        } catch {
            Terminal.note(
                "the keys of this log are not stored on this machine: "
                    + Table.printable(error.message))
        }
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
