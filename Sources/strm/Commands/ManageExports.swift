import ArgumentParser

struct GetConnector: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "connector", abstract: "Show a connector; never its credentials.",
        discussion: "EXAMPLE\n  strm get connector lake")
    @Argument(help: "Its name.") var name: String
    @OptionGroup(title: "Connection") var connection: ConnectionOptions
    @OptionGroup var output: OutputOptions
    func run() async throws { try await Entity.connector.get(name, connection, output) }
}

struct GetBatchExporter: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "batch-exporter",
        abstract: "Show an exporter: how far it is, what fails, and when events would be lost.",
        discussion: "EXAMPLE\n  strm get batch-exporter demo-lake")
    @Argument(help: "Its name.") var name: String
    @OptionGroup(title: "Connection") var connection: ConnectionOptions
    @OptionGroup var output: OutputOptions
    func run() async throws { try await Entity.batchExporter.get(name, connection, output) }
}

struct ListConnectors: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "connectors", abstract: "List connectors; never their credentials.",
        aliases: ["connector"])
    @OptionGroup(title: "Connection") var connection: ConnectionOptions
    @OptionGroup var output: OutputOptions
    func run() async throws { try await Entity.connector.list(connection, output) }
}

struct ListBatchExporters: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "batch-exporters",
        abstract: "List exporters, with their state and the events they are behind.",
        aliases: ["batch-exporter"])
    @OptionGroup(title: "Connection") var connection: ConnectionOptions
    @OptionGroup var output: OutputOptions
    func run() async throws { try await Entity.batchExporter.list(connection, output) }
}

struct DeleteConnector: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "connector",
        abstract: "Delete a connector that no exporter uses; its bucket stays as it is.",
        discussion: "EXAMPLE\n  strm delete connector lake")
    @Argument(help: "Its name.") var name: String
    @OptionGroup(title: "Connection") var connection: ConnectionOptions
    func run() async throws { try await Entity.connector.delete(name, connection) }
}

struct DeleteBatchExporter: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "batch-exporter",
        abstract: "Delete an exporter and its position; its objects stay in the bucket.",
        discussion: """
            One that is made again under the same name does not know how far this one was: it \
            begins where the stream ends, or at the first event with --include-existing-events.

            EXAMPLE
              strm delete batch-exporter demo-lake
            """)
    @Argument(help: "Its name.") var name: String
    @OptionGroup(title: "Connection") var connection: ConnectionOptions
    func run() async throws { try await Entity.batchExporter.delete(name, connection) }
}
