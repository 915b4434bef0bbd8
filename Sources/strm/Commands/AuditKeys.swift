import ArgumentParser
import Foundation

/// `strm audit keys`: the public keys that the audit log had.
struct AuditKeys: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "keys",
        abstract: "The verifier keys of the audit log, and since when each signs.",
        discussion: """
            Public keys, to be kept where the server's operator cannot change them. That a key \
            follows from the one of strm init is proven by an export, not by this list.

            EXAMPLE
              strm audit keys
              strm audit keys --output json
            """)

    @OptionGroup(title: "Connection") var connection: ConnectionOptions
    @OptionGroup var output: OutputOptions

    func run() async throws {
        let answer = try await ServerClient.with(connection, .audit) { client in
            let reply = try await client.request("GET", "/v1/audit/verifier-keys")
            try reply.check("read the keys of the audit log")
            return try reply.json()
        }
        guard output.output == .table else { return Terminal.print(answer.text()) }
        var table = Table(["key", "number", "fromEntry", "isCurrent"])
        for item in answer["items"]?.array ?? [] {
            table.add(["key", "number", "fromEntry", "isCurrent"].map { item[$0]?.cell ?? "" })
        }
        Terminal.print(table.text)
    }
}
