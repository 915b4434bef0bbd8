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
    @OptionGroup var credentials: BucketCredentialOptions
    @OptionGroup(title: "Connection") var connection: ConnectionOptions

    mutating func validate() throws {
        let hasKey = credentials.accessKeyId != nil && credentials.secretAccessKeyFile != nil
        guard hasKey != (credentials.serviceAccountFile != nil) else {
            throw ValidationError(
                "Give either --access-key-id ID with --secret-access-key-file FILE, or "
                    + "--service-account-file FILE.")
        }
    }

    func run() async throws {
        let (path, members) = (
            try Entity.connector.path(name) + "/credentials", try credentials.members()
        )
        try await ServerClient.with(connection, .manage) { client in
            let reply = try await client.request(
                "PUT", path, json: .object(members),
                timeoutSeconds: CreateConnector.probeSecondsMax)
            try reply.check("use the new credentials of \(name)")
            Terminal.note("\(name) has other credentials now; they work")
        }
    }
}
