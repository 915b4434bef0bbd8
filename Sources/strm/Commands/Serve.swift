import ArgumentParser
import Foundation
import Server

/// `strm serve`: the server, in the foreground, until SIGTERM or SIGINT.
struct Serve: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Run the server until it is told to stop.",
        usage: "strm serve [--data <directory>] [--port <port>] [options]",
        discussion: """
            Settings come from DIR/strm.json, then from the environment (STRM_HTTP_PORT for \
            http.port), then from the flags here; the later wins. Any setting can be given with \
            --set. It listens on loopback unless it is told otherwise; anything else needs TLS, or \
            --allow-insecure-remote behind a proxy that ends TLS.

            SIGTERM and SIGINT stop it gracefully: what is in flight is finished and stored.

            EXAMPLE
              strm serve
              strm serve --host 0.0.0.0 --port 8443 --tls-certificate cert.pem --tls-key key.pem
              strm serve --set limits.keyCacheMax=1000000
            """)

    @OptionGroup var directory: DataDirectoryOptions

    @Option(
        help: ArgumentHelp("The address to listen on (default 127.0.0.1).", valueName: "address"))
    var host: String?

    @Option(
        help: ArgumentHelp(
            "The port (default \(ServerURL.standardPort)); 0 lets the system choose.",
            valueName: "port"))
    var port: Int?

    @Option(help: ArgumentHelp("The certificate chain, PEM.", valueName: "file"))
    var tlsCertificate: String?

    @Option(help: ArgumentHelp("The certificate's private key, PEM.", valueName: "file"))
    var tlsKey: String?

    @Flag(help: "Listen on an address that is not loopback without TLS.")
    var allowInsecureRemote = false

    @Option(
        help: ArgumentHelp(
            "file:PATH, environment:NAME or command:PROGRAM ARG….", valueName: "source"))
    var masterKey: String?

    @Option(help: ArgumentHelp("text or json (default text).", valueName: "format"))
    var logFormat: String?

    @Option(help: ArgumentHelp("trace to critical (default info).", valueName: "level"))
    var logLevel: String?

    @Option(
        name: .customLong("set"),
        help: ArgumentHelp(
            "Any other setting; docs/configuration.md lists them.", valueName: "key=value"))
    var settings: [String] = []

    mutating func validate() throws {
        for setting in settings where !setting.dropFirst().contains("=") {
            throw ValidationError("--set is KEY=VALUE, such as --set limits.keyCacheMax=1000000.")
        }
        if let port, !(0...65535).contains(port) {
            throw ValidationError("--port is a number from 0 to 65535.")
        }
    }

    func run() async throws {
        let data = directory.path
        // Settings may point elsewhere for the keys, so only a directory with nothing in it tells.
        guard FileManager.default.fileExists(atPath: "\(data)/db") else {
            throw CommandFailure(
                .notConfigured, "there is no installation in \(data)",
                next: "strm init --data \(data), or name another directory: --data DIR")
        }
        do {
            let settings = try ServerSettings.load(
                directory: data, overrides: overrides,
                environment: ProcessInfo.processInfo.environment)
            let server = StreamMachineServer(
                settings, onReady: { port in PortFile.write(port, in: data) })
            try await server.run()
            PortFile.remove(in: data)
        } catch {
            throw ServerFailure.explain(error, data: data)
        }
    }

    /// The flags as settings.
    private var overrides: [String: String] {
        var values: [String: String] = [:]
        for setting in settings {
            let parts = setting.split(
                separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            values[String(parts[0])] = String(parts[1])
        }
        values["http.host"] = host ?? values["http.host"]
        values["http.port"] = port.map(String.init) ?? values["http.port"]
        values["http.tls.certificate"] = tlsCertificate ?? values["http.tls.certificate"]
        values["http.tls.privateKey"] = tlsKey ?? values["http.tls.privateKey"]
        if allowInsecureRemote { values["http.allowInsecureRemote"] = "true" }
        values["masterKey"] = masterKey ?? values["masterKey"]
        values["log.format"] = logFormat ?? values["log.format"]
        values["log.level"] = logLevel ?? values["log.level"]
        return values
    }
}

/// `DIR/port`: the port that the running server listens on, for scripts that let the system choose
/// one. Written when requests are answered, removed by a graceful stop.
enum PortFile {
    static func write(_ port: Int, in directory: String) {
        do {
            try Data("\(port)\n".utf8).write(
                to: URL(filePath: "\(directory)/port"), options: .atomic)
        } catch {
            // The server serves all the same; who waits for the file finds the port in the log.
            Terminal.note("strm: cannot write \(directory)/port")
        }
    }

    static func remove(in directory: String) {
        unlink("\(directory)/port")
    }
}
