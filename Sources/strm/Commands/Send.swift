import ArgumentParser
import Foundation
import NIOCore

/// `strm send STREAM [FILE]`: JSON lines to `POST /events`, over HTTP/2.
struct Send: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Send events: JSON, one a line.",
        usage: "strm send <stream> [<file>] [options]",
        discussion: """
            When it ends with status 0, every event is stored and synced. Refused lines are told \
            on standard error, with their number and the reason, and the status is 1.

            EXAMPLE
              strm send demo events.jsonl
              strm send demo events.jsonl --dry-run
              strm simulate --dry-run --count 10 | strm send demo
            """)

    @Argument(help: "The stream.")
    var stream: String

    @Argument(help: "A file of JSON lines; - or nothing reads standard input.")
    var file = "-"

    @Option(
        help: ArgumentHelp(
            "The schema that all events have, handle/name/version (default: the contract's).",
            valueName: "ref"))
    var schemaRef: String?

    @Option(help: ArgumentHelp("Lines a request.", valueName: "count"))
    var batch = 500

    @Option(help: ArgumentHelp("Requests under way at once, 1 to 100.", valueName: "count"))
    var inFlight = 4

    @Flag(help: "Have the server check the events, and store nothing.")
    var dryRun = false

    @OptionGroup(title: "Connection") var connection: ConnectionOptions
    @OptionGroup var output: OutputOptions

    mutating func validate() throws {
        guard (1...10_000).contains(batch) else {
            throw ValidationError("--batch is a number from 1 to 10000.")
        }
        guard (1...HTTP2Connection.streamsMax).contains(inFlight) else {
            throw ValidationError("--in-flight is a number from 1 to 100.")
        }
    }

    private struct Totals: Sendable {
        var accepted: Int64 = 0
        var refused: Int64 = 0
    }

    func run() async throws {
        var batches = try LineBatches(path: file, linesMax: batch)
        var headers = [("content-type", "application/x-ndjson")]
        if let schemaRef { headers.append(("strm-schema-ref", schemaRef)) }
        let path = dryRun ? "/events?dryRun=true" : "/events"
        let totals = try await ServerClient.with(connection, .send(stream: stream)) { client in
            try await EventSender.with(client, trusting: connection.trustRoots()) { sender in
                try await withThrowingTaskGroup(of: Totals.self) { group in
                    var totals = Totals()
                    var underWay = 0
                    func take() async throws {
                        guard let part = try await group.next() else { return }
                        underWay -= 1
                        totals.accepted += part.accepted
                        totals.refused += part.refused
                    }
                    while let batch = try batches.next() {
                        if underWay == inFlight { try await take() }
                        underWay += 1
                        group.addTask { [headers, path] in
                            try await Self.post(batch, path, headers, sender)
                        }
                    }
                    while underWay > 0 { try await take() }
                    return totals
                }
            }
        }
        report(totals)
        if totals.refused > 0 { throw ExitCode(CommandFailure.Status.failed.rawValue) }
    }

    private static func post(
        _ batch: LineBatches.Batch, _ path: String, _ headers: [(String, String)],
        _ sender: EventSender
    ) async throws -> Totals {
        let reply = try await sender.post(path, batch.body, headers: headers)
        // All lines refused is status 400, with the same members as a partial refusal.
        guard let answer = try? JSONValue(parsing: reply.body),
            let refusals = answer["refused"]?.array
        else {
            try reply.check("send lines \(batch.firstLine) to \(batch.lastLine)")
            throw CommandFailure(.failed, "the answer to a batch is not what it should be")
        }
        for refusal in refusals {
            let line = refusal["line"]?.integer.map { batch.number(ofLine: Int($0)) }
            let problem = try? JSONDecoder().decode(
                Problem.self, from: Data(refusal.text(pretty: false).utf8))
            Terminal.note(
                "line \(line.map(String.init) ?? "?"): "
                    + Table.printable(problem?.summary ?? "refused"))
        }
        // No more than were sent, whatever a strange server answers.
        func count(_ name: String) -> Int64 {
            min(max(answer[name]?.integer ?? 0, 0), Int64(batch.lines.count))
        }
        let (accepted, fenced) = (count("accepted"), count("fenced"))
        if fenced > 0 {
            Terminal.note(
                "lines \(batch.firstLine) to \(batch.lastLine): \(fenced) refused, because their "
                    + "people were erased with a fence")
        }
        return Totals(accepted: accepted, refused: Int64(refusals.count) + fenced)
    }

    private func report(_ totals: Totals) {
        switch output.output {
        case .json:
            Terminal.print(
                JSONValue.object([
                    "accepted": .integer(totals.accepted), "refused": .integer(totals.refused),
                ]).text(pretty: false))
        case .table:
            let verb = dryRun ? "would be stored" : "stored"
            Terminal.print("\(totals.accepted) \(verb), \(totals.refused) refused")
        }
    }
}
