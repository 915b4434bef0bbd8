import ArgumentParser
import Server

/// `strm bench`: the HTTP stack alone, for comparison, and the stages of the hot path.
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
    @Option(help: ArgumentHelp("Certificate chain, PEM: speaks TLS.", valueName: "file"))
    var tlsCertificate: String?
    @Option(help: ArgumentHelp("The certificate's private key, PEM.", valueName: "file"))
    var tlsKey: String?

    func validate() throws {
        guard (tlsCertificate == nil) == (tlsKey == nil) else {
            throw ValidationError("--tls-certificate and --tls-key go together.")
        }
    }

    func run() async throws {
        do {
            try await NullServer.run(
                port: port, threads: threads, tlsCertificate: tlsCertificate, tlsKey: tlsKey
            ) { port in
                Terminal.print("port \(port)")
            }
        } catch {
            throw ServerFailure.explain(error, data: nil)
        }
    }
}
