import ArgumentParser

/// `strm set purpose LEVEL`.
struct Define: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "set", abstract: "Say what a consent level stands for (dpo).",
        subcommands: [SetPurpose.self])
}

struct SetPurpose: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "purpose",
        abstract: "Give a consent level its purpose, or another one.",
        usage: """
            strm set purpose <level> --name <name> --description <text> --legal-basis <basis> \
            --owner <owner>
            """,
        discussion: """
            Events, contracts and derived streams may name only levels that have a purpose. The \
            legal basis is one of the six of article 6(1) GDPR: consent, contract, \
            legalObligation, vitalInterests, publicTask, legitimateInterests.

            EXAMPLE
              strm set purpose 1 --name Analytics --description "How the shop is used" \
                --legal-basis consent --owner "Data team"
            """)

    @Argument(help: "The consent level, 0 to 63.") var level: Int
    @Option(help: "What people call it.") var name: String
    @Option(help: ArgumentHelp("What is done with the data.", valueName: "text"))
    var description: String
    @Option(help: ArgumentHelp("Why that is lawful.", valueName: "basis")) var legalBasis: String
    @Option(help: "Who answers for it.") var owner: String
    @OptionGroup(title: "Connection") var connection: ConnectionOptions
    @OptionGroup var output: OutputOptions

    func run() async throws {
        let path = try Entity.purpose.path(String(level))
        let body: [String: JSONValue] = [
            "name": .string(name), "description": .string(description),
            "legalBasis": .string(legalBasis), "owner": .string(owner),
        ]
        try await ServerClient.with(connection, .definePurposes) { client in
            let reply = try await client.request("PUT", path, json: .object(body))
            try reply.check("set the purpose")
            Entity.purpose.show(try reply.json(), as: output.output)
        }
    }
}

struct GetPurpose: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "purpose", abstract: "Show what a consent level stands for.",
        discussion: "EXAMPLE\n  strm get purpose 1")
    @Argument(help: "The consent level.") var level: Int
    @OptionGroup(title: "Connection") var connection: ConnectionOptions
    @OptionGroup var output: OutputOptions
    func run() async throws { try await Entity.purpose.get(String(level), connection, output) }
}

struct ListPurposes: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "purposes", abstract: "List what consent levels stand for.",
        aliases: ["purpose"])
    @OptionGroup(title: "Connection") var connection: ConnectionOptions
    @OptionGroup var output: OutputOptions
    func run() async throws { try await Entity.purpose.list(connection, output) }
}

struct DeletePurpose: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "purpose",
        abstract: "Delete the purpose of a level that no contract and no derived stream uses.",
        discussion: "EXAMPLE\n  strm delete purpose 7")
    @Argument(help: "The consent level.") var level: Int
    @OptionGroup(title: "Connection") var connection: ConnectionOptions
    func run() async throws { try await Entity.purpose.delete(String(level), connection) }
}
