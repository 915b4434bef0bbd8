import ArgumentParser
import Foundation

/// `strm dry-run stream NAME`.
struct DryRun: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Count what a derived stream would show, without showing it.",
        subcommands: [DryRunStream.self])
}

struct DryRunStream: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "stream",
        abstract: "Count what a derived stream would show of the stored events.",
        discussion: """
            Events that pass and that are dropped, and why; fields that are opened, masked or stay \
            sealed; sequences and people; and the smallest group of sequences that no shown field \
            tells apart. No value leaves the server, and the audit log holds who asked.

            A stream that does not exist yet is asked about with strm create stream … --dry-run.

            EXAMPLE
              strm dry-run stream demo-1-4 --from 24h
            """)

    @Argument(help: "The derived stream.")
    var name: String

    @Option(
        help: ArgumentHelp(
            "Events since then: 24h, 7d or a time (default: all that are kept).",
            valueName: "time"))
    var from: String?

    @OptionGroup(title: "Connection") var connection: ConnectionOptions
    @OptionGroup var output: OutputOptions

    func run() async throws {
        var path = try Entity.stream.path(name) + "/dry-run"
        if let from {
            guard let time = Timestamp.parse(from, now: Date()) else {
                throw ValidationError("--from is a time such as 24h or 2026-11-23T10:00:00Z.")
            }
            path += "?from=\(time)"
        }
        try await ServerClient.with(connection, .approve) { client in
            let reply = try await client.request(
                "GET", path, timeoutSeconds: DryRunReport.timeoutSeconds)
            try reply.check("measure the derived stream")
            DryRunReport(try reply.json()).show(as: output.output)
        }
    }
}

/// The answer of a dry run, for people or as it came.
struct DryRunReport {
    /// A run over tens of millions of events takes minutes.
    static let timeoutSeconds: Int64 = 600

    private let answer: JSONValue

    init(_ answer: JSONValue) {
        self.answer = answer
    }

    func show(as format: OutputFormat) {
        guard format == .table else { return Terminal.print(answer.text()) }
        Terminal.print(Table.card(lines))
        var table = Table(["contract", "field", "level", "opened", "masked", "keyGone"])
        var rows = 0
        for contract in answer["contracts"]?.array ?? [] {
            for field in contract["fields"]?.array ?? [] {
                rows += 1
                let counts = ["opened", "masked", "keyGone"].map { field[$0]?.cell ?? "" }
                let level = field["level"] == .null ? "–" : field["level"]?.cell ?? ""
                table.add(
                    [
                        contract["contract"]?.cell ?? "",
                        field["field"]?.cell ?? "", level,
                    ] + counts)
            }
        }
        if rows > 0 { Terminal.print("\n" + table.text) }
    }

    private var lines: [(String, String)] {
        var lines = [
            ("window", "\(cell("from")) to \(cell("to"))"),
            ("levels", cell("levels")),
            ("events that pass", "\(cell("passingEvents")) of \(cell("seenEvents"))"),
            ("dropped, no consent", cell("droppedWithoutConsent")),
        ]
        for lack in answer["droppedForLevel"]?.array ?? [] {
            let level = lack["level"]?.cell ?? ""
            lines.append(("dropped, no level \(level)", lack["events"]?.cell ?? ""))
        }
        lines.append(("sequences", count("sequences")))
        lines.append(("key links", count("keyLinks") + " (a sequence has one a day)"))
        lines.append(
            ("people", answer["people"] == .null ? "not recorded" : count("people")))
        lines.append(("smallest group", group))
        if answer["isComplete"] == .boolean(false) {
            lines.append(("not complete", "there are more events than one run looks at"))
        }
        return lines
    }

    private var group: String {
        guard let group = answer["smallestGroup"], group != .null else {
            return "no field that is shown identifies with others"
        }
        let more = group["isLowerBound"] == .boolean(true) ? " or more" : ""
        return "\(group["sequences"]?.cell ?? "") sequences\(more) share "
            + "\(group["fields"]?.cell ?? "") (\(group["contract"]?.cell ?? ""), "
            + "\(group["combinations"]?.cell ?? "") combinations)"
    }

    private func cell(_ name: String) -> String { answer[name]?.cell ?? "" }

    private func count(_ name: String) -> String {
        let more = answer[name]?["isLowerBound"] == .boolean(true) ? " or more" : ""
        return (answer[name]?["count"]?.cell ?? "") + more
    }
}
