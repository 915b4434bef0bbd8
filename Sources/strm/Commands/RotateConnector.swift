import ArgumentParser

/// `strm rotate connector NAME`.
struct Rotate: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Replace the credentials of a connector.",
        subcommands: [RotateConnector.self])
}

struct RotateConnector: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "connector",
        abstract: "Replace a connector's credentials by others of the same bucket.",
        discussion: """
            The new ones are tested first; exporters keep their places and take them with their \
            next batch.

            EXAMPLE
              strm rotate connector lake --access-key-id AKIA… --secret-access-key-file new.txt
            """)

    @Argument(help: "Its name.") var name: String
    @Option(help: ArgumentHelp("The new access key's identifier.", valueName: "id"))
    var accessKeyId: String?
    @Option(
        help: ArgumentHelp("The file with its secret; - is standard input.", valueName: "file"))
    var secretAccessKeyFile: String?
    @Option(
        help: ArgumentHelp(
            "The file with the session token of temporary keys (s3).", valueName: "file"))
    var sessionTokenFile: String?
    @Option(
        help: ArgumentHelp(
            "The new JSON key of a service account (gcs).", valueName: "file"))
    var serviceAccountFile: String?
    @OptionGroup(title: "Connection") var connection: ConnectionOptions

    mutating func validate() throws {
        let hasKey = accessKeyId != nil && secretAccessKeyFile != nil
        guard hasKey != (serviceAccountFile != nil) else {
            throw ValidationError(
                "Give either --access-key-id ID with --secret-access-key-file FILE, or "
                    + "--service-account-file FILE.")
        }
    }

    func run() async throws {
        let texts: [(String, String?)] = [
            ("accessKeyId", accessKeyId),
            ("secretAccessKey", try secretAccessKeyFile.map(SecretFile.read)),
            ("sessionToken", try sessionTokenFile.map(SecretFile.read)),
            ("serviceAccount", try serviceAccountFile.map(CreateConnector.serviceAccount)),
        ]
        var body: [String: JSONValue] = [:]
        for (member, text) in texts {
            if let text { body[member] = .string(text) }
        }
        let (path, members) = (try Entity.connector.path(name) + "/credentials", body)
        try await ServerClient.with(connection, .manage) { client in
            let reply = try await client.request(
                "PUT", path, json: .object(members),
                timeoutSeconds: CreateConnector.probeSecondsMax)
            try reply.check("use the new credentials of \(name)")
            Terminal.note("\(name) has other credentials now; they work")
        }
    }
}
