import ArgumentParser
import Foundation
import NIOCore

/// `strm simulate STREAM`: invented clickstream events, one request each, over HTTP/2.
struct Simulate: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Send invented clickstream events.",
        discussion: """
            The events fit Examples/contracts/clickstream.json: visitors of a shop, each with a \
            session, a consent and an e-mail address that belongs to nobody. Each event is a \
            request of its own, on one HTTP/2 connection, and is answered once it is stored.

            --consent says how many visitors consent to which levels: 0-1-4:30 means that 30 of \
            the sum consent to 0, 1 and 4.

            EXAMPLE
              strm simulate demo --rate 500 --seconds 10
              strm simulate demo --consent none:50,0-1-4:50 --seed 7
              strm simulate --dry-run --count 3
            """)

    @Argument(help: "The stream; not needed with --dry-run.")
    var stream: String?

    @Option(help: ArgumentHelp("Events a second; 0 is as fast as it goes.", valueName: "count"))
    var rate = 100.0

    @Option(
        help: ArgumentHelp("How long (default 60, if there is no --count).", valueName: "seconds"))
    var seconds: Double?

    @Option(help: ArgumentHelp("How many events.", valueName: "count"))
    var count: Int?

    @Option(help: ArgumentHelp("Visitors at the same time.", valueName: "count"))
    var sessions = 50

    @Option(help: ArgumentHelp("Who consents to what.", valueName: "levels:weight,…"))
    var consent = ConsentMix.standard

    @Option(help: ArgumentHelp("Makes the run repeatable (default: a new one each time)."))
    var seed: UInt64?

    @Option(help: ArgumentHelp("The contract that the events name.", valueName: "ref"))
    var contract = Clickstream.contract

    @Option(help: ArgumentHelp("Requests under way at once, 1 to 100.", valueName: "count"))
    var inFlight = 64

    @Flag(help: "Print the events instead of sending them.")
    var dryRun = false

    @OptionGroup(title: "Connection") var connection: ConnectionOptions
    @OptionGroup var output: OutputOptions

    mutating func validate() throws {
        guard dryRun || stream != nil else { throw ValidationError("Which stream?") }
        guard rate >= 0, rate <= 10_000_000, seconds.map({ $0 > 0 && $0 <= 1e9 }) ?? true,
            count.map({ $0 > 0 }) ?? true, (1...1_000_000).contains(sessions)
        else {
            throw ValidationError("--rate, --seconds, --count and --sessions are positive numbers.")
        }
        guard ConsentMix(consent) != nil else {
            throw ValidationError("--consent is a list such as \(ConsentMix.standard).")
        }
        guard (1...HTTP2Connection.streamsMax).contains(inFlight) else {
            throw ValidationError("--in-flight is a number from 1 to 100.")
        }
    }

    func run() async throws {
        guard let mix = ConsentMix(consent) else { return }
        var source = Clickstream(
            seed: seed ?? .random(in: 0...UInt64(UInt32.max)), sessions: sessions, mix: mix,
            contractRef: contract)
        guard !dryRun, let stream else {
            for _ in 0..<(count ?? 10) { Terminal.print(source.next()) }
            return
        }
        let run = try await ServerClient.with(connection, .send(stream: stream)) { client in
            try await EventSender.with(client, trusting: connection.trustRoots()) { sender in
                var run = SimulationRun(rate: rate, seconds: limitSeconds, count: count)
                try await run.send(inFlight: inFlight, to: sender) { source.next() }
                return run
            }
        }
        report(run)
        if run.refused > 0 { throw ExitCode(CommandFailure.Status.failed.rawValue) }
    }

    private var limitSeconds: Double? { seconds ?? (count == nil ? 60 : nil) }

    private func report(_ run: SimulationRun) {
        let rate = Double(run.stored) / max(run.elapsedSeconds, 0.001)
        switch output.output {
        case .json:
            Terminal.print(
                JSONValue.object([
                    "stored": .integer(Int64(run.stored)),
                    "refused": .integer(Int64(run.refused)),
                    "seconds": .number(run.elapsedSeconds),
                    "p50Milliseconds": .number(run.latency.quantile(0.5)),
                    "p99Milliseconds": .number(run.latency.quantile(0.99)),
                ]).text(pretty: false))
        case .table:
            Terminal.print(
                "\(run.stored) stored and synced, \(run.refused) refused, "
                    + "\(Int(rate.rounded())) events a second; "
                    + "p50 \(Self.rounded(run.latency.quantile(0.5))) ms, "
                    + "p99 \(Self.rounded(run.latency.quantile(0.99))) ms")
        }
        if let problem = run.firstProblem { Terminal.note("first refusal: \(problem)") }
    }

    private static func rounded(_ milliseconds: Double) -> String {
        String((milliseconds * 10).rounded() / 10)
    }
}
