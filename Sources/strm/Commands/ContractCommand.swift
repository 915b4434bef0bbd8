import ArgumentParser
import Server

/// `strm contract diff`: what can be done with contracts without changing one.
struct ContractCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "contract", abstract: "Compare contracts.",
        subcommands: [ContractDiff.self])
}

struct ContractDiff: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "diff",
        abstract: "Say what differs between two contracts, and what that breaks.",
        usage: "strm contract diff <old> <new> [options]",
        discussion: """
            Each is a file, or the handle/name/version of a contract that the server has. Two \
            files are compared without a server.

            A change breaks BACKWARD if the new contract cannot take or read what was valid, \
            FORWARD if readers made for the old one cannot read what is valid now, and PRIVACY if \
            personal data is protected less: it then needs an approval of its own.

            EXIT STATUS
              0   nothing breaks
              1   something breaks; the table says what
              65  one of them is no contract, or the server has none of that name
              others as of strm

            EXAMPLE
              strm contract diff example/order/1.0.0 order.yaml
            """)

    @Argument(help: "The contract as it was.")
    var old: String

    @Argument(help: "The contract as it shall be.")
    var new: String

    @OptionGroup(title: "Connection") var connection: ConnectionOptions
    @OptionGroup var output: OutputOptions

    mutating func validate() throws {
        guard old != "-" || new != "-" else {
            throw ValidationError("Only one of the two can be standard input.")
        }
    }

    func run() async throws {
        let before = try await ContractSource.read(old, connection)
        let after = try await ContractSource.read(new, connection)
        let bytes: [UInt8]
        do throws(ContractDifference.Refused) {
            bytes = try ContractDifference.compare(old: before, new: after)
        } catch {
            throw CommandFailure(
                .invalidData, "\(error.isOld ? old : new) is no valid contract: \(error)")
        }
        let difference = try JSONValue(parsing: bytes)
        if output.output == .table {
            Self.show(difference)
        } else {
            Terminal.print(difference.text(pretty: true))
        }
        guard Self.breaking(difference).isEmpty else {
            throw ExitCode(CommandFailure.Status.failed.rawValue)
        }
    }

    private static func breaking(_ difference: JSONValue) -> [String] {
        ["backward", "forward", "privacy"].filter { difference["breaks"]?[$0] == .boolean(true) }
    }

    /// A table for people, and what breaks.
    static func show(_ difference: JSONValue) {
        let changes = difference["changes"]?.array ?? []
        guard !changes.isEmpty else { return Terminal.print("no differences") }
        var table = Table(["path", "change", "breaks"])
        for change in changes {
            let path = change["path"]?.string ?? ""
            table.add([
                path.isEmpty ? "(all)" : path, change["change"]?.string ?? "",
                (change["breaks"]?.array ?? []).compactMap(\.string).joined(separator: ", "),
            ])
        }
        Terminal.print(table.text)
        let breaking = breaking(difference)
        Terminal.note(
            breaking.isEmpty
                ? "nothing breaks"
                : "breaks \(breaking.joined(separator: ", "))"
                    + (breaking.contains("privacy") ? "; needs approval again" : ""))
    }
}
