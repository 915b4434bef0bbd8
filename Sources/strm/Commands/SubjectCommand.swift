import ArgumentParser
import Foundation

/// `strm subject links|access|erase|…`: what a data protection officer does about one person.
struct SubjectCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "subject",
        abstract: "Answer a person's request: what is held, who had it, erase it (dpo).",
        discussion: """
            The data subject is the value of the contract's data-subject field, exactly as events \
            hold it. It is read from a file or from standard input, never from the command line, \
            which other users of the machine can see and the shell remembers.

            EXAMPLE
              strm subject access --subject-file person.txt > held.json
              strm subject erase --subject-file person.txt --reference case-17 --now > receipt.json
              strm subject verify-receipt receipt.json
            """,
        subcommands: [
            SubjectLinksCommand.self, SubjectAccess.self, SubjectErase.self, SubjectErasures.self,
            SubjectReceipt.self, SubjectVerifyReceipt.self, SubjectLiftFence.self,
        ])
}

/// Where the person is named.
struct SubjectOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "The file that holds the data subject, on one line; - is standard input (default).",
            valueName: "file"))
    var subjectFile = "-"

    @Option(
        help: ArgumentHelp("Only in this stream; repeatable (default: all).", valueName: "stream"))
    var stream: [String] = []

    /// The members of a request. Without its line end the text is taken as it is.
    func members() throws(CommandFailure) -> [String: JSONValue] {
        var bytes = try InputFile.read(subjectFile)
        if bytes.last == 0x0A { bytes.removeLast() }
        if bytes.last == 0x0D { bytes.removeLast() }
        // Of a list only one would be meant, and nobody could tell which.
        guard !bytes.contains(0x0A), !bytes.isEmpty,
            let text = String(validating: bytes, as: UTF8.self)
        else {
            throw .cannotRead(subjectFile, reason: "it must hold one data subject, on one line")
        }
        var members: [String: JSONValue] = ["subject": .string(text)]
        if !stream.isEmpty { members["streams"] = .array(stream.map(JSONValue.string)) }
        return members
    }
}

struct SubjectLinksCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "links",
        abstract: "List the sequences (key links) that are on record for a person.",
        discussion: """
            A sequence has a key link a day. The question is on record in the audit log.

            EXAMPLE
              strm subject links --subject-file person.txt
            """)

    private static let columns = [
        "keyLink", "stream", "createdAt", "sealsUntil", "destroyedAt", "isOpenable",
    ]

    @OptionGroup(title: "Person") var subject: SubjectOptions
    @OptionGroup(title: "Connection") var connection: ConnectionOptions
    @OptionGroup var output: OutputOptions

    func run() async throws {
        let body = try subject.members()
        let answer = try await ServerClient.with(connection, .subjects) { client in
            let reply = try await client.request(
                "POST", "/v1/subjects/links", json: .object(body), timeoutSeconds: 120)
            try reply.check("list the sequences of a person")
            return try reply.json()
        }
        guard output.output == .table else { return Terminal.print(answer.text()) }
        var table = Table(Self.columns)
        for item in answer["items"]?.array ?? [] {
            table.add(Self.columns.map { item[$0]?.cell ?? "" })
        }
        Terminal.print(table.text)
        Terminal.note("person \(answer["person"]?.string ?? "") in the audit log")
    }
}

struct SubjectLiftFence: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "lift-fence",
        abstract: "Take events of an erased person again.",
        discussion: """
            EXAMPLE
              strm subject lift-fence --subject-file person.txt
            """)

    @OptionGroup(title: "Person") var subject: SubjectOptions
    @OptionGroup(title: "Connection") var connection: ConnectionOptions
    @OptionGroup var output: OutputOptions

    func run() async throws {
        let body = try subject.members()
        let answer = try await ServerClient.with(connection, .subjects) { client in
            let reply = try await client.request(
                "POST", "/v1/subjects/fences/lift", json: .object(body))
            try reply.check("lift the fence")
            return try reply.json()
        }
        guard output.output == .table else { return Terminal.print(answer.text()) }
        let streams = answer["streams"]?.cell ?? ""
        Terminal.print(
            streams.isEmpty ? "there was no fence" : "events are taken again in \(streams)")
    }
}
