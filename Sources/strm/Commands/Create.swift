import ArgumentParser
import Foundation

/// `strm create contract|stream|client|connector|batch-exporter`.
struct Create: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Create a contract, a stream, a client, a connector or an exporter.",
        subcommands: [
            CreateContract.self, CreateStream.self, CreateClient.self, CreateConnector.self,
            CreateBatchExporter.self,
        ])
}

struct CreateContract: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "contract",
        abstract: "Register a contract; it is a draft until it is approved and activated.",
        usage: "strm create contract <file> [--review | --activate | --dry-run] [options]",
        discussion: """
            The file is JSON or YAML: a schema, the key field, which fields are personal data and \
            at which level, and validations. An active contract never changes: a change is a new \
            version. --dry-run checks everything, stores nothing, and shows what would be made; of \
            a Simple Schema also its translation to Avro.

            Who wrote it does not approve it; a data protection officer does. --activate takes \
            all steps at once, each with the stored credential that may take it.

            EXAMPLE
              strm create contract Examples/contracts/newsletter.yaml --dry-run
              strm create contract Examples/contracts/clickstream.json --review
              strm approve contract example/clickstream/1.0.0
            """)

    @Argument(help: "The contract document; - reads standard input.")
    var file: String

    @Flag(help: "Ask for its review too.")
    var review = false

    @Flag(help: "Ask for its review, approve it and activate it too.")
    var activate = false

    @Flag(help: "Check it and show what would be made; store nothing.")
    var dryRun = false

    @OptionGroup(title: "Connection") var connection: ConnectionOptions
    @OptionGroup var output: OutputOptions

    mutating func validate() throws {
        guard !(activate && dryRun) else {
            throw ValidationError("--activate and --dry-run exclude each other.")
        }
    }

    func run() async throws {
        let document = try InputFile.read(file)
        let contentType = ContractFile.contentType(document)
        guard !dryRun else {
            return try await ServerClient.with(connection, .write) { client in
                try await preview(document, contentType, client)
            }
        }
        var contract = try await ServerClient.with(connection, .write) { client in
            let reply = try await client.request(
                "POST", "/v1/contracts", body: document, contentType: contentType)
            try reply.check("create the contract")
            let made = try reply.json()
            guard review || activate, let ref = made["ref"]?.string else { return made }
            return try await ContractAct.review.perform(ref, client)
        }
        let ref = contract["ref"]?.string ?? ""
        if activate {
            contract = try await ContractAct.approve.perform(
                ref, number: contract["number"]?.integer, connection)
            contract = try await ContractAct.activate.perform(ref, connection)
        }
        Entity.contract.show(contract, as: output.output)
        if output.output == .table { ContractAct.noteNext(contract) }
    }
}

struct CreateStream: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "stream",
        abstract: "Create a stream, or a derived stream of one.",
        usage: """
            strm create stream <name> [--retention-days <days>] [--keep-rejections]
            strm create stream [<name>] --derived-from <stream> --levels <levels> [--mask <field>]...
            strm create stream [<name>] --derived-from <stream> --cumulative <level> [--mask <field>]...
            """,
        discussion: """
            A stream holds events with their personal fields sealed. A derived stream is a view of \
            one: it passes only events whose sender's consent covers its levels, and opens the \
            fields of those levels. Both come with a client of their own, whose credentials are \
            stored here.

            --mask HANDLE/NAME:FIELD replaces the values of a field, personal or not, by a keyed \
            hash: equal values stay equal within the derived stream. HANDLE/NAME/VERSION masks in \
            one version only. With ,murmur3=SEED behind it the hash is MurmurHash3 under your \
            seed, which is weak: whoever guesses a value can check the guess.

            EXAMPLE
              strm create stream demo --retention-days 30
              strm create stream --derived-from demo --levels 1,4       makes demo-1-4
              strm create stream --derived-from demo --cumulative 2     makes demo-c2 (levels 0,1,2)
              strm create stream --derived-from demo --levels 1 \\
                --mask example/clickstream:customer/email
              strm create stream --derived-from demo --levels 1,4 --dry-run
              strm approve stream demo-1-4                              by the DPO; then it is read
            """)

    @Argument(help: "The name. A derived stream is named after its source if you give none.")
    var name: String?

    @Option(help: ArgumentHelp("The stream that this one is a view of.", valueName: "stream"))
    var derivedFrom: String?

    @Option(help: ArgumentHelp("Exactly these consent levels, such as 1,4.", valueName: "levels"))
    var levels: String?

    @Option(help: ArgumentHelp("All consent levels from 0 to this one.", valueName: "level"))
    var cumulative: Int?

    @Option(
        help: ArgumentHelp(
            "Show a hash in place of this field; may be given 64 times.",
            valueName: "handle/name:field"))
    var mask: [MaskOption] = []

    @Flag(help: "Make nothing: count what the derived stream would show of the stored events.")
    var dryRun = false

    @Option(
        help: ArgumentHelp("Days that events are kept, 1 to 400 (default 7).", valueName: "days"))
    var retentionDays: Int?

    @Flag(help: "Keep the bodies of refused events, sealed.")
    var keepRejections = false

    @Flag(help: "Approve the derived stream too, with the stored credential of a DPO.")
    var approve = false

    @OptionGroup(title: "Connection") var connection: ConnectionOptions
    @OptionGroup var output: OutputOptions

    mutating func validate() throws {
        if derivedFrom == nil {
            guard !approve else {
                throw ValidationError("Only a derived stream is approved: --derived-from STREAM.")
            }
            guard name != nil else { throw ValidationError("A stream needs a name.") }
            guard levels == nil, cumulative == nil, mask.isEmpty, !dryRun else {
                throw ValidationError(
                    "--levels, --cumulative, --mask and --dry-run go with --derived-from STREAM.")
            }
        } else {
            guard (levels == nil) != (cumulative == nil) else {
                throw ValidationError(
                    "A derived stream needs either --levels 1,4 or --cumulative 2.")
            }
            guard retentionDays == nil else {
                throw ValidationError("A derived stream keeps nothing: it has no --retention-days.")
            }
            guard !keepRejections else {
                throw ValidationError("--keep-rejections goes with a stream that is not derived.")
            }
        }
        guard parsedLevels != nil else {
            throw ValidationError("--levels is a list of numbers from 0 to 63, such as 1,4.")
        }
    }

    /// nil: not a list of levels. Empty if none were given.
    private var parsedLevels: [Int64]? {
        guard let levels else { return [] }
        let words = levels.split(separator: ",", omittingEmptySubsequences: false)
        let numbers = words.compactMap { Int64($0) }.filter { (0...63).contains($0) }
        return numbers.count == words.count ? numbers : nil
    }

    /// Counts what the derived stream would show, and makes nothing.
    private func measure(_ request: JSONValue) async throws {
        try await ServerClient.with(connection, .approve) { client in
            let reply = try await client.request(
                "POST", "/v1/dry-runs", json: request,
                timeoutSeconds: DryRunReport.timeoutSeconds)
            try reply.check("measure the derived stream")
            DryRunReport(try reply.json()).show(as: output.output)
        }
    }

    func run() async throws {
        var body: [String: JSONValue] = [:]
        if let name { body["name"] = .string(name) }
        if let derivedFrom { body["derivedFrom"] = .string(derivedFrom) }
        if levels != nil { body["levels"] = .array((parsedLevels ?? []).map { .integer($0) }) }
        if let cumulative { body["cumulative"] = .integer(Int64(cumulative)) }
        if !mask.isEmpty { body["masks"] = .array(mask.map(\.json)) }
        if let retentionDays { body["retentionDays"] = .integer(Int64(retentionDays)) }
        if keepRejections { body["keepsRejections"] = .boolean(true) }
        let request = JSONValue.object(body)
        guard !dryRun else { return try await measure(request) }
        let errand: Purpose = derivedFrom == nil ? .manage : .write
        var (stream, stored) = try await ServerClient.with(connection, errand) { client in
            let reply = try await client.request("POST", "/v1/streams", json: request)
            try reply.check("create the stream")
            let stream = try reply.json()
            let stored = try NewClient.store(
                stream["client"], named: stream["name"]?.string, at: client.server)
            return (stream, stored)
        }
        let name = stream["name"]?.string ?? ""
        if approve {
            let approved = try await ApproveStream.decide(
                name, "approve", ["id": stream["id"] ?? .null], connection)
            stream = stream.merging(approved)
        }
        Entity.stream.show(
            stream, as: output.output,
            more: ["client": "\(stored.clientId), stored in \(stored.path)"])
        guard output.output == .table else { return }
        if derivedFrom == nil {
            Terminal.note("next: strm send \(name) FILE, or strm simulate \(name)")
        } else {
            Terminal.note(
                approve
                    ? "next: strm listen \(name)"
                    : "next: strm dry-run stream \(name), then strm approve stream \(name) "
                        + "--id \(stream["id"]?.cell ?? "N") (by a dpo)")
        }
    }
}

/// The roles that a client may have, as people type them.
enum ClientRole: String, ExpressibleByArgument, CaseIterable {
    case sender, reader
    case streamOwner = "stream-owner"
    case author, auditor, dpo, administrator

    /// As it stands in requests and answers.
    var wireName: String { self == .streamOwner ? "streamOwner" : rawValue }

    var needsScope: Bool { [.sender, .reader, .streamOwner].contains(self) }
}

struct CreateClient: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "client",
        abstract: "Create a client: credentials for one role.",
        usage: "strm create client <role> [--scope <stream>] [options]",
        discussion: """
            A sender may send to one stream, a reader may read one stream or derived stream, a \
            stream-owner both. An author writes contracts and asks for derived streams; a dpo \
            approves them; an auditor reads the audit log; an administrator manages everything \
            and reads no events.

            The secret is shown this once, and stored in the credentials file.

            EXAMPLE
              strm create client auditor
              strm create client reader --scope demo-1-4
            """)

    @Argument(help: "sender, reader, stream-owner, author, auditor, dpo or administrator.")
    var role: ClientRole

    @Option(
        help: ArgumentHelp("The stream or derived stream that it may use.", valueName: "stream"))
    var scope: String?

    @Option(help: ArgumentHelp("The name to store it under (default: after role and scope)."))
    var name: String?

    @Flag(help: "Do not store it in the credentials file: it is for somebody else.")
    var doNotStore = false

    @OptionGroup(title: "Connection") var connection: ConnectionOptions
    @OptionGroup var output: OutputOptions

    mutating func validate() throws {
        guard role.needsScope == (scope != nil) else {
            throw ValidationError(
                role.needsScope
                    ? "A \(role.rawValue) needs --scope STREAM."
                    : "A role like \(role.rawValue) has no --scope.")
        }
    }

    func run() async throws {
        let body: [String: JSONValue] = [
            "role": .string(role.wireName), "scope": scope.map { .string($0) } ?? .null,
        ]
        try await ServerClient.with(connection, .manage) { client in
            let reply = try await client.request("POST", "/v1/clients", json: .object(body))
            try reply.check("create the client")
            let made = try reply.json()
            let secret = made["clientSecret"]?.string ?? ""
            guard !doNotStore else {
                return Entity.client.show(made, as: output.output, more: ["secret": secret])
            }
            let fallback = role.rawValue + (scope.map { "-\($0)" } ?? "")
            let stored = try NewClient.store(made, named: name ?? fallback, at: client.server)
            Entity.client.show(
                made, as: output.output, more: ["secret": secret, "stored in": stored.path])
        }
    }
}

/// Keeps what the server answered once, when it made a client.
enum NewClient {
    static func store(
        _ client: JSONValue?, named name: String?, at server: ServerURL
    ) throws(CommandFailure) -> (clientId: String, path: String) {
        guard let clientId = client?["clientId"]?.string,
            let secret = client?["clientSecret"]?.string
        else { throw CommandFailure(.failed, "the answer holds no client credentials") }
        let store = CredentialStore.standard()
        try store.store(
            Credential(
                clientId: clientId, clientSecret: secret, role: client?["role"]?.string,
                scope: client?["scope"]?.string),
            named: name ?? clientId, at: server)
        return (clientId, store.path)
    }
}
