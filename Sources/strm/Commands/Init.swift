import ArgumentParser
import Foundation
import Server

/// `strm init`: a data directory with its keys and its first administrator.
struct Init: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Make a data directory: keys, settings and the first administrator.",
        usage: "strm init [--data <directory>] [--master-key <source>] [options]",
        discussion: """
            The administrator's credentials are stored for the server that will run on this data \
            directory (--server), so that the commands that follow find them.

            EXAMPLE
              strm init
              strm init --data /var/lib/strm --master-key environment:STRM_MASTER_KEY
            """)

    @OptionGroup var directory: DataDirectoryOptions
    @OptionGroup var output: OutputOptions

    @Option(
        help: ArgumentHelp(
            """
            Where the master key comes from: file:PATH (made if it is missing), environment:NAME \
            or command:PROGRAM ARG… (default: a file in the data directory).
            """, valueName: "source"))
    var masterKey: String?

    @Option(
        help: ArgumentHelp(
            "The text that is written into strmMeta.billingId of each event.", valueName: "text"))
    var billingId: String?

    @Flag(
        help: ArgumentHelp(
            "One person runs this: the administrator may approve what they wrote themselves."))
    var singlePerson = false

    @Option(
        help: ArgumentHelp(
            """
            Keep a copy of the keyring in this directory, best on another device: it outlives the \
            loss of the keyring, and destroys keys at most a minute later than it.
            """, valueName: "directory"))
    var keyringEscrow: String?

    @Flag(help: "Keep no copy of the keyring; this is also what happens if nothing is said.")
    var noKeyringEscrow = false

    @Option(
        help: ArgumentHelp(
            "The address that the server will have (default: STRM_SERVER, else the standard one).",
            valueName: "url"))
    var server: String?

    mutating func validate() throws {
        if let masterKey, MasterKeyCustody(masterKey) == nil {
            throw ValidationError(
                "--master-key is file:PATH, environment:NAME or command:PROGRAM ARG…")
        }
        if keyringEscrow != nil, noKeyringEscrow {
            throw ValidationError("--keyring-escrow and --no-keyring-escrow exclude each other.")
        }
    }

    /// What was chosen, in one sentence, because nobody looks it up before the keyring is lost.
    private var escrowSentence: String {
        guard let escrow = escrowPath else {
            return "No copy of the keyring is kept: if it is lost, no personal field is opened "
                + "again by anyone,\nand what is destroyed in it is gone at once."
        }
        return "A copy of the keyring is kept in \(escrow): if the keyring is lost, it and the "
            + "master key bring it back,\nand what is destroyed is gone when the copy has been "
            + "overwritten too."
    }

    private var masterKeySentence: String {
        if escrowPath != nil {
            return "Copy it to a safe place\nthat is not the escrow's: erasures leave it as it is."
        }
        return masterKey == nil
            ? "Each erasure of a person puts\na new one in its place, and copies made before are "
                + "worthless then."
            : "Erasures of people leave it\nas it is unless erasures.renewsMasterKey says true: a "
                + "copy of an older keyring opens with it."
    }

    private var escrowPath: String? {
        keyringEscrow.map {
            let path = URL(filePath: $0, directoryHint: .isDirectory).standardizedFileURL.path(
                percentEncoded: false)
            return path.hasSuffix("/") && path.count > 1 ? String(path.dropLast()) : path
        }
    }

    func run() async throws {
        let data = directory.path
        let server = try ServerURL.chosen(server)
        let store = CredentialStore.standard()
        // The installation is there for good once it is made, and its secret is known only then.
        try store.checkWritable()
        let result = try await initialise(data)
        let administrator = Credential(
            clientId: result.administrator.clientID,
            clientSecret: result.administrator.clientSecret, role: "administrator", scope: nil)
        let failure = keep(administrator, result.auditVerifierKey, in: store, at: server)
        switch output.output {
        case .json:
            var members: [String: JSONValue] = [
                "dataDirectory": .string(data),
                "administrator": .object([
                    "clientId": .string(administrator.clientId),
                    "clientSecret": .string(administrator.clientSecret),
                ]),
                "auditVerifierKey": .string(result.auditVerifierKey),
                "credentialsFile": failure == nil ? .string(store.path) : .null,
            ]
            members["keyringEscrow"] = escrowPath.map { .string($0) } ?? .null
            if let path = result.masterKeyPath { members["masterKeyFile"] = .string(path) }
            Terminal.print(JSONValue.object(members).text())
        case .table:
            Terminal.print(
                Table.card(
                    [("data directory", data)] + Self.rows(administrator, failure, store, server)
                        + [("audit verifier key", result.auditVerifierKey)]))
            if let path = result.masterKeyPath {
                Terminal.print(
                    "\nThe master key is \(path): without it nobody opens any field again, and "
                        + "with it and\nthe data anybody does. Keep it out of backups of the data. "
                        + masterKeySentence)
            }
            Terminal.print("\n\(escrowSentence)")
            Terminal.note("next: strm serve\(directory.flagIfGiven)")
        }
        if let failure {
            throw CommandFailure(
                failure.status,
                "the installation is made, but its administrator could not be stored: "
                    + "\(failure.message). The secret above is shown this once: keep it",
                next: "strm serve, then strm credentials add administrator --role administrator "
                    + "--client-id \(administrator.clientId) --client-secret-file -, and strm "
                    + "audit keys --store, whose first key must be the one above")
        }
    }

    /// - Returns: why that could not be; the secret must be shown then, for nobody else has it.
    private func keep(
        _ administrator: Credential, _ verifierKey: String, in store: CredentialStore,
        at server: ServerURL
    ) -> CommandFailure? {
        do throws(CommandFailure) {
            try store.retireAll(at: server, on: Date())
            try store.store(administrator, named: "administrator", at: server)
            try store.pinVerifierKey(verifierKey, at: server)
            return nil
        } catch {
            return error
        }
    }

    private static func rows(
        _ administrator: Credential, _ failure: CommandFailure?, _ store: CredentialStore,
        _ server: ServerURL
    ) -> [(String, String)] {
        guard failure != nil else {
            return [("administrator", "stored in \(store.path), for \(server)")]
        }
        return [
            ("administrator", administrator.clientId),
            ("client secret", administrator.clientSecret),
        ]
    }

    private func initialise(_ data: String) async throws -> InitResult {
        do {
            return try await Installation.initialise(
                InitOptions(
                    dataDirectory: data,
                    // A server may be started from anywhere.
                    masterKey: masterKey.flatMap { MasterKeyCustody($0) }?.absolute(
                        in: FileManager.default.currentDirectoryPath),
                    billingID: billingId, isSinglePerson: singlePerson,
                    escrowDirectory: escrowPath))
        } catch {
            throw ServerFailure.explain(error, data: data)
        }
    }
}

/// Where the data directory is: `--data`, else `STRM_DATA`, else `./strm-data`.
struct DataDirectoryOptions: ParsableArguments {
    @Option(
        name: .customLong("data"),
        help: ArgumentHelp(
            "The data directory (default: STRM_DATA, else ./strm-data).", valueName: "directory"))
    var data: String?

    var path: String {
        let chosen = data ?? ProcessInfo.processInfo.environment["STRM_DATA"] ?? "strm-data"
        return URL(filePath: chosen, directoryHint: .isDirectory).standardizedFileURL.path(
            percentEncoded: false
        ).trimmingSuffix("/")
    }

    var flagIfGiven: String { data.map { " --data \($0)" } ?? "" }
}

extension String {
    fileprivate func trimmingSuffix(_ suffix: String) -> String {
        hasSuffix(suffix) && count > suffix.count ? String(dropLast(suffix.count)) : self
    }
}
