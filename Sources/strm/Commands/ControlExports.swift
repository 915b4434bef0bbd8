import ArgumentParser

/// `strm test connector NAME`.
struct Test: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Test whether a connector's bucket can be used.",
        subcommands: [TestConnector.self])
}

/// `strm pause batch-exporter NAME`.
struct Pause: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Pause an exporter: it keeps its position, and events wait until they expire.",
        subcommands: [PauseBatchExporter.self])
}

/// `strm resume batch-exporter NAME`.
struct Resume: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Resume an exporter where it was paused: it tries at once.",
        subcommands: [ResumeBatchExporter.self])
}

/// `strm allow key-export STREAM`.
struct Allow: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Allow that data keys of a stream leave with exports (dpo).",
        subcommands: [AllowKeyExport.self])
}

/// `strm forbid key-export STREAM`.
struct Forbid: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Forbid that data keys of a stream leave with exports (dpo).",
        subcommands: [ForbidKeyExport.self])
}

struct TestConnector: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "connector",
        abstract: "Put a small object into the connector's bucket, and remove it again.",
        discussion: "EXAMPLE\n  strm test connector lake")
    @Argument(help: "Its name.") var name: String
    @OptionGroup(title: "Connection") var connection: ConnectionOptions

    func run() async throws {
        let path = try Entity.connector.path(name) + "/test"
        try await ServerClient.with(connection, .manage) { client in
            let reply = try await client.request(
                "POST", path, timeoutSeconds: CreateConnector.probeSecondsMax)
            try reply.check("use the bucket of \(name)")
            Terminal.note("\(name) works: an object was written and removed again")
        }
    }
}

struct PauseBatchExporter: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "batch-exporter", abstract: "Pause an exporter.",
        discussion: "EXAMPLE\n  strm pause batch-exporter demo-lake")
    @Argument(help: "Its name.") var name: String
    @OptionGroup(title: "Connection") var connection: ConnectionOptions
    func run() async throws { try await Self.change(name, "pause", connection) }

    /// Pauses or resumes the exporter `name`.
    static func change(
        _ name: String, _ action: String, _ connection: ConnectionOptions
    ) async throws {
        let path = try Entity.batchExporter.path(name) + "/\(action)"
        try await ServerClient.with(connection, .export) { client in
            try await client.request("POST", path).check("\(action) \(name)")
        }
    }
}

struct ResumeBatchExporter: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "batch-exporter", abstract: "Resume an exporter.",
        discussion: "EXAMPLE\n  strm resume batch-exporter demo-lake")
    @Argument(help: "Its name.") var name: String
    @OptionGroup(title: "Connection") var connection: ConnectionOptions
    func run() async throws { try await PauseBatchExporter.change(name, "resume", connection) }
}

struct AllowKeyExport: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "key-export",
        abstract: "Allow exporters of a stream to write data keys beside its events.",
        discussion: """
            Whoever holds a key can open what it sealed for ever: expiry and erasure have no power \
            over a copy that has left. Each hand-out is in the audit log. An exporter does it only \
            if it was made with --include-keys.

            EXAMPLE
              strm allow key-export demo
            """)
    @Argument(help: "A stream; a derived stream has no keys of its own.") var stream: String
    @OptionGroup(title: "Connection") var connection: ConnectionOptions

    func run() async throws {
        try await Self.decide(stream, true, connection)
        Terminal.note("keys of \(stream) may leave from now on; none can be called back")
    }

    static func decide(
        _ stream: String, _ isAllowed: Bool, _ connection: ConnectionOptions
    ) async throws {
        let path = try Entity.stream.path(stream) + "/key-export"
        try await ServerClient.with(connection, .releaseKeys) { client in
            let reply = try await client.request(
                "PUT", path, json: .object(["allowed": .boolean(isAllowed)]))
            try reply.check("\(isAllowed ? "allow" : "forbid") the export of keys of \(stream)")
        }
    }
}

struct ForbidKeyExport: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "key-export",
        abstract: "Forbid exporters of a stream to write data keys.",
        discussion: """
            Exporters that were made with --include-keys fail from now on, until they are deleted \
            or it is allowed again. Keys that have left stay where they are.

            EXAMPLE
              strm forbid key-export demo
            """)
    @Argument(help: "A stream.") var stream: String
    @OptionGroup(title: "Connection") var connection: ConnectionOptions
    func run() async throws { try await AllowKeyExport.decide(stream, false, connection) }
}
