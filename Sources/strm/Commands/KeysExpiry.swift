import ArgumentParser
import Foundation

/// `strm keys expiry`: what was destroyed, and what will be.
struct KeysExpiry: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "expiry",
        abstract: "What was destroyed when, by the audit log, and what will be.",
        discussion: """
            When the keys of a day are destroyed, every copy of its events, in exports of sealed \
            events and in backups too, is unreadable from then on. Each line names its audit entry.

            EXAMPLE
              strm keys expiry --from 30d
            """)

    @Option(
        help: ArgumentHelp("From this time on: 15m (ago), 2h, 7d, RFC 3339.", valueName: "time"))
    var from: String?
    @Option(help: ArgumentHelp("Before this time.", valueName: "time")) var to: String?
    @OptionGroup(title: "Connection") var connection: ConnectionOptions
    @OptionGroup var output: OutputOptions

    mutating func validate() throws {
        for time in [from, to].compactMap({ $0 }) where Timestamp.parse(time, now: Date()) == nil {
            throw ValidationError("'\(time)' is no time: 15m, 2h, 7d, or 2026-11-23T10:00:00Z.")
        }
    }

    func run() async throws {
        let report = try await ServerClient.with(connection, .audit) { try await whole($0) }
        guard output.output == .table else { return Terminal.print(report.text()) }
        show(
            report, "destroyed", "keys destroyed", ["entry", "at", "day", "retentionDays", "epoch"])
        show(report, "dropped", "events dropped", ["entry", "at", "day", "retentionDays"])
        show(report, "due", "keys to be destroyed", ["day", "retentionDays", "destroyedFrom"])
        show(report, "dueDays", "events to be dropped", ["day", "retentionDays", "droppedFrom"])
        show(report, "streams", "streams", ["retentionDays", "streams"])
        if report["isDestructionOnHold"] == .boolean(true) {
            Terminal.note(
                "the clock is not trusted: nothing is destroyed until strm confirm clock")
        }
    }

    /// Asks until the log is read to its end, and joins what was destroyed.
    private func whole(_ client: ServerClient) async throws -> JSONValue {
        let now = Date()
        var fixed: [String] = []
        for (name, text) in [("from", from), ("to", to)] {
            if let time = text.flatMap({ Timestamp.parse($0, now: now) }) {
                fixed.append("\(name)=\(time)")
            }
        }
        var past: [String: [JSONValue]] = ["destroyed": [], "dropped": []]
        var after: Int64 = 0
        while true {
            let query = (fixed + ["after=\(after)"]).joined(separator: "&")
            let reply = try await client.request("GET", "/v1/expiry?\(query)", timeoutSeconds: 120)
            try reply.check("read the report of expiry")
            let answer = try reply.json()
            for name in past.keys { past[name, default: []] += answer[name]?.array ?? [] }
            guard answer["isComplete"] == .boolean(false), let next = answer["next"]?.integer,
                next > after
            else {
                guard case .object(var members) = answer else { return answer }
                for (name, items) in past { members[name] = .array(items) }
                return .object(members)
            }
            after = next
        }
    }

    private func show(
        _ report: JSONValue, _ list: String, _ title: String, _ columns: [String]
    ) {
        let items = report[list]?.array ?? []
        guard !items.isEmpty else { return Terminal.print("\(title): none\n") }
        var table = Table(columns)
        for item in items { table.add(columns.map { item[$0]?.cell ?? "" }) }
        Terminal.print("\(title)\n\(table.text)\n")
    }
}
