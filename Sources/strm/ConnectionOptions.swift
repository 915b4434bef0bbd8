import ArgumentParser

/// What every command that talks to a server accepts.
struct ConnectionOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "The server (default: STRM_SERVER, else \(ServerURL.standard)).",
            valueName: "url"))
    var server: String?

    @Option(
        name: .customLong("ca-file"),
        help: ArgumentHelp(
            "Trust the certificates in this PEM file (instead of the system's).",
            valueName: "file"))
    var certificateAuthorityFile: String?

    @Option(
        help: ArgumentHelp(
            "Act as this client instead of one that was stored.", valueName: "id"))
    var clientId: String?

    @Option(
        help: ArgumentHelp(
            "The file that holds that client's secret; - is standard input.",
            valueName: "file"))
    var clientSecretFile: String?

    mutating func validate() throws {
        if (clientId == nil) != (clientSecretFile == nil) {
            throw ValidationError("--client-id and --client-secret-file go together.")
        }
        if let server, ServerURL(server) == nil {
            throw ValidationError("'\(server)' is not an http:// or https:// address.")
        }
    }
}

/// How results are printed.
enum OutputFormat: String, ExpressibleByArgument, CaseIterable {
    case table
    case json
}

struct OutputOptions: ParsableArguments {
    @Option(name: [.long, .short], help: "How to print: table for people, json for programs.")
    var output: OutputFormat = .table
}
