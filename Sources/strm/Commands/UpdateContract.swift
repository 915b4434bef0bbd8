import ArgumentParser

/// `strm update contract FILE`.
struct Update: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Replace the text of a draft contract.", subcommands: [UpdateContract.self])
}

struct UpdateContract: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "contract",
        abstract: "Replace the text of a draft: what a rejection asked for.",
        discussion: """
            Only a draft can be changed, and its reference stays.

            EXAMPLE
              strm update contract clickstream.json example/clickstream/1.0.0
            """)
    @Argument(help: "The contract document; - reads standard input.") var file: String
    @Argument(help: "handle/name/version of the draft.") var ref: String
    @OptionGroup(title: "Connection") var connection: ConnectionOptions
    @OptionGroup var output: OutputOptions

    func run() async throws {
        let document = try InputFile.read(file)
        let path = try Entity.contract.path(ref)
        try await ServerClient.with(connection, .write) { client in
            let reply = try await client.request(
                "PUT", path, body: document,
                contentType: ContractFile.contentType(document))
            try reply.check("replace the draft")
            let contract = try reply.json()
            Entity.contract.show(contract, as: output.output)
            if output.output == .table { ContractAct.noteNext(contract) }
        }
    }
}
