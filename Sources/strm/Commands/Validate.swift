import ArgumentParser
import Foundation
import NIOCore
import Server

/// `strm validate FILE`: events against a contract, on this machine.
struct Validate: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Check events against a contract, without sending them.",
        usage: "strm validate [<file>] [--contract <file-or-ref>] [options]",
        discussion: """
            The file holds JSON events, one a line, or one event over several lines. They are \
            checked here, by the code that the server runs; without --contract, the contract that \
            the first event names is fetched once. Each event that does not conform is told with \
            its line, the place, the rule and what was expected; no value is shown.

            EXIT STATUS
              0   all conform
              1   some do not
              65  the contract is not valid, or the server has none of that name
              others as of strm

            EXAMPLE
              strm validate events.jsonl --contract order.yaml
            """)

    @Argument(help: "A file of JSON events; - or nothing reads standard input.")
    var file = "-"

    @Option(
        help: ArgumentHelp(
            "A contract document, or handle/name/version of one that the server has.",
            valueName: "file-or-ref"))
    var contract: String?

    @OptionGroup(title: "Connection") var connection: ConnectionOptions
    @OptionGroup var output: OutputOptions

    /// Refused events that `--output json` lists; more are counted only.
    private static let listedMax = 10_000

    mutating func validate() throws {
        guard file != "-" || contract != "-" else {
            throw ValidationError("Events and contract cannot both be standard input.")
        }
    }

    func run() async throws {
        var lines = try EventLines(path: file)
        let first = try lines.next()
        let checker = try await checker(for: first?.bytes)
        var conforming = 0
        var refused = 0
        var listed: [JSONValue] = []
        var event = first
        while let current = event {
            do throws(OfflineContract.Complaint) {
                try checker.check(current.bytes)
                conforming += 1
            } catch {
                refused += 1
                if output.output == .table {
                    Terminal.print("line \(current.number): \(Table.printable(error.summary))")
                } else if listed.count < Self.listedMax {
                    listed.append(error.json(line: current.number))
                }
            }
            event = try lines.next()
        }
        if output.output == .json {
            Terminal.print(
                JSONValue.object([
                    "contract": .string(checker.ref), "conforming": .integer(Int64(conforming)),
                    "refused": .integer(Int64(refused)), "lines": .array(listed),
                ]).text(pretty: true))
        } else {
            Terminal.print("\(conforming) conform to \(checker.ref), \(refused) do not")
        }
        if refused > 0 { throw ExitCode(CommandFailure.Status.failed.rawValue) }
    }

    private func checker(for event: [UInt8]?) async throws -> OfflineContract {
        let document: [UInt8]
        if let contract {
            document = try await ContractSource.read(contract, connection)
        } else {
            let named = event.flatMap { try? JSONValue(parsing: $0) }?["strmMeta"]?[
                "eventContractRef"]?.string
            guard let named else {
                throw CommandFailure(
                    .invalidData, "the first event names no contract",
                    next: "name one: --contract FILE, or --contract HANDLE/NAME/VERSION")
            }
            document = try await ContractSource.fetch(named, connection)
        }
        do throws(OfflineContract.Refused) {
            return try OfflineContract(document: document)
        } catch {
            throw CommandFailure(
                .invalidData, "the contract is not valid: \(error.description)")
        }
    }
}

/// The events of a file: its lines, or all of it if its first line is no JSON and the whole is.
///
/// Memory: one batch of lines; the whole, at most 16 MiB, where the first line is no JSON.
private struct EventLines {
    typealias Event = (bytes: [UInt8], number: Int)

    private var batches: LineBatches
    private var ready: [Event] = []
    private var isFirst = true

    init(path: String) throws(CommandFailure) {
        batches = try LineBatches(path: path, linesMax: 1_000)
    }

    mutating func next() throws(CommandFailure) -> Event? {
        if ready.isEmpty { try fill() }
        guard let event = ready.popLast() else { return nil }
        guard isFirst else { return event }
        isFirst = false
        return (try? JSONValue(parsing: event.bytes)) == nil ? try whole(event) : event
    }

    /// `ready` holds the events of a batch, the next one last.
    private mutating func fill() throws(CommandFailure) {
        guard let batch = try batches.next() else { return }
        let lines = batch.body.readableBytesView.split(
            separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)
        ready = zip(lines, batch.lines).map { (Array($0), $1) }.reversed()
    }

    private mutating func whole(_ first: Event) throws(CommandFailure) -> Event {
        var rest: [Event] = []
        var count = first.bytes.count
        while count <= InputFile.bytesMax {
            if ready.isEmpty { try fill() }
            guard let event = ready.popLast() else { break }
            rest.append(event)
            count += event.bytes.count + 1
        }
        let text = rest.reduce(into: first.bytes) { text, event in
            text.append(UInt8(ascii: "\n"))
            text += event.bytes
        }
        if (try? JSONValue(parsing: text)) != nil { return (text, first.number) }
        ready += rest.reversed()
        return first
    }
}

extension OfflineContract.Complaint {
    /// One line: where, what was expected, and whose rule it is.
    fileprivate var summary: String {
        var text = pointer.isEmpty ? "the event" : "at \(pointer)"
        text += ", \(kind) (\(rule)): expected \(expected)"
        if let ruleID { text += ", rule \(ruleID)" }
        if let message { text += ": \(message)" }
        return text
    }

    fileprivate func json(line: Int) -> JSONValue {
        var members: [String: JSONValue] = [
            "line": .integer(Int64(line)), "kind": .string(kind), "pointer": .string(pointer),
            "rule": .string(rule), "expected": .string(expected),
        ]
        if let ruleID { members["ruleId"] = .string(ruleID) }
        if let message { members["message"] = .string(message) }
        return .object(members)
    }
}
