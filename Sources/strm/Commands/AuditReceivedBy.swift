import ArgumentParser
import Foundation

/// `strm audit received-by`: the person comes from a file or standard input, never as an argument,
/// which other users of the machine could see.
struct AuditReceivedBy: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "received-by",
        abstract: "Who received a person's data.",
        usage: "strm audit received-by [--subject-file <file>] [options]",
        discussion: """
            The person is the value of the contract's data-subject field, on one line of a file or of \
            standard input.

            EXAMPLE
              strm audit received-by --subject-file person.txt --from 90d
            """)

    @OptionGroup(title: "Person") var subject: SubjectOptions
    @Option(help: ArgumentHelp("Only through this derived stream.", valueName: "stream"))
    var derivedStream: String?
    @Option(help: ArgumentHelp("Only this client.", valueName: "id")) var client: String?
    @Option(help: ArgumentHelp("Only for this consent level.", valueName: "level"))
    var purpose: Int?
    @Option(help: ArgumentHelp("Only this field.", valueName: "path")) var field: String?
    @Option(help: "Only this act: release, keysExported, subjectAccessed.") var act: String?
    @OptionGroup var period: AuditPeriod
    @OptionGroup(title: "Connection") var connection: ConnectionOptions
    @OptionGroup var output: OutputOptions

    func run() async throws {
        var body = try subject.members()
        for (name, text) in [
            ("derivedStream", derivedStream), ("client", client), ("field", field), ("act", act),
        ] {
            if let text { body[name] = .string(text) }
        }
        if let purpose { body["purpose"] = .integer(Int64(purpose)) }
        let now = Date()
        for (name, text) in [("from", period.from), ("to", period.to)] {
            if let text, let time = Timestamp.parse(text, now: now) {
                body[name] = .string(Timestamp.text(time))
            }
        }
        let reply = try await ServerClient.with(connection, .audit) { [body] client in
            let reply = try await client.request(
                "POST", "/v1/audit/recipients", json: .object(body),
                timeoutSeconds: AuditAnswer.timeoutSeconds)
            try reply.check("ask who received a person's data")
            return try reply.json()
        }
        guard output.output == .table else { return Terminal.print(reply.text()) }
        show(reply)
    }

    private func show(_ reply: JSONValue) {
        let answer = reply["answer"] ?? .null
        var table = Table([
            "client", "by", "through", "purposes", "fields", "onlyHashed", "events", "first",
            "last", "exported", "entries",
        ])
        for item in answer["recipients"]?.array ?? [] {
            func cell(_ name: String) -> String { item[name]?.cell ?? "" }
            let through = cell("derivedStream").isEmpty ? cell("stream") : cell("derivedStream")
            let isKey = cell("act") == "keysExported"
            table.add([
                cell("client"), cell("act"), through, cell("purposes"),
                isKey ? "all, by key" : cell("fields"), cell("hashedFields"),
                isKey ? "" : cell("events"), cell("firstAt"), cell("lastAt"), cell("connector"),
                AuditAnswer.ranges(item["entries"]),
            ])
        }
        Terminal.print(table.text)
        Terminal.note("the person has \(reply["keyLinks"]?.cell ?? "0") key links on record")
        for erasure in reply["erasures"]?.array ?? [] {
            func cell(_ name: String) -> String { erasure[name]?.cell ?? "" }
            Terminal.note(
                "erased at \(cell("requestedAt")) by \(cell("id")); who had received the data until "
                    + "then stands \(cell("recipientsUpToThen"))")
        }
        if let time = answer["exactAfter"]?.string {
            Terminal.note("exact for what happened after \(time)")
        }
        AuditAnswer.showBasis(answer)
    }
}
