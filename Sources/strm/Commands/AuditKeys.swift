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

            --store keeps them on this machine, with the proofs of their changes. If a key of this \
            server is stored already, they must follow from it. If none is, the server is believed \
            this once: compare the first one with what strm init printed.

            EXAMPLE
              strm audit keys
              strm audit keys --store
              strm audit keys --output json
            """)

    @Flag(help: "Store them on this machine; on the server's word alone if none is stored yet.")
    var store = false
    @OptionGroup(title: "Connection") var connection: ConnectionOptions
    @OptionGroup var output: OutputOptions

    func run() async throws {
        try await ServerClient.with(connection, .audit) { client in
            let reply = try await client.request("GET", "/v1/audit/verifier-keys")
            try reply.check("read the keys of the audit log")
            show(try reply.json())
            if store { try keep(try await OfferedKeys.fetch(client)) }
        }
    }

    private func show(_ answer: JSONValue) {
        guard output.output == .table else { return Terminal.print(answer.text()) }
        var table = Table(["key", "number", "fromEntry", "isCurrent"])
        for item in answer["items"]?.array ?? [] {
            table.add(["key", "number", "fromEntry", "isCurrent"].map { item[$0]?.cell ?? "" })
        }
        Terminal.print(table.text)
    }

    private func keep(_ offered: OfferedKeys) throws(CommandFailure) {
        guard let known = try KeyMemory.known(at: connection.server) else {
            let keys = try KeyMemory.trust(offered, at: connection.server)
            return Terminal.note(
                "stored on this machine, on the word of this server alone: compare the first key "
                    + "with what strm init printed\n  \(Table.printable(keys[0]))")
        }
        let isNew = try KeyMemory.learn(offered, knowing: known, at: connection.server)
        Terminal.note(
            isNew
                ? "stored on this machine: they follow from the key that was stored already"
                : "they were stored on this machine already")
    }
}
