import ArgumentParser

/// `strm get contract|stream|purpose|client|connector|batch-exporter NAME`.
struct Get: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Show one contract, stream, purpose, client, connector or exporter.",
        subcommands: [
            GetContract.self, GetStream.self, GetPurpose.self, GetClient.self, GetConnector.self,
            GetBatchExporter.self,
        ])
}

/// `strm list contracts|streams|purposes|clients|connectors|batch-exporters`.
struct List: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "List contracts, streams, purposes, clients, connectors or exporters.",
        subcommands: [
            ListContracts.self, ListStreams.self, ListPurposes.self, ListClients.self,
            ListConnectors.self,
            ListBatchExporters.self,
        ])
}

/// `strm delete contract|stream|purpose|client|connector|batch-exporter NAME`.
struct Delete: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract:
            "Delete a draft contract, a stream, a purpose, a client, a connector or an exporter.",
        subcommands: [
            DeleteContract.self, DeleteStream.self, DeletePurpose.self, DeleteClient.self,
            DeleteConnector.self,
            DeleteBatchExporter.self,
        ])
}

struct GetContract: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "contract", abstract: "Show a contract and its document.",
        discussion: "EXAMPLE\n  strm get contract example/clickstream/1.0.0")
    @Argument(help: "handle/name/version.") var ref: String
    @OptionGroup(title: "Connection") var connection: ConnectionOptions
    @OptionGroup var output: OutputOptions
    func run() async throws { try await Entity.contract.get(ref, connection, output) }
}

struct GetStream: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "stream", abstract: "Show a stream or derived stream.",
        discussion: "EXAMPLE\n  strm get stream demo-1-4")
    @Argument(help: "Its name.") var name: String
    @OptionGroup(title: "Connection") var connection: ConnectionOptions
    @OptionGroup var output: OutputOptions
    func run() async throws { try await Entity.stream.get(name, connection, output) }
}

struct GetClient: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "client", abstract: "Show a client; never its secret.",
        discussion: "EXAMPLE\n  strm get client 6f1c0d…")
    @Argument(help: "Its id.") var id: String
    @OptionGroup(title: "Connection") var connection: ConnectionOptions
    @OptionGroup var output: OutputOptions
    func run() async throws { try await Entity.client.get(id, connection, output) }
}

struct ListContracts: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "contracts", abstract: "List contracts.", aliases: ["contract"])
    @OptionGroup(title: "Connection") var connection: ConnectionOptions
    @OptionGroup var output: OutputOptions
    func run() async throws { try await Entity.contract.list(connection, output) }
}

struct ListStreams: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "streams", abstract: "List streams and derived streams.",
        aliases: ["stream"])
    @OptionGroup(title: "Connection") var connection: ConnectionOptions
    @OptionGroup var output: OutputOptions
    func run() async throws { try await Entity.stream.list(connection, output) }
}

struct ListClients: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "clients", abstract: "List clients; never their secrets.",
        aliases: ["client"])
    @OptionGroup(title: "Connection") var connection: ConnectionOptions
    @OptionGroup var output: OutputOptions
    func run() async throws { try await Entity.client.list(connection, output) }
}

struct DeleteContract: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "contract",
        abstract: "Delete a draft. An active contract is archived instead.",
        discussion: "EXAMPLE\n  strm delete contract example/clickstream/1.1.0")
    @Argument(help: "handle/name/version.") var ref: String
    @OptionGroup(title: "Connection") var connection: ConnectionOptions
    func run() async throws { try await Entity.contract.delete(ref, connection) }
}

struct DeleteStream: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "stream",
        abstract: "Delete a stream that has no derived streams, or a derived stream.",
        discussion: "EXAMPLE\n  strm delete stream demo-1-4")
    @Argument(help: "Its name.") var name: String
    @OptionGroup(title: "Connection") var connection: ConnectionOptions
    func run() async throws { try await Entity.stream.delete(name, connection) }
}

struct DeleteClient: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "client", abstract: "Delete a client: its secret is worthless from now on.",
        discussion: "EXAMPLE\n  strm delete client 6f1c0d…")
    @Argument(help: "Its id.") var id: String
    @OptionGroup(title: "Connection") var connection: ConnectionOptions
    func run() async throws { try await Entity.client.delete(id, connection) }
}
