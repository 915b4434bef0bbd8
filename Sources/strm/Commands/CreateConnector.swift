import ArgumentParser
import Foundation

/// The kinds of buckets, as people type them and as they stand in requests.
enum ConnectorType: String, ExpressibleByArgument, CaseIterable {
    case s3, gcs, local
}

struct CreateConnector: AsyncParsableCommand {
    /// The server may have to try several times before it can say what is wrong with a bucket.
    static let probeSecondsMax: Int64 = 300

    static let configuration = CommandConfiguration(
        commandName: "connector",
        abstract: "Tell the server of a bucket that exporters may write to.",
        usage: """
            strm create connector <name> --type s3 --bucket <name> --region <region>
                                  --access-key-id <id> --secret-access-key-file <file> [options]
            strm create connector <name> --type gcs --bucket <name>
                                  (--service-account-file <file> |
                                   --access-key-id <id> --secret-access-key-file <file>)
            strm create connector <name> --type local --path <path>
            """,
        discussion: """
            The server tests it first: it puts a small object into the bucket and removes it \
            again, or says what is missing. Credentials come from files or from standard input, \
            are kept sealed, and are never shown again.

            EXAMPLE
              strm create connector lake --type s3 --bucket acme-events --region eu-central-1 \\
                --access-key-id AKIA… --secret-access-key-file key.txt
              strm create connector lake --type gcs --bucket acme-events \\
                --service-account-file account.json
              strm create connector archive --type local --path archive
            """)

    @Argument(help: "The name of the connector.") var name: String
    @Option(help: "s3 (and stores that speak its protocol), gcs or local.")
    var type: ConnectorType
    @Option(help: ArgumentHelp("The bucket (s3, gcs).", valueName: "name")) var bucket: String?
    @Option(help: "The bucket's region, such as eu-central-1 (s3).") var region: String?
    @Option(
        help: ArgumentHelp(
            "The store's address if it is not Amazon's or Google's own (s3, gcs).",
            valueName: "url"))
    var endpoint: String?
    @Flag(help: "Address the bucket in the path and not in the host's name (s3).")
    var pathStyle = false
    @Option(help: ArgumentHelp("A role to act as, by STS AssumeRole (s3).", valueName: "arn"))
    var roleArn: String?
    @Option(
        help: ArgumentHelp("What the role's trust policy asks for (s3).", valueName: "text"))
    var externalId: String?
    @Option(
        help: ArgumentHelp("STS, if it is not Amazon's own (s3).", valueName: "url"))
    var stsEndpoint: String?
    @OptionGroup var credentials: BucketCredentialOptions
    @Option(
        help: ArgumentHelp(
            "A path below the server's own directory for exports (local).", valueName: "path"))
    var path: String?

    @OptionGroup(title: "Connection") var connection: ConnectionOptions
    @OptionGroup var output: OutputOptions

    mutating func validate() throws {
        for (option, isGiven, types) in options where isGiven && !types.contains(type) {
            let fitting = types.map(\.rawValue).joined(separator: " or ")
            throw ValidationError("--\(option) goes with --type \(fitting).")
        }
        switch type {
        case .s3:
            try require([("bucket", bucket), ("region", region)])
            try requireAccessKey("A connector of type s3 needs")
            guard roleArn != nil || (externalId == nil && stsEndpoint == nil) else {
                throw ValidationError("--external-id and --sts-endpoint go with --role-arn ARN.")
            }
        case .gcs:
            try require([("bucket", bucket)])
            if credentials.serviceAccountFile == nil {
                try requireAccessKey(
                    "A connector of type gcs needs --service-account-file FILE, or")
            } else if credentials.accessKeyId != nil || credentials.secretAccessKeyFile != nil {
                throw ValidationError(
                    "Give either --service-account-file or --access-key-id with "
                        + "--secret-access-key-file, not both.")
            }
        case .local: try require([("path", path)])
        }
        let files = [
            credentials.secretAccessKeyFile, credentials.sessionTokenFile,
            credentials.serviceAccountFile, connection.clientSecretFile,
        ]
        guard files.count(where: { $0 == "-" }) <= 1 else {
            throw ValidationError("Standard input can be only one of the files.")
        }
    }

    /// What was given, and the types that it goes with.
    private var options: [(name: String, isGiven: Bool, types: [ConnectorType])] {
        [
            ("bucket", bucket != nil, [.s3, .gcs]), ("region", region != nil, [.s3]),
            ("endpoint", endpoint != nil, [.s3, .gcs]), ("path-style", pathStyle, [.s3]),
            ("role-arn", roleArn != nil, [.s3]), ("external-id", externalId != nil, [.s3]),
            ("sts-endpoint", stsEndpoint != nil, [.s3]),
            ("access-key-id", credentials.accessKeyId != nil, [.s3, .gcs]),
            ("secret-access-key-file", credentials.secretAccessKeyFile != nil, [.s3, .gcs]),
            ("session-token-file", credentials.sessionTokenFile != nil, [.s3]),
            ("service-account-file", credentials.serviceAccountFile != nil, [.gcs]),
            ("path", path != nil, [.local]),
        ]
    }

    private func require(_ options: [(name: String, value: String?)]) throws {
        for (option, value) in options where value == nil {
            throw ValidationError("A connector of type \(type.rawValue) needs --\(option).")
        }
    }

    private func requireAccessKey(_ beginning: String) throws {
        guard credentials.accessKeyId != nil, credentials.secretAccessKeyFile != nil else {
            throw ValidationError(
                "\(beginning) --access-key-id ID and --secret-access-key-file FILE.")
        }
    }

    func run() async throws {
        let body = try body()
        try await ServerClient.with(connection, .manage) { client in
            let reply = try await client.request(
                "POST", Entity.connector.collection, json: .object(body),
                timeoutSeconds: Self.probeSecondsMax)
            try reply.check("create the connector")
            Entity.connector.show(try reply.json(), as: output.output)
            guard output.output == .table else { return }
            Terminal.note("next: strm create batch-exporter STREAM --connector \(name)")
        }
    }

    /// Reads the secrets too.
    private func body() throws(CommandFailure) -> [String: JSONValue] {
        let texts: [(String, String?)] = [
            ("name", name), ("type", type.rawValue), ("bucket", bucket), ("region", region),
            ("endpoint", endpoint), ("roleArn", roleArn), ("externalId", externalId),
            ("stsEndpoint", stsEndpoint), ("path", path),
        ]
        var body = try credentials.members()
        for (member, text) in texts {
            if let text { body[member] = .string(text) }
        }
        if pathStyle { body["pathStyle"] = .boolean(true) }
        return body
    }
}
