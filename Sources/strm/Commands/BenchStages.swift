import ArgumentParser
import Foundation
import Server

/// `strm bench stages`: the stages of the hot path, timed one by one in this process.
struct BenchStages: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "stages",
        abstract: "Time the stages of the hot path one by one, in this process.",
        discussion: """
            Decodes, seals, stores and reads the clickstream event of the examples, of 1,000 \
            sequences, without HTTP. Each row is the median of the rounds. Its name says what it \
            contains; rows overlap, so they are not to be summed, and a stage alone keeps the \
            processor's caches to itself, so the whole lane costs more than its stages. [cpu] is \
            processor time of the one thread that does it, [elapsed] is time on the wall, with \
            waiting for the disk.

            The data lies in a directory of its own under --data-directory, whose disk is the one \
            that is measured, and is removed at the end.

            ALLOCATIONS
              They are counted if a library is preloaded (LD_PRELOAD) that exports

                unsigned long long strm_allocation_count(void)

              the number of calls of malloc, calloc, realloc and their kin so far, of all \
            threads. Without it there are none in the table, and null in the JSON.

            EXAMPLE
              strm bench stages
              strm bench stages --json --rounds 9 --data-directory /var/tmp
            """)

    @Flag(
        help: """
            Print a JSON list of objects with stage, nanosecondsPerEvent and allocationsPerEvent; \
            what was measured goes to standard error.
            """)
    var json = false

    @Option(help: ArgumentHelp("Rounds of each stage, 1 to 1000.", valueName: "count"))
    var rounds = 5

    @Option(
        help: ArgumentHelp(
            "Where the scratch directory is made (default: the system's temporary directory).",
            valueName: "directory"))
    var dataDirectory: String?

    mutating func validate() throws {
        guard (1...StageBenchmark.Options.roundsMax).contains(rounds) else {
            throw ValidationError(
                "--rounds is a number from 1 to \(StageBenchmark.Options.roundsMax).")
        }
    }

    func run() async throws {
        var options = StageBenchmark.Options()
        options.rounds = rounds
        options.dataDirectory = dataDirectory
        let report: StageBenchmark.Report
        do {
            report = try await StageBenchmark.run(options) { Terminal.progress($0) }
        } catch let error as CancellationError {
            Terminal.endProgress()
            throw error
        } catch {
            throw ServerFailure.explain(error, data: nil)
        }
        Terminal.endProgress()
        if json {
            Terminal.note(Self.remarks(report))
            Terminal.print(Self.json(report))
        } else {
            Terminal.print(Self.remarks(report))
            Terminal.print("\n" + Self.table(report))
        }
    }

    private static func remarks(_ report: StageBenchmark.Report) -> String {
        var text =
            "\(report.sequences) events of \(report.eventBytes) bytes, each of its own sequence; "
            + "medians of \(report.rounds) rounds\nDisk: \(Table.printable(report.disk))"
        #if DEBUG
            text += "\nThis is a debug build: its figures say nothing about the product."
        #endif
        return text
    }

    private static func json(_ report: StageBenchmark.Report) -> String {
        JSONValue.array(
            report.rows.map { row in
                .object([
                    "stage": .string(row.stage),
                    "nanosecondsPerEvent": .number(row.nanosecondsPerEvent),
                    "allocationsPerEvent": row.allocationsPerEvent.map { .number($0) } ?? .null,
                ])
            }
        ).text()
    }

    /// A table that is Markdown, and can be read as it is.
    private static func table(_ report: StageBenchmark.Report) -> String {
        let rows = report.rows.map { row in
            [
                row.stage, rounded(row.nanosecondsPerEvent, digits: 0),
                rounded(row.fastestNanosecondsPerEvent, digits: 0),
                row.allocationsPerEvent.map { rounded($0, digits: 3) } ?? "–",
            ]
        }
        let titles = ["stage", "ns an event", "fastest round", "allocations an event"]
        let widths = titles.indices.map { column in
            ([titles] + rows).map { $0[column].count }.max() ?? 0
        }
        func line(_ cells: [String]) -> String {
            let padded = cells.indices.map { column in
                let space = String(repeating: " ", count: widths[column] - cells[column].count)
                return column == 0 ? cells[column] + space : space + cells[column]
            }
            return "| " + padded.joined(separator: " | ") + " |"
        }
        let rule = widths.enumerated().map { column, width in
            String(repeating: "-", count: width + (column == 0 ? 2 : 1)) + (column == 0 ? "" : ":")
        }
        return ([line(titles), "|" + rule.joined(separator: "|") + "|"] + rows.map(line))
            .joined(separator: "\n")
    }

    private static func rounded(_ value: Double, digits: Int) -> String {
        String(format: "%.\(digits)f", value)
    }
}
