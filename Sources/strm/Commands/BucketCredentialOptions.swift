import ArgumentParser

/// What proves to a store who the server is. Secrets come from files or from standard input, never
/// from the command line.
struct BucketCredentialOptions: ParsableArguments {
    @Option(help: ArgumentHelp("The access key's identifier (s3, gcs).", valueName: "id"))
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
            "The JSON key of a service account; - is standard input (gcs).", valueName: "file"))
    var serviceAccountFile: String?

    /// The members of a request; reads the files.
    func members() throws(CommandFailure) -> [String: JSONValue] {
        let texts: [(String, String?)] = [
            ("accessKeyId", accessKeyId),
            ("secretAccessKey", try secretAccessKeyFile.map(SecretFile.read)),
            ("sessionToken", try sessionTokenFile.map(SecretFile.read)),
            ("serviceAccount", try serviceAccountFile.map(Self.serviceAccount)),
        ]
        var members: [String: JSONValue] = [:]
        for (member, text) in texts {
            if let text { members[member] = .string(text) }
        }
        return members
    }

    /// The document as it is; only that it is one is looked at here.
    private static func serviceAccount(_ path: String) throws(CommandFailure) -> String {
        let bytes = try InputFile.read(path)
        guard let document = try? JSONValue(parsing: bytes), case .object = document else {
            throw .cannotRead(path, reason: "it is not the JSON key of a service account")
        }
        return String(decoding: bytes, as: UTF8.self)
    }
}
