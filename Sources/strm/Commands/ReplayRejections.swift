import ArgumentParser
import Foundation

struct ReplayRejections: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "replay",
        abstract: "Send kept refused events through the gate again (dpo, administrator).",
        usage: """
            strm rejections replay <stream> --offsets <offsets>
            strm rejections replay <stream> --all [--contract <ref>] [--from <time>]
            """,
        discussion: """
            They are checked as events of now, by the contract that they name: mend, register or \
            activate it first. What is accepted is stored as an event and never replayed again; \
            what is refused again stays kept. The status is 1 if any was refused or failed.

            EXAMPLE
              strm rejections replay demo --offsets 3,7
              strm rejections replay demo --all --contract example/clickstream/1.0.0
            """)

    @Argument(help: "The stream.") var stream: String

    @Option(help: ArgumentHelp("These, such as 3,7.", valueName: "offsets"))
    var offsets: String?

    @Flag(help: "All that the stream keeps and that were not replayed.")
    var all = false

    @Option(help: ArgumentHelp("Only those that named this contract.", valueName: "ref"))
    var contract: String?

    @Option(help: ArgumentHelp("Only those since 15m (ago), 2h, 7d or a time.", valueName: "time"))
    var from: String?

    @OptionGroup(title: "Connection") var connection: ConnectionOptions
    @OptionGroup var output: OutputOptions

    mutating func validate() throws {
        guard (offsets != nil) != all else {
            throw ValidationError("Give either --offsets 3,7 or --all.")
        }
        guard offsets == nil || (contract == nil && from == nil) else {
            throw ValidationError("--contract and --from go with --all.")
        }
        guard parsedOffsets != nil else {
            throw ValidationError("--offsets is a list of at most 1000 numbers, such as 3,7.")
        }
        if let from, Timestamp.parse(from, now: Date()) == nil {
            throw ValidationError("--from is 15m, 2h, 7d, 2026-11-23T10:00:00Z or milliseconds.")
        }
    }

    /// nil: not a list of offsets. Empty if none were given.
    private var parsedOffsets: [Int64]? {
        guard let offsets else { return [] }
        let words = offsets.split(separator: ",", omittingEmptySubsequences: false)
        let numbers = words.compactMap { Int64($0) }.filter { $0 >= 0 }
        return numbers.count == words.count && numbers.count <= 1_000 ? numbers : nil
    }

    func run() async throws {
        let path = try Entity.stream.path(stream) + "/rejections/replay"
        let first = request
        let results = try await ServerClient.with(connection, .replayRejections) { client in
            var results: [JSONValue] = []
            var cursor: JSONValue?
            repeat {
                var body = first
                if let cursor { body["cursor"] = cursor }
                let reply = try await client.request(
                    "POST", path, json: .object(body), timeoutSeconds: 300)
                try reply.check("replay the refused events of \(stream)")
                let answer = try reply.json()
                results += answer["results"]?.array ?? []
                cursor = answer["nextCursor"].flatMap { $0 == .null ? nil : $0 }
            } while cursor != nil
            return results
        }
        report(results)
        let isComplete = results.allSatisfy {
            ["accepted", "already-replayed"].contains($0["outcome"]?.string)
        }
        if !isComplete { throw ExitCode(CommandFailure.Status.failed.rawValue) }
    }

    private var request: [String: JSONValue] {
        guard offsets == nil else {
            return ["offsets": .array((parsedOffsets ?? []).map { .integer($0) })]
        }
        var body: [String: JSONValue] = [:]
        if let contract { body["contract"] = .string(contract) }
        if let from, let time = Timestamp.parse(from, now: Date()) { body["from"] = .integer(time) }
        return body
    }

    private func report(_ results: [JSONValue]) {
        guard output.output == .table else {
            return Terminal.print(JSONValue.object(["results": .array(results)]).text())
        }
        var table = Table(["offset", "outcome", "rule", "place", "expected"])
        for result in results {
            let problem = result["problem"]
            table.add(
                [result["offset"], result["outcome"]].map { $0?.cell ?? "" }
                    + [
                        problem?["ruleId"] ?? problem?["rule"], problem?["place"],
                        problem?["expected"],
                    ].map { $0?.cell ?? "" })
        }
        Terminal.print(table.text)
    }
}
