import ArgumentParser
import Foundation

struct ListRejections: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "list",
        abstract: "List the refused events that a stream keeps, without their bodies.",
        discussion: """
            EXAMPLE
              strm rejections list demo --from 2h
            """)

    private static let columns = [
        "offset", "rejectedAt", "client", "contract", "rule", "place", "bytes", "isReplayed",
    ]

    @Argument(help: "The stream.") var stream: String

    @Option(
        help: ArgumentHelp(
            "Where to begin: 15m (ago), 2h, 7d, RFC 3339 or milliseconds (default: the oldest).",
            valueName: "time"))
    var from: String?

    @Option(help: ArgumentHelp("Lines at most (default: all).", valueName: "count"))
    var limit: Int?

    @OptionGroup(title: "Connection") var connection: ConnectionOptions
    @OptionGroup var output: OutputOptions

    mutating func validate() throws {
        if let limit, limit < 1 { throw ValidationError("--limit is at least 1.") }
        if let from, Timestamp.parse(from, now: Date()) == nil {
            throw ValidationError("--from is 15m, 2h, 7d, 2026-11-23T10:00:00Z or milliseconds.")
        }
    }

    func run() async throws {
        let items = try await ServerClient.with(connection, .listRejections(stream: stream)) {
            try await Self.fetch($0, stream, from: from, limit: limit ?? .max)
        }
        guard output.output == .table else {
            return Terminal.print(JSONValue.object(["items": .array(items)]).text())
        }
        var table = Table(Self.columns)
        for item in items {
            table.add(
                Self.columns.map { name in
                    let rule = name == "rule" ? item["ruleId"] : nil
                    return (rule ?? item[name])?.cell ?? ""
                })
        }
        Terminal.print(table.text)
    }

    /// Page after page, the oldest first.
    static func fetch(
        _ client: ServerClient, _ stream: String, from: String?, limit: Int
    ) async throws -> [JSONValue] {
        var items: [JSONValue] = []
        var cursor: String?
        repeat {
            var path = try Entity.stream.path(stream) + "/rejections"
            path += "?limit=\(min(limit - items.count, 1_000))"
            if let from, let time = Timestamp.parse(from, now: Date()) { path += "&from=\(time)" }
            if let cursor { path += "&cursor=\(Entity.escape(cursor))" }
            let reply = try await client.request("GET", path)
            try reply.check("list the refused events of \(stream)")
            let answer = try reply.json()
            items += answer["items"]?.array ?? []
            cursor = answer["nextCursor"]?.string
        } while cursor != nil && items.count < limit
        return items
    }
}

struct ShowRejection: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "show",
        abstract: "Open the body of a kept refused event (dpo); the audit log says who saw it.",
        discussion: """
            EXAMPLE
              strm rejections show demo 17
            """)

    @Argument(help: "The stream.") var stream: String
    @Argument(help: "Its offset, as the list says.") var offset: Int
    @OptionGroup(title: "Connection") var connection: ConnectionOptions
    @OptionGroup var output: OutputOptions

    func run() async throws {
        let path = try Entity.stream.path(stream) + "/rejections/show"
        let answer = try await ServerClient.with(connection, .openRejections) { client in
            let reply = try await client.request(
                "POST", path, json: .object(["offset": .integer(Int64(offset))]))
            try reply.check("open the refused event")
            return try reply.json()
        }
        guard output.output == .table else { return Terminal.print(answer.text()) }
        let names = [
            "offset", "rejectedAt", "client", "contract", "kind", "rule", "ruleId", "place",
        ]
        let lines = names.compactMap { name in
            answer[name].map { (Table.words(name), $0.cell) }
        }
        Terminal.print(Table.card(lines + [("encoding", answer["encoding"]?.cell ?? "")]))
        Terminal.print("\n" + Table.printable(answer["body"]?.string ?? ""))
    }
}

struct KeepRejections: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "keep",
        abstract: "Keep the refused events of a stream from now on, sealed (dpo).",
        discussion: """
            What is kept expires with the events of its day. With --stop no more is kept; what is \
            there stays until it expires.

            EXAMPLE
              strm rejections keep demo
              strm rejections keep demo --stop
            """)

    @Argument(help: "The stream.") var stream: String
    @Flag(help: "Keep no more.") var stop = false
    @OptionGroup(title: "Connection") var connection: ConnectionOptions

    func run() async throws {
        let path = try Entity.stream.path(stream) + "/rejections"
        try await ServerClient.with(connection, .openRejections) { client in
            let reply = try await client.request(
                "PUT", path, json: .object(["keeps": .boolean(!stop)]))
            try reply.check("decide about the refused events of \(stream)")
        }
        Terminal.note("\(stream) keeps \(stop ? "no more" : "its") refused events from now on")
    }
}
