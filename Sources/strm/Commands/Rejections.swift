import ArgumentParser

/// `strm rejections [STREAM]`: what was refused, counted.
struct Rejections: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "See what was refused, and where; keep it, open it, replay it.",
        subcommands: [
            CountRejections.self, KeepRejections.self, ListRejections.self, ShowRejection.self,
            ReplayRejections.self,
        ],
        defaultSubcommand: CountRejections.self)
}

struct CountRejections: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "count",
        abstract: "Count refused events by stream, client, contract, rule and place.",
        discussion: """
            The counts begin with the start of the server. A place is a pointer in the words of \
            the schema: what the sender chose, such as indexes of lists, is an asterisk.

            EXAMPLE
              strm rejections demo
              strm rejections --contract example/clickstream/1.0.0 --output json
            """)

    private static let columns = ["stream", "client", "contract", "rule", "place", "count", "last"]

    @Argument(help: "A stream (default: all).")
    var stream: String?

    @Option(help: ArgumentHelp("Only what this client sent.", valueName: "id"))
    var client: String?

    @Option(help: ArgumentHelp("Only what named this contract.", valueName: "ref"))
    var contract: String?

    @Option(help: ArgumentHelp("Rows at most, 1 to 10000.", valueName: "count"))
    var limit = 1_000

    @OptionGroup(title: "Connection") var connection: ConnectionOptions
    @OptionGroup var output: OutputOptions

    mutating func validate() throws {
        guard (1...10_000).contains(limit) else {
            throw ValidationError("--limit is a number from 1 to 10000.")
        }
    }

    func run() async throws {
        var path = "/v1/rejections?limit=\(limit)"
        for (name, value) in [("stream", stream), ("client", client), ("contract", contract)] {
            if let value { path += "&\(name)=\(Entity.escape(value))" }
        }
        let answer = try await ServerClient.with(connection, .seeRejections(stream: stream)) {
            [path] in
            let reply = try await $0.request("GET", path)
            try reply.check("count what was refused")
            return try reply.json()
        }
        guard output.output == .table else { return Terminal.print(answer.text()) }
        var table = Table(Self.columns)
        for item in answer["items"]?.array ?? [] { table.add(Self.cells(of: item)) }
        Terminal.print(table.text)
        if let since = answer["since"]?.string, let total = answer["total"]?.integer {
            Terminal.note("\(total) refused since \(since), when the server started")
        }
    }

    private static func cells(of item: JSONValue) -> [String] {
        let rule = item["ruleId"]?.string ?? item["rule"]?.string ?? ""
        return ["stream", "client", "contract"].map { item[$0]?.cell ?? "" }
            + [rule, item["place"]?.cell ?? "", item["count"]?.cell ?? ""]
            + [item["lastAt"]?.cell ?? ""]
    }
}
