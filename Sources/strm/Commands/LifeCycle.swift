import ArgumentParser

/// `strm review contract REF`.
struct Review: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Ask a data protection officer to approve a contract.",
        subcommands: [ReviewContract.self])
}

/// `strm approve contract|stream`.
struct Approve: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Approve a contract or a derived stream (dpo).",
        subcommands: [ApproveContract.self, ApproveStream.self])
}

/// `strm reject contract|stream`.
struct Reject: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Reject a contract or a derived stream, with a reason (dpo).",
        subcommands: [RejectContract.self, RejectStream.self])
}

/// `strm activate contract REF`.
struct Activate: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Activate an approved contract: events may name it, and it is frozen.",
        subcommands: [ActivateContract.self])
}

/// `strm archive contract REF`.
struct Archive: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Archive a contract: new events that name it are refused.",
        subcommands: [ArchiveContract.self])
}

/// `strm reactivate contract REF`.
struct Reactivate: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Make an archived contract active again.",
        subcommands: [ReactivateContract.self])
}

struct ReviewContract: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "contract",
        abstract: "Ask for approval: the contract waits for a data protection officer.",
        discussion: "EXAMPLE\n  strm review contract example/clickstream/1.0.0")
    @Argument(help: "handle/name/version.") var ref: String
    @OptionGroup(title: "Connection") var connection: ConnectionOptions
    @OptionGroup var output: OutputOptions

    func run() async throws {
        let contract = try await ContractAct.review.perform(ref, connection)
        Entity.contract.show(contract, as: output.output)
        if output.output == .table { ContractAct.noteNext(contract) }
    }
}

struct ApproveContract: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "contract", abstract: "Approve a contract that somebody else wrote.",
        discussion: """
            Look at it first: strm get contract REF shows its text, what it warns of, and what \
            changes. With the number that it shows, exactly that text is approved, or none.

            EXAMPLE
              strm approve contract example/clickstream/1.0.0 --number 7
            """)
    @Argument(help: "handle/name/version.") var ref: String
    @Option(help: "The number of the text (default: of the one that is there now).")
    var number: Int64?
    @OptionGroup(title: "Connection") var connection: ConnectionOptions
    @OptionGroup var output: OutputOptions

    func run() async throws {
        let contract = try await ContractAct.approve.perform(ref, number: number, connection)
        Entity.contract.show(contract, as: output.output)
        if output.output == .table { ContractAct.noteNext(contract) }
    }
}

struct RejectContract: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "contract", abstract: "Send a contract back to its author: a draft again.",
        discussion: """
            EXAMPLE
              strm reject contract example/clickstream/1.0.0 --reason "level 4 for the e-mail"
            """)
    @Argument(help: "handle/name/version.") var ref: String
    @Option(help: ArgumentHelp("Why, for its author.", valueName: "text")) var reason: String
    @OptionGroup(title: "Connection") var connection: ConnectionOptions
    @OptionGroup var output: OutputOptions

    func run() async throws {
        let contract = try await ContractAct.reject.perform(ref, reason: reason, connection)
        Entity.contract.show(contract, as: output.output)
    }
}

struct ActivateContract: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "contract", abstract: "Activate an approved contract.",
        discussion: "EXAMPLE\n  strm activate contract example/clickstream/1.0.0")
    @Argument(help: "handle/name/version.") var ref: String
    @OptionGroup(title: "Connection") var connection: ConnectionOptions
    @OptionGroup var output: OutputOptions

    func run() async throws {
        let contract = try await ContractAct.activate.perform(ref, connection)
        Entity.contract.show(contract, as: output.output)
        if output.output == .table { ContractAct.noteNext(contract) }
    }
}

struct ArchiveContract: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "contract", abstract: "Archive an active contract.",
        discussion: "EXAMPLE\n  strm archive contract example/clickstream/1.0.0")
    @Argument(help: "handle/name/version.") var ref: String
    @OptionGroup(title: "Connection") var connection: ConnectionOptions
    @OptionGroup var output: OutputOptions

    func run() async throws {
        let contract = try await ContractAct.archive.perform(ref, connection)
        Entity.contract.show(contract, as: output.output)
        if output.output == .table { ContractAct.noteNext(contract) }
    }
}

struct ReactivateContract: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "contract", abstract: "Make an archived contract active again.",
        discussion: "EXAMPLE\n  strm reactivate contract example/clickstream/1.0.0")
    @Argument(help: "handle/name/version.") var ref: String
    @OptionGroup(title: "Connection") var connection: ConnectionOptions
    @OptionGroup var output: OutputOptions

    func run() async throws {
        let contract = try await ContractAct.reactivate.perform(ref, connection)
        Entity.contract.show(contract, as: output.output)
        if output.output == .table { ContractAct.noteNext(contract) }
    }
}

struct ApproveStream: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "stream", abstract: "Approve a derived stream: it can be read from now on.",
        discussion: "EXAMPLE\n  strm approve stream demo-1-4")
    @Argument(help: "The derived stream.") var name: String
    @Option(help: "The id that it shows (default: of the one that has the name now).")
    var id: Int64?
    @OptionGroup(title: "Connection") var connection: ConnectionOptions
    @OptionGroup var output: OutputOptions

    func run() async throws {
        var seen = id.map { JSONValue.integer($0) }
        if seen == nil {
            seen = try await ServerClient.with(connection, .approve) { client in
                let reply = try await client.request("GET", Entity.stream.path(name))
                try reply.check("read \(name)")
                return try reply.json()["id"]
            }
        }
        let stream = try await Self.decide(
            name, "approve", seen.map { ["id": $0] } ?? [:], connection)
        Entity.stream.show(stream, as: output.output)
        if output.output == .table { Terminal.note("next: strm listen \(name)") }
    }

    /// Approves or rejects, and gives the derived stream as it is then.
    static func decide(
        _ name: String, _ verb: String, _ body: [String: JSONValue],
        _ connection: ConnectionOptions
    ) async throws -> JSONValue {
        let path = try Entity.stream.path(name) + "/\(verb)"
        return try await ServerClient.with(connection, .approve) { client in
            let reply = try await client.request("POST", path, json: .object(body))
            try reply.check("\(verb) the derived stream")
            return try reply.json()
        }
    }
}

struct RejectStream: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "stream",
        abstract: "Reject a derived stream, or take its approval back: nobody reads it any more.",
        discussion: "EXAMPLE\n  strm reject stream demo-1-4 --reason \"not level 4\"")
    @Argument(help: "The derived stream.") var name: String
    @Option(help: ArgumentHelp("Why, for who asked.", valueName: "text")) var reason: String
    @OptionGroup(title: "Connection") var connection: ConnectionOptions
    @OptionGroup var output: OutputOptions

    func run() async throws {
        let stream = try await ApproveStream.decide(
            name, "reject", ["reason": .string(reason)], connection)
        Entity.stream.show(stream, as: output.output)
    }
}
