import ArgumentParser

/// How objects may be compressed, as people type it and as it stands in requests.
enum ExportCompression: String, ExpressibleByArgument, CaseIterable {
    case none, gzip, zstd
}

struct CreateBatchExporter: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "batch-exporter",
        abstract: "Copy a stream or derived stream into a bucket, an object each interval.",
        usage: "strm create batch-exporter <stream> --connector <connector> [options]",
        discussion: """
            Each event goes into exactly one object of JSON lines, and beside each object lies a \
            signed manifest. A stream is exported sealed; a derived stream as a reader of it gets \
            it, and each release is in the audit log.

            It begins with events that come from now on, or at the oldest one that there is with \
            --include-existing-events.

            EXAMPLE
              strm create batch-exporter demo --connector lake --compress zstd
              strm create batch-exporter demo-1-4 --connector lake --interval 300 \\
                --path-prefix teams/web
            """)

    @Argument(help: "A stream or derived stream.") var stream: String
    @Option(help: ArgumentHelp("The connector of the bucket.", valueName: "connector"))
    var connector: String?
    @Option(help: "The exporter's name (default: after stream and connector).")
    var name: String?
    @Option(
        help: ArgumentHelp(
            "Seconds between two rounds, 30 to 3600 (default 60).",
            valueName: "seconds"))
    var interval: Int?
    @Option(
        help: ArgumentHelp(
            "What all objects' names begin with, before a slash.",
            valueName: "path"))
    var pathPrefix: String?
    @Flag(help: "Begin at the oldest event that there is.")
    var includeExistingEvents = false
    @Option(help: ArgumentHelp("gzip, zstd or none (default none).", valueName: "method"))
    var compress: ExportCompression?
    @Option(
        help: ArgumentHelp(
            "Where an object ends even if more is there: bytes of its events before compression.",
            valueName: "bytes"))
    var batchBytesMax: Int?
    @Flag(help: "Write the data keys beside each object; a DPO has to allow it first.")
    var includeKeys = false

    @OptionGroup(title: "Connection") var connection: ConnectionOptions
    @OptionGroup var output: OutputOptions

    mutating func validate() throws {
        guard connector != nil else {
            throw ValidationError(
                "An exporter needs --connector NAME: strm list connectors shows those there are, "
                    + "strm create connector makes one.")
        }
    }

    func run() async throws {
        let body = body
        try await ServerClient.with(connection, .export) { client in
            let reply = try await client.request(
                "POST", Entity.batchExporter.collection, json: .object(body))
            if reply.status == 403, includeKeys {
                throw CommandFailure(
                    .notPermitted,
                    "not permitted to create the exporter: "
                        + Problem.summary(status: reply.status, body: reply.body),
                    next: "strm allow key-export \(stream), as the DPO")
            }
            try reply.check("create the exporter")
            let exporter = try reply.json()
            Entity.batchExporter.show(exporter, as: output.output)
            guard output.output == .table else { return }
            Terminal.note("next: strm get batch-exporter \(exporter["name"]?.string ?? "")")
        }
    }

    private var body: [String: JSONValue] {
        var body: [String: JSONValue] = ["stream": .string(stream)]
        let texts = [
            ("connector", connector), ("name", name), ("pathPrefix", pathPrefix),
            ("compression", compress?.rawValue),
        ]
        for (member, text) in texts {
            if let text { body[member] = .string(text) }
        }
        for (member, number) in [("intervalSeconds", interval), ("batchBytesMax", batchBytesMax)] {
            if let number { body[member] = .integer(Int64(number)) }
        }
        if includeExistingEvents { body["includeExistingEvents"] = .boolean(true) }
        if includeKeys { body["includeKeys"] = .boolean(true) }
        return body
    }
}
