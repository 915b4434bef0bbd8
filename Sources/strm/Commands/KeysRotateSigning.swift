import ArgumentParser
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
        try await ServerClient.with(connection, .manage) { client in
            let reply = try await client.request(
                "POST", "/v1/keys/rotate-signing",
                json: .object(["overlapDays": .integer(Int64(overlapDays))]))
            try reply.check("change the signing key")
            let answer = try reply.json()
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
                Terminal.note(
                    "the key of strm init stays good for verify; give witnesses the new one")
            }
        }
    }
}
