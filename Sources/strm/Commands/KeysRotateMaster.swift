import ArgumentParser
import Foundation
import Server

/// `strm keys rotate-master`: another master key in the place of the one in use.
struct KeysRotateMaster: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "rotate-master",
        abstract: "Replace the master key; no data is touched.",
        usage: "strm keys rotate-master [--to <source>] [--offline [--data <directory>]] [options]",
        discussion: """
            The keyring is sealed under the new key and its old file overwritten: copies of older \
            keyrings are worthless without the old key. Without --to, a key in a file is renewed in \
            place. With --to it is kept elsewhere from then on; a file is made if it is missing.

            The server may run; --offline works on the data directory of one that does not. A \
            command is taken with --offline alone, since it would be a program that a request runs.

            EXAMPLE
              strm keys rotate-master
              strm keys rotate-master --offline --to "command:age -d -i /etc/strm/id key.age"
            """)

    @Option(
        help: ArgumentHelp(
            "Where the new key is: file:PATH, environment:NAME or command:PROGRAM ARG….",
            valueName: "source"))
    var to: String?
    @Flag(help: "Work on the data directory of a server that does not run.") var offline = false
    @OptionGroup var directory: DataDirectoryOptions
    @OptionGroup(title: "Connection") var connection: ConnectionOptions
    @OptionGroup var output: OutputOptions

    mutating func validate() throws {
        if let to, MasterKeyCustody(to) == nil {
            throw ValidationError("--to is file:PATH, environment:NAME or command:PROGRAM ARG…")
        }
        if directory.data != nil, !offline {
            throw ValidationError("--data goes with --offline.")
        }
    }

    func run() async throws {
        let answer = offline ? try await rotateOffline() : try await rotateOnline()
        if output.output == .json { return Terminal.print(answer.text()) }
        var rows: [(String, String)] = [
            ("kept before in", answer["from"]?.cell ?? ""),
            ("kept now in", answer["custody"]?.cell ?? ""),
            ("keyring generation", answer["generation"]?.cell ?? ""),
        ]
        rows += Self.escrow(answer["escrow"])
        Terminal.print(Table.card(rows))
        guard let to else {
            let escrow = answer["escrow"]?["generation"] == nil ? "" : ", also for the escrow"
            return Terminal.note(
                "copies of the former key are worthless now\(escrow): copy the new key to where "
                    + "they were kept")
        }
        if answer["escrow"]?["behindSince"]?.string != nil {
            Terminal.note(
                "the escrow is behind and needs the former key: keep that until strm status says "
                    + "that the escrow has followed")
        }
        Terminal.note(
            "next: set \"masterKey\": \"\(to)\" in strm.json before the next start, then destroy "
                + "the former key: it opens copies of older keyrings")
    }

    /// Nothing if there is none.
    private static func escrow(_ escrow: JSONValue?) -> [(String, String)] {
        let rows: [(String, String)] = [
            ("escrow generation", escrow?["generation"]?.cell ?? ""),
            ("escrow behind since", escrow?["behindSince"]?.cell ?? ""),
        ]
        return rows.filter { !$0.1.isEmpty }
    }

    private static func wire(_ escrow: OfflineCustody.Escrow?) -> JSONValue {
        guard let escrow else { return .null }
        let generation = escrow.generation.map { JSONValue.integer(Int64(clamping: $0)) }
        let behindSince = escrow.behindSince.map { JSONValue.string($0) }
        return .object([
            "generation": generation ?? .null, "behindSince": behindSince ?? .null,
        ])
    }

    private func rotateOnline() async throws -> JSONValue {
        try await ServerClient.with(connection, .manage) { client in
            let reply = try await client.request(
                "POST", "/v1/keys/rotate-master",
                json: .object(to.map { ["to": .string($0)] } ?? [:]))
            try reply.check("replace the master key")
            return try reply.json()
        }
    }

    private func rotateOffline() async throws -> JSONValue {
        let data = directory.path
        guard FileManager.default.fileExists(atPath: "\(data)/db") else {
            throw CommandFailure(.notConfigured, "there is no installation in \(data)")
        }
        do {
            let rotation = try await OfflineCustody.rotateMaster(
                directory: data, to: to.flatMap { MasterKeyCustody($0) },
                environment: ProcessInfo.processInfo.environment)
            return .object([
                "from": .string(rotation.from), "custody": .string(rotation.to),
                "generation": .integer(Int64(clamping: rotation.generation)),
                "escrow": Self.wire(rotation.escrow),
            ])
        } catch {
            throw ServerFailure.explain(error, data: data)
        }
    }
}
