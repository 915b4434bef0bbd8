import ArgumentParser
import Foundation

/// The period that a question is about.
struct AuditPeriod: ParsableArguments {
    @Option(
        help: ArgumentHelp("From this time on: 15m (ago), 2h, 7d, RFC 3339.", valueName: "time"))
    var from: String?
    @Option(help: ArgumentHelp("Before this time.", valueName: "time")) var to: String?

    mutating func validate() throws {
        for time in [from, to].compactMap({ $0 }) where Timestamp.parse(time, now: Date()) == nil {
            throw ValidationError("'\(time)' is no time: 15m, 2h, 7d, or 2026-11-23T10:00:00Z.")
        }
    }

    /// Milliseconds, as the server takes them.
    var filters: [(String, String?)] {
        let now = Date()
        return [("from", from), ("to", to)].map { name, text in
            (name, text.flatMap { Timestamp.parse($0, now: now) }.map { String($0) })
        }
    }
}

/// Which of the uses a question is about.
struct AuditPlace: ParsableArguments {
    @Option(help: "Only of this stream.") var stream: String?
    @Option(help: ArgumentHelp("Only through this derived stream.", valueName: "stream"))
    var derivedStream: String?
    @Option(help: ArgumentHelp("Only for this consent level.", valueName: "level"))
    var purpose: Int?

    var filters: [(String, String?)] {
        [
            ("stream", stream), ("derivedStream", derivedStream),
            ("purpose", purpose.map { String($0) }),
        ]
    }
}

/// Asks the audit log and prints answers.
enum AuditAnswer {
    /// A question may look at a long log.
    static let timeoutSeconds: Int64 = 600

    static func ask(
        _ path: String, _ filters: [(String, String?)], _ connection: ConnectionOptions
    ) async throws -> JSONValue {
        let query = filters.compactMap { name, value in
            value.map { "\(name)=\(Entity.escape($0))" }
        }.joined(separator: "&")
        return try await ServerClient.with(connection, .audit) { client in
            let reply = try await client.request(
                "GET", "/v1/audit/\(path)" + (query.isEmpty ? "" : "?\(query)"),
                timeoutSeconds: timeoutSeconds)
            try reply.check("ask the audit log")
            return try reply.json()
        }
    }

    static func showUses(_ answer: JSONValue, _ output: OutputFormat) {
        guard output == .table else { return Terminal.print(answer.text()) }
        var table = Table([
            "client", "by", "through", "purposes", "fields", "onlyHashed", "events", "sequences",
            "first", "last", "entries",
        ])
        for use in answer["uses"]?.array ?? [] { table.add(row(use)) }
        Terminal.print(table.text)
        showBasis(answer)
    }

    static func row(_ use: JSONValue) -> [String] {
        func cell(_ name: String) -> String { use[name]?.cell ?? "" }
        let atMost = use["isUpperBound"] == .boolean(true) ? "at most " : ""
        let fields = (use["fields"]?.array ?? []).map { field in
            "\(field["field"]?.cell ?? "") (\(atMost)\(field["values"]?.cell ?? ""))"
        }
        let through = cell("derivedStream").isEmpty ? cell("stream") : cell("derivedStream")
        return [
            cell("client"), cell("act"), through, cell("purposes"),
            fields.joined(separator: ", "), cell("hashedFields"), cell("events"),
            count(use["sequences"]), cell("firstAt"), cell("lastAt"), ranges(use["entries"]),
        ]
    }

    static func count(_ value: JSONValue?) -> String {
        let number = value?["value"]?.cell ?? ""
        return value?["isLowerBound"] == .boolean(true) ? "at least \(number)" : number
    }

    /// `3-9, 12`, at most eight of them.
    static func ranges(_ value: JSONValue?) -> String {
        let all = value?["ranges"]?.array ?? []
        let shown = all.prefix(8).map { range -> String in
            let ends = (range.array ?? []).map(\.cell)
            guard ends.count == 2 else { return "" }
            return ends[0] == ends[1] ? ends[0] : "\(ends[0])-\(ends[1])"
        }
        let isCut = all.count > shown.count || value?["isCut"] == .boolean(true)
        return shown.joined(separator: ", ") + (isCut ? " …" : "")
    }

    static func showBasis(_ answer: JSONValue) {
        guard let basis = answer["basis"] else { return }
        Terminal.note(
            "rests on \(basis["entriesLookedAt"]?.cell ?? "0") entries from number "
                + "\(basis["firstEntry"]?.cell ?? "0"), of a log of "
                + "\(basis["logSize"]?.cell ?? "0") with root \(basis["logRoot"]?.cell ?? "")")
        let unknown = ranges(answer["unknownEntries"])
        if !unknown.isEmpty {
            Terminal.note("not known any more, whose fields these entries handed out: \(unknown)")
        }
        if answer["isCut"] == .boolean(true) {
            Terminal.note("there was more than an answer can hold: ask about a shorter time")
        }
    }
}

struct AuditWhoRead: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "who-read",
        abstract: "Who got values of a field.",
        usage: "strm audit who-read <field> [options]",
        discussion: """
            Counts values that left in clear. Who got data keys can open the field too, and is \
            listed with keysExported.

            EXAMPLE
              strm audit who-read customer/email --from 30d
            """)

    @Argument(help: "The path of the field, as its contract has it.") var field: String
    @Option(help: ArgumentHelp("Only this client.", valueName: "id")) var client: String?
    @Option(help: "Only this act: release, subjectAccessed.") var act: String?
    @OptionGroup var period: AuditPeriod
    @OptionGroup var place: AuditPlace
    @OptionGroup(title: "Connection") var connection: ConnectionOptions
    @OptionGroup var output: OutputOptions

    func run() async throws {
        let filters =
            [("field", field), ("client", client), ("act", act)] + period.filters + place.filters
        let answer = try await AuditAnswer.ask("readers", filters, connection)
        AuditAnswer.showUses(answer, output.output)
        guard Self.namesNoField(answer) else { return }
        let purpose = place.purpose.map { " for purpose \($0)" } ?? ""
        Terminal.note("no entry that was looked at names the field \(field)\(purpose)")
        // A period that has not begun: what contracts declare, and nothing that was observed.
        let later = String((Int64(Date().timeIntervalSince1970) + 86_400) * 1_000)
        let report = try await AuditAnswer.ask("report", [("from", later)], connection)
        let known = (report["declared"]?["contracts"]?.array ?? [])
            .flatMap { $0["fields"]?.array ?? [] }.compactMap { $0["field"]?.string }
        let names = Array(Set(known)).sorted()
        let text = names.isEmpty ? "none" : names.prefix(64).joined(separator: ", ")
        Terminal.note("contracts have: \(text)" + (names.count > 64 ? " …" : ""))
    }

    /// Who got keys or a refused event is listed whatever the field: that names none.
    private static func namesNoField(_ answer: JSONValue) -> Bool {
        !(answer["uses"]?.array ?? []).contains { use in
            use["fields"]?.array?.isEmpty == false || use["hashedFields"]?.array?.isEmpty == false
        }
    }
}

struct AuditReadBy: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "read-by",
        abstract: "What a client read.",
        usage: "strm audit read-by <client> [options]",
        discussion: "EXAMPLE\n  strm audit read-by analytics-reader --from 7d")

    @Argument(help: "The client's id; of an exporter exporter:NAME.") var client: String
    @Option(help: ArgumentHelp("Only this field.", valueName: "path")) var field: String?
    @Option(help: "Only this act: release, subjectAccessed, keysExported, rejectionShown.") var act:
        String?
    @OptionGroup var period: AuditPeriod
    @OptionGroup var place: AuditPlace
    @OptionGroup(title: "Connection") var connection: ConnectionOptions
    @OptionGroup var output: OutputOptions

    func run() async throws {
        let filters =
            [("client", client), ("field", field), ("act", act)] + period.filters + place.filters
        AuditAnswer.showUses(
            try await AuditAnswer.ask("reads", filters, connection), output.output)
    }
}

struct AuditPurposes: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "purposes",
        abstract: "For which purposes fields were opened, and by whom.",
        discussion: "EXAMPLE\n  strm audit purposes --field customer/email --from 30d")

    @Option(help: ArgumentHelp("Only this field.", valueName: "path")) var field: String?
    @Option(help: ArgumentHelp("Only this client.", valueName: "id")) var client: String?
    @OptionGroup var period: AuditPeriod
    @OptionGroup var place: AuditPlace
    @OptionGroup(title: "Connection") var connection: ConnectionOptions
    @OptionGroup var output: OutputOptions

    func run() async throws {
        let filters = [("field", field), ("client", client)] + period.filters + place.filters
        let answer = try await AuditAnswer.ask("purposes", filters, connection)
        guard output.output == .table else { return Terminal.print(answer.text()) }
        var table = Table([
            "level", "purpose", "legalBasis", "owner", "since", "client", "through", "fields",
            "events", "last",
        ])
        for item in answer["items"]?.array ?? [] {
            for use in item["uses"]?.array ?? [] {
                table.add(
                    ["level", "name", "legalBasis", "owner", "since"].map { item[$0]?.cell ?? "" }
                        + Self.cells(use))
            }
        }
        // Whoever has keys can open fields of every level.
        for use in answer["keysExported"]?.array ?? [] {
            table.add(["any", "data keys", "", "", ""] + Self.cells(use))
        }
        Terminal.print(table.text)
        AuditAnswer.showBasis(answer)
    }
}

extension AuditPurposes {
    private static func cells(_ use: JSONValue) -> [String] {
        let row = AuditAnswer.row(use)
        return [row[0], row[2], row[4], row[6], row[9]]
    }
}

struct AuditDecisions: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "decisions",
        abstract: "Who decided what may happen to personal data.",
        discussion: "EXAMPLE\n  strm audit decisions --from 90d --act derivedStreamApproved")

    @Option(help: "Only this act: contractApproved, purposeSet …") var act: String?
    @Option(help: ArgumentHelp("Only what this client decided.", valueName: "id"))
    var client: String?
    @Option(
        help: ArgumentHelp("Only on contracts that make this field personal.", valueName: "path"))
    var field: String?
    @Option(help: ArgumentHelp("Show at most this many.", valueName: "count")) var limit = 1_000
    @OptionGroup var period: AuditPeriod
    @OptionGroup var place: AuditPlace
    @OptionGroup(title: "Connection") var connection: ConnectionOptions
    @OptionGroup var output: OutputOptions

    func run() async throws {
        var items: [JSONValue] = []
        var after: Int64 = 0
        var answer = JSONValue.null
        // One more than is shown, to know whether there are more.
        while items.count <= limit {
            let filters =
                [("act", act), ("client", client), ("field", field), ("after", String(after))]
                + [("limit", String(min(1_000, limit + 1 - items.count)))]
                + period.filters + place.filters
            answer = try await AuditAnswer.ask("decisions", filters, connection)
            items += answer["items"]?.array ?? []
            guard answer["isComplete"] == .boolean(false), let next = answer["next"]?.integer,
                next != after
            else { break }
            after = next
        }
        let hasMore = items.count > limit
        items = Array(items.prefix(limit))
        guard output.output == .table else {
            let size = answer["logSize"] ?? .null
            let root = answer["logRoot"] ?? .null
            return Terminal.print(
                JSONValue.object([
                    "items": .array(items), "isComplete": .boolean(!hasMore), "logSize": size,
                    "logRoot": root,
                ]).text())
        }
        var table = Table(["n", "at", "client", "role", "act", "on", "detail"])
        for item in items {
            func cell(_ name: String) -> String { item[name]?.cell ?? "" }
            let on = [
                cell("derivedStream").isEmpty ? cell("stream") : cell("derivedStream"),
                cell("contracts"), cell("purposes").isEmpty ? "" : "level \(cell("purposes"))",
            ].filter { !$0.isEmpty }
            table.add([
                cell("n"), cell("at"), cell("client"), cell("role"), cell("act"),
                on.joined(separator: " "), cell("detail"),
            ])
        }
        Terminal.print(table.text)
        Terminal.note(
            "rests on \(items.count) entries of a log of \(answer["logSize"]?.cell ?? "0") with root "
                + (answer["logRoot"]?.cell ?? ""))
        if hasMore { Terminal.note("there are more: --limit, or a later --from") }
    }

    mutating func validate() throws {
        guard limit > 0 else { throw ValidationError("--limit is at least 1.") }
    }
}

struct AuditReport: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "report",
        abstract: "The record of processing of a period: declared beside observed.",
        usage: "strm audit report [<file>] [--format html|json] [--from <time>] [--to <time>]",
        discussion: """
            What contracts, purposes and derived streams declare, what the audit log has observed, \
            what was declared and never used, and what was used without being declared any more. \
            The HTML is one document for printing.

            EXAMPLE
              strm audit report record-2026-11.html --from 30d
              strm audit report --format json
            """)

    enum Format: String, ExpressibleByArgument, CaseIterable { case html, json }

    @Argument(help: "Where to write it; standard output if absent.") var file: String?
    @Option(help: "html, or json. Default: html for a file named so, else json.")
    var format: Format?
    @OptionGroup var period: AuditPeriod
    @OptionGroup(title: "Connection") var connection: ConnectionOptions

    func run() async throws {
        let format = format ?? (file?.hasSuffix(".html") == true ? .html : .json)
        let filters = period.filters + [("format", format.rawValue)]
        let query = filters.compactMap { name, value in
            value.map { "\(name)=\(Entity.escape($0))" }
        }.joined(separator: "&")
        let bytes = try await ServerClient.with(connection, .audit) { client in
            let reply = try await client.request(
                "GET", "/v1/audit/report?\(query)", timeoutSeconds: AuditAnswer.timeoutSeconds)
            try reply.check("make the report")
            return reply.body
        }
        guard let file else {
            Terminal.printBytes(bytes)
            return
        }
        do {
            try Data(bytes).write(to: URL(filePath: file), options: .atomic)
        } catch {
            throw CommandFailure(.failed, "cannot write \(file)")
        }
        Terminal.note("\(bytes.count) bytes in \(file)")
    }
}
