import ArgumentParser
import AuditProof
import Foundation

/// `strm keys rotate-signing`: another key for the audit log.
struct KeysRotateSigning: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "rotate-signing",
        abstract: "Let another key sign the audit log, manifests and receipts.",
        usage: "strm keys rotate-signing [--overlap-days <days>] [options]",
        discussion: """
            The new key is named by an entry of the log that the old key signs, so whoever has the \
            key of strm init follows: verify needs no other. Witnesses and tools that know one key \
            alone must be given the new one within the overlap, during which both sign checkpoints.

            EXAMPLE
              strm keys rotate-signing --overlap-days 30
            """)

    @Option(
        help: ArgumentHelp(
            "How long the old key signs checkpoints too, 0 to 365.", valueName: "days"))
    var overlapDays = 30
    @OptionGroup(title: "Connection") var connection: ConnectionOptions
    @OptionGroup var output: OutputOptions

    mutating func validate() throws {
        guard (0...365).contains(overlapDays) else {
            throw ValidationError("--overlap-days is 0 to 365.")
        }
    }

    func run() async throws {
        // What is stored here and cannot be read must be told before anything is changed.
        let known = try KeyMemory.known(at: connection.server)
        try await ServerClient.with(connection, .manage) { client in
            let reply = try await client.request(
                "POST", "/v1/keys/rotate-signing",
                json: .object(["overlapDays": .integer(Int64(overlapDays))]))
            try reply.check("change the signing key")
            let answer: JSONValue
            do throws(CommandFailure) {
                answer = try reply.json()
            } catch {
                throw CommandFailure(
                    .failed, "the key WAS changed, but \(error.message)",
                    next: "strm audit keys shows the new one")
            }
            // First of all: whatever fails from here on, the key is changed.
            show(answer)
            let isStored = try await remember(answer["key"]?.string ?? "", known, client)
            guard output.output == .table else { return }
            Terminal.note(
                "keep the new key too, beside that of strm init: receipts, backups, manifests and "
                    + "proofs are signed by it from now on"
                    + (isStored
                        ? " (it is stored on this machine)"
                        : "; strm audit keys --store keeps it on this machine"))
            Terminal.note(
                "strm audit verify follows from any of them; give witnesses the new one")
        }
    }

    private func show(_ answer: JSONValue) {
        switch output.output {
        case .json: Terminal.print(answer.text())
        case .table:
            func cell(_ name: String) -> String {
                answer[name].map { Entity.cell(name, $0) } ?? ""
            }
            Terminal.print(
                Table.card([
                    ("key", cell("key")), ("number", cell("number")),
                    ("named by entry", cell("entry")), ("before it", cell("previous")),
                    ("both sign for", "\(overlapDays) days"),
                ]))
        }
    }

    /// Stores the keys that follow from the pinned one, and the proofs, if the log proves it and
    /// contradicts nothing that is stored already.
    /// - Returns: whether they are stored; not if no key is pinned here.
    /// - Throws: always `failed`, and no status that asks for another try: that makes another key.
    private func remember(
        _ key: String, _ known: KnownKeys?, _ client: ServerClient
    ) async throws -> Bool {
        guard let known else { return false }
        do {
            let offered = try await OfferedKeys.fetch(client)
            _ = try KeyMemory.learn(offered, knowing: known, at: connection.server)
            return true
        } catch {
            let reason = (error as? CommandFailure)?.message ?? "\(error)"
            throw CommandFailure(
                .failed,
                "the key WAS changed, to \(key), but that is not stored on this machine: \(reason)",
                next: "keep the new key, and do not change it again for this: strm audit keys "
                    + "--store stores it, or says what is wrong")
        }
    }
}
