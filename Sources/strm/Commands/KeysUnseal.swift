import ArgumentParser
import Foundation

/// `strm keys unseal`: brings a sealed server its master key.
struct KeysUnseal: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "unseal",
        abstract: "Bring a sealed server its master key.",
        usage: "strm keys unseal [--key-file <file>] [options]",
        discussion: """
            A server that cannot get its master key (the variable is not set, the command fails, the \
            file is missing) starts sealed: it answers health checks and metrics and refuses \
            everything else, until somebody brings the key. No client is needed; the key is the \
            proof. It travels over TLS, or to a server on this machine.

            The key is 32 bytes, raw, in base64 or in hexadecimal digits, from a file or standard \
            input; on a terminal it is asked for and not shown.

            EXAMPLE
              strm keys unseal
              age -d master.key.age | strm keys unseal --key-file -
            """)

    @Option(
        help: ArgumentHelp("The file that holds the key; - is standard input.", valueName: "file"))
    var keyFile = "-"
    @OptionGroup(title: "Connection") var connection: ConnectionOptions

    /// Far more than any form of a key; more is none.
    private static let bytesMax = 4_096

    func run() async throws {
        let server = try ServerURL.chosen(connection.server)
        guard server.isSecure || server.isLoopback else {
            throw CommandFailure(
                .failed, "a master key is not sent in clear to another machine",
                next: "run this on the server's own machine, or name it with https://")
        }
        let nobody = Credential(clientId: "", clientSecret: "", role: nil, scope: nil)
        try await ServerClient.with(server, nobody, trusting: connection.trustRoots()) { client in
            let state = try await client.requestWithoutToken("GET", "/readyz")
            guard state.status == 503, state.isSealed else {
                // Nothing is read or sent: a key has no business with an open server.
                Terminal.note("\(server) is not sealed")
                return
            }
            let key = try readKey()
            let reply = try await client.requestWithoutToken(
                "POST", "/v1/unseal", body: key, contentType: "text/plain", timeoutSeconds: 600)
            if reply.status == 403,
                Problem.type(body: reply.body)?.hasSuffix("/wrong-master-key") == true
            {
                throw CommandFailure(
                    .notPermitted, "this is not the master key of this installation")
            }
            if reply.status == 403 {
                throw CommandFailure(
                    .notPermitted, Problem.summary(status: reply.status, body: reply.body))
            }
            // The server answers with its reason; `check` would say that it is sealed.
            guard reply.isSuccess else {
                throw CommandFailure(
                    reply.status == 429 ? .overloaded : .failed,
                    "cannot unseal: \(Problem.summary(status: reply.status, body: reply.body))")
            }
            Terminal.note("\(server) is open")
        }
    }

    private func readKey() throws(CommandFailure) -> [UInt8] {
        if keyFile == "-", isatty(STDIN_FILENO) == 1 { return try Self.ask() }
        var handle = FileHandle.standardInput
        if keyFile != "-" {
            guard let opened = FileHandle(forReadingAtPath: keyFile) else {
                throw .cannotRead(keyFile, reason: "no such file, or not permitted")
            }
            handle = opened
        }
        let bytes: [UInt8]
        do {
            bytes = [UInt8](try handle.read(upToCount: Self.bytesMax + 1) ?? Data())
        } catch {
            throw .cannotRead(keyFile, reason: "it is not a file that can be read")
        }
        guard !bytes.isEmpty, bytes.count <= Self.bytesMax else {
            throw .cannotRead(keyFile, reason: "it holds no key")
        }
        return bytes.count == 32 ? Array(Data(bytes).base64EncodedString().utf8) : bytes
    }

    /// A line that the terminal does not show.
    private static func ask() throws(CommandFailure) -> [UInt8] {
        var before = termios()
        guard tcgetattr(STDIN_FILENO, &before) == 0 else {
            throw .cannotRead("the terminal", reason: "it cannot be told to hide the key")
        }
        var hidden = before
        hidden.c_lflag &= ~tcflag_t(ECHO)
        tcsetattr(STDIN_FILENO, TCSAFLUSH, &hidden)
        defer { tcsetattr(STDIN_FILENO, TCSAFLUSH, &before) }
        Terminal.note("master key (base64 or hexadecimal, not shown):")
        guard let line = readLine(strippingNewline: true), !line.isEmpty else {
            throw .cannotRead("the terminal", reason: "no key was given")
        }
        return Array(line.utf8)
    }
}
