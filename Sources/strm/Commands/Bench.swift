import ArgumentParser
import Server

/// `strm bench null`: the HTTP stack alone, for comparison.
struct Bench: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Measurements of this program, and what they are compared with.",
        shouldDisplay: false,
        subcommands: [BenchNull.self, BenchStages.self])
}

struct BenchNull: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "null",
        abstract: "Answer 204 to every request, with the server's own HTTP stack and nothing else.")

    @Option(help: "0 lets the system choose; the port is printed.") var port = 0
    @Option(help: ArgumentHelp("Event loops; 0 is one for each processor.", valueName: "count"))
    var threads = 0

    func run() async throws {
        do {
            try await NullServer.run(host: "127.0.0.1", port: port, threads: threads) { port in
                Terminal.print("port \(port)")
            }
        } catch {
            throw ServerFailure.explain(error, data: nil)
        }
    }
}
