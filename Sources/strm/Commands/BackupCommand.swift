import ArgumentParser
import AuditProof
import Foundation
import Server

/// `strm backup create|list|verify`.
struct BackupCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "backup",
        abstract: "Copies of the database that the server makes while it runs.",
        discussion: "docs/backup.md says what is in one, what is not, and how to come back.",
        subcommands: [BackupCreate.self, BackupList.self, BackupVerify.self])

    static let columns = ["name", "state", "createdAt", "events", "bytes", "madeBy", "problem"]

    static func cells(_ item: JSONValue) -> [String] {
        columns.map { column in item[column].map { Entity.cell(column, $0) } ?? "" }
    }

    /// Asks until the backup is not busy any more.
    static func waits(
        for name: String, _ client: ServerClient, isBusy: (JSONValue) -> Bool
    ) async throws -> JSONValue {
        while true {
            let reply = try await client.request("GET", "/v1/backups/\(Entity.escape(name))")
            try reply.check("look at the backup")
            let backup = try reply.json()
            guard isBusy(backup) else { return backup }
            try await Task.sleep(for: .milliseconds(200))
        }
    }

    static func show(_ backup: JSONValue, _ output: OutputOptions, done: String) throws {
        switch output.output {
        case .json: Terminal.print(backup.text())
        case .table:
            Terminal.print(
                Table.card(
                    columns.compactMap { column in
                        backup[column].map { (Table.words(column), Entity.cell(column, $0)) }
                    }))
        }
        guard backup["state"]?.string == "whole" else {
            throw CommandFailure(.failed, backup["problem"]?.string ?? "the backup failed")
        }
        if output.output == .table { Terminal.note(done) }
    }
}

struct BackupCreate: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "create",
        abstract: "Make a backup, check it, and wait until that is done.",
        discussion: """
            The server writes it into the directory that its setting backups.directory names, \
            under a name of its own. Senders and readers go on meanwhile.

            EXAMPLE
              strm backup create
            """)
    @OptionGroup(title: "Connection") var connection: ConnectionOptions
    @OptionGroup var output: OutputOptions

    func run() async throws {
        let backup = try await ServerClient.with(connection, .manage) { client in
            let begun = try await client.request("POST", "/v1/backups")
            try begun.check("make a backup")
            guard let name = try begun.json()["name"]?.string else {
                throw CommandFailure(.failed, "the answer has no name")
            }
            return try await BackupCommand.waits(for: name, client) {
                $0["state"]?.string == "making"
            }
        }
        try BackupCommand.show(
            backup, output, done: "next: copy it to another machine; strm backup list")
    }
}

struct BackupList: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "list", abstract: "List backups, the newest first.")
    @OptionGroup(title: "Connection") var connection: ConnectionOptions
    @OptionGroup var output: OutputOptions

    func run() async throws {
        let answer = try await ServerClient.with(connection, .manage) { client in
            let reply = try await client.request("GET", "/v1/backups")
            try reply.check("list backups")
            return try reply.json()
        }
        guard output.output == .table else { return Terminal.print(answer.text()) }
        var table = Table(BackupCommand.columns)
        for item in answer["items"]?.array ?? [] { table.add(BackupCommand.cells(item)) }
        Terminal.print(table.text)
    }
}

struct BackupVerify: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "verify",
        abstract: "Read a backup again and check all of it.",
        usage:
            "strm backup verify <name>\n       strm backup verify <directory> [--key <key> ...] [--export <directory>]",
        discussion: """
            A name is checked by the server, where it lies. A directory (with a slash in it) is \
            checked here, without a server and without a secret: with the verifier key that strm init \
            printed, which is found by itself on the machine where it ran.

            EXAMPLE
              strm backup verify 20261129T195000Z-3f9a2c
              strm backup verify /mnt/copies/20261129T195000Z-3f9a2c --key KEY
            """)
    @Argument(help: "The name of a backup, or a directory.") var backup: String
    @OptionGroup var keys: LogKeyOptions
    @OptionGroup(title: "Connection") var connection: ConnectionOptions
    @OptionGroup var output: OutputOptions

    func run() async throws {
        if backup.contains("/") { return try verifyDirectory() }
        let result = try await ServerClient.with(connection, .manage) { [backup] client in
            let path = "/v1/backups/\(Entity.escape(backup))"
            let begun = try await client.request("POST", "\(path)/verify")
            try begun.check("check the backup")
            return try await BackupCommand.waits(for: backup, client) {
                $0["isVerifying"] == .boolean(true)
            }
        }
        try BackupCommand.show(result, output, done: "intact")
    }

    private func verifyDirectory() throws {
        let keys = try keys.keys(at: connection.server).named("streammachine.dev/backups")
        let summary = try summary(keys)
        switch output.output {
        case .json: Terminal.print(try JSONValue(parsing: summary.json).text())
        case .table:
            Terminal.print(
                Table.card([
                    ("name", summary.name), ("created at", summary.createdAt),
                    ("events", String(summary.events)), ("bytes", String(summary.bytes)),
                    ("audit size", String(summary.auditSize)),
                    ("audit root", summary.auditRoot),
                ]))
            Terminal.note("intact")
        }
    }

    private func summary(_ keys: [VerifierKey]) throws(CommandFailure) -> BackupSummary {
        // Its own words for the usual case: genuine, of a key that is not known here.
        if let line = FileManager.default.contents(atPath: "\(backup)/manifest.json")
            .flatMap({ try? JSONValue(parsing: $0) })?["signature"]?.string
        {
            let signers = LogKeys.signers(Array("-\n\n\(line)\n".utf8))
            if !signers.isEmpty, Set(keys.map(\.identity)).isDisjoint(with: signers) {
                throw LogKeys.unknown(signers)
            }
        }
        do {
            return try BackupSummary(verifying: backup, keys: keys)
        } catch {
            throw CommandFailure(.failed, error.description)
        }
    }
}
