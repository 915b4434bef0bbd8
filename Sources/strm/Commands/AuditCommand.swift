import ArgumentParser
import Foundation

/// `strm audit …`.
struct AuditCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "audit",
        abstract: "Who used which personal data, when and for what; and the proof of it.",
        subcommands: [
            AuditList.self, AuditWhoRead.self, AuditReadBy.self, AuditPurposes.self,
            AuditDecisions.self, AuditReceivedBy.self, AuditReport.self, AuditExport.self,
            AuditVerify.self, AuditKeys.self, AuditProveEntry.self, AuditProveConsistency.self,
            AuditVerifyProof.self,
        ])
}

struct AuditList: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "list",
        abstract: "List audit entries, oldest first.",
        discussion: """
            EXAMPLE
              strm audit list --act release --from 24h
              strm audit list --field customer/email --output json
            """)

    @Option(
        help: ArgumentHelp("From this time on: 15m (ago), 2h, 7d, RFC 3339.", valueName: "time"))
    var from: String?
    @Option(help: ArgumentHelp("Before this time.", valueName: "time")) var to: String?
    @Option(help: "Only this act: release, tokenIssued, streamCreated …") var act: String?
    @Option(help: ArgumentHelp("Only what this client did.", valueName: "id")) var client: String?
    @Option(help: "Only this stream.") var stream: String?
    @Option(help: ArgumentHelp("Only this derived stream.", valueName: "stream"))
    var derivedStream: String?
    @Option(help: ArgumentHelp("Only releases of this field.", valueName: "path")) var field:
        String?
    @Option(help: ArgumentHelp("Only this consent level.", valueName: "level")) var purpose: Int?
    @Option(help: ArgumentHelp("Show at most this many.", valueName: "count")) var limit = 1000
    @OptionGroup(title: "Connection") var connection: ConnectionOptions
    @OptionGroup var output: OutputOptions

    mutating func validate() throws {
        for time in [from, to].compactMap({ $0 }) where Timestamp.parse(time, now: Date()) == nil {
            throw ValidationError("'\(time)' is no time: 15m, 2h, 7d, or 2026-11-23T10:00:00Z.")
        }
        guard limit > 0 else { throw ValidationError("--limit is at least 1.") }
    }

    func run() async throws {
        let (items, hasMore, log) = try await ServerClient.with(connection, .audit) { client in
            let (items, hasMore) = try await entries(client)
            return (items, hasMore, try await Self.tree(client))
        }
        switch output.output {
        case .json:
            Terminal.print(JSONValue.object(["items": .array(items)]).text())
        case .table:
            var table = Table(["n", "at", "act", "client", "on", "fields", "events"])
            for item in items {
                func cell(_ name: String) -> String {
                    item[name].map { Entity.cell(name, $0) } ?? ""
                }
                let target = cell("derivedStream").isEmpty ? cell("stream") : cell("derivedStream")
                table.add([
                    cell("n"), cell("at"), cell("act"), cell("client"), target, cell("fields"),
                    cell("events"),
                ])
            }
            Terminal.print(table.text)
        }
        let basis =
            "rests on \(items.count) entries of a log of \(log["size"]?.cell ?? "?") with root "
        Terminal.note(basis + (log["root"]?.cell ?? "?"))
        if hasMore { Terminal.note("there are more: --limit, or a later --from") }
    }

    /// Size and root of the log after the question, by its checkpoint.
    private static func tree(_ client: ServerClient) async throws -> JSONValue {
        let reply = try await client.request("GET", "/v1/audit/checkpoint")
        try reply.check("read the checkpoint of the audit log")
        let lines = String(decoding: reply.body, as: UTF8.self).split(separator: "\n")
        guard lines.count > 2 else { return .null }
        return .object(["size": .string(String(lines[1])), "root": .string(String(lines[2]))])
    }

    /// Asks page after page until there are no more, or `limit` are there.
    private func entries(_ client: ServerClient) async throws -> ([JSONValue], Bool) {
        let now = Date()
        let times = [("from", from), ("to", to)].map { name, text in
            (name, text.flatMap { Timestamp.parse($0, now: now) }.map { String($0) })
        }
        let filters =
            times + [
                ("act", act), ("client", self.client), ("stream", stream),
                ("derivedStream", derivedStream), ("field", field),
                ("purpose", purpose.map { String($0) }),
            ]
        let fixed = filters.compactMap { name, value in
            value.map { "\(name)=\(Entity.escape($0))" }
        }
        var items: [JSONValue] = []
        var after: Int64?
        while true {
            var query = fixed + ["limit=\(min(limit + 1 - items.count, 1000))"]
            if let after { query.append("after=\(after)") }
            let reply = try await client.request(
                "GET", "/v1/audit/entries?" + query.joined(separator: "&"))
            try reply.check("read the audit log")
            let answer = try reply.json()
            items += answer["items"]?.array ?? []
            // An answer may hold few entries, or none, though more follow: the server bounds how
            // many it looks at for one request.
            guard answer["isComplete"] == .boolean(false), let next = answer["next"]?.integer,
                next != after
            else { break }
            after = next
            // One more than is shown, to know whether there are more.
            guard items.count <= limit else { break }
        }
        return (Array(items.prefix(limit)), items.count > limit)
    }
}
