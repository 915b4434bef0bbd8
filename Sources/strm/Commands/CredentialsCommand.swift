import ArgumentParser

/// `strm credentials add|list|remove`: what is kept on this machine.
struct CredentialsCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "credentials",
        abstract: "The credentials that are stored on this machine.",
        subcommands: [CredentialsAdd.self, CredentialsList.self, CredentialsRemove.self])
}

struct CredentialsAdd: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "add",
        abstract: "Store the credentials that somebody gave you.",
        usage: """
            strm credentials add <name> --client-id <id> --client-secret-file <file>
                                 --role <role> [--scope <stream>] [options]
            """,
        discussion: """
            They are tried first: what the server does not accept is not stored. The secret comes \
            from a file or from standard input, never from the command line.

            EXAMPLE
              strm credentials add demo-1-4 --client-id ID --client-secret-file - --role reader \\
                --scope demo-1-4
            """)

    @Argument(help: "The name to store them under.") var name: String
    @Option(help: "sender, reader, stream-owner, author, auditor, dpo or administrator.")
    var role: ClientRole
    @Option(
        help: ArgumentHelp("The stream or derived stream that they are for.", valueName: "stream"))
    var scope: String?
    @OptionGroup(title: "Connection") var connection: ConnectionOptions

    mutating func validate() throws {
        guard connection.clientId != nil else {
            throw ValidationError("--client-id ID and --client-secret-file FILE are needed.")
        }
        guard role.needsScope == (scope != nil) else {
            throw ValidationError(
                role.needsScope
                    ? "A \(role.rawValue) needs --scope STREAM."
                    : "A role like \(role.rawValue) has no --scope.")
        }
    }

    func run() async throws {
        try await ServerClient.with(connection, .manage) { client in
            _ = try await client.accessToken()
            var credential = client.credential
            credential.role = role.wireName
            credential.scope = scope
            let store = CredentialStore.standard()
            try store.store(credential, named: name, at: client.server)
            Terminal.note("stored in \(store.path)")
        }
    }
}

struct CredentialsList: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "list", abstract: "List what is stored for a server; never the secrets.")
    @Option(help: ArgumentHelp("The server.", valueName: "url")) var server: String?
    @OptionGroup var output: OutputOptions

    func run() throws {
        let server = try ServerURL.chosen(server)
        let store = CredentialStore.standard()
        let entries = try store.entries(for: server).clients.sorted { $0.key < $1.key }
        switch output.output {
        case .json:
            let items = entries.map { name, credential in
                JSONValue.object([
                    "name": .string(name), "clientId": .string(credential.clientId),
                    "role": credential.role.map { .string($0) } ?? .null,
                    "scope": credential.scope.map { .string($0) } ?? .null,
                ])
            }
            Terminal.print(JSONValue.object(["items": .array(items)]).text())
        case .table:
            var table = Table(["name", "role", "scope", "clientId"])
            for (name, credential) in entries {
                table.add([
                    name, credential.role ?? "", credential.scope ?? "", credential.clientId,
                ])
            }
            Terminal.print(table.text)
            Terminal.note("from \(store.path), for \(server)")
        }
    }
}

struct CredentialsRemove: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "remove",
        abstract: "Forget stored credentials. The client stays: strm delete client ends it.")
    @Argument(help: "The name that they are stored under.") var name: String
    @Option(help: ArgumentHelp("The server.", valueName: "url")) var server: String?

    func run() throws {
        let server = try ServerURL.chosen(server)
        guard try !CredentialStore.standard().forget(name: name, at: server).isEmpty else {
            throw CommandFailure(
                .failed, "nothing is stored under \(name) for \(server)",
                next: "strm credentials list")
        }
    }
}
