import ArgumentParser
import Foundation

struct SubjectErase: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "erase",
        abstract: "Erase a person: their keys are unusable at once, and destroyed for good.",
        discussion: """
            On return nobody can open a field of this person that was sealed before. What wraps \
            the keys is destroyed with the next batch, or with --now before the command returns; \
            then the signed receipt is there, and is printed. Asking again is harmless.

            Events of the person that come later get a new key; with --fence they are refused.

            EXAMPLE
              strm subject erase --subject-file person.txt --reference case-17
              strm subject erase --subject-file person.txt --now > receipt.json
            """)

    @OptionGroup(title: "Person") var subject: SubjectOptions
    @Flag(help: "Refuse later events of the person in these streams.") var fence = false
    @Flag(help: "Destroy the keys now, and print the receipt.") var now = false
    @Option(
        help: ArgumentHelp(
            "What to file it under; it must not name the person.", valueName: "case"))
    var reference: String?
    @OptionGroup(title: "Connection") var connection: ConnectionOptions

    func run() async throws {
        var body = try subject.members()
        body["fence"] = .boolean(fence)
        body["now"] = .boolean(now)
        if let reference { body["reference"] = .string(reference) }
        let (answer, receipt) = try await ServerClient.with(connection, .subjects) {
            [body] client in
            let reply = try await client.request(
                "POST", "/v1/subjects/erasures", json: .object(body), timeoutSeconds: 3_600)
            try reply.check("erase a person")
            let answer = try reply.json()
            var receipt: [UInt8]?
            if answer["receipt"].map({ $0 != .null }) ?? false, let id = answer["id"]?.string {
                receipt = try await SubjectReceipt.fetch(id, client)
            }
            return (answer, receipt)
        }
        if answer["isRepeated"] == .boolean(true) {
            Terminal.note("nothing more was there: this is the erasure of before")
        }
        guard let receipt else {
            let names = ["id", "state", "dataKeys", "requestedAt", "dueAt", "reference"]
            Terminal.print(
                Table.card(
                    names.compactMap { name in
                        guard let value = answer[name], value != .null else { return nil }
                        return (Table.words(name), value.cell)
                    }))
            Terminal.note(
                "the keys are unusable; the receipt is there when they are destroyed: "
                    + "strm subject receipt \(answer["id"]?.string ?? "ID")")
            return
        }
        Terminal.printBytes(receipt)
    }
}

struct SubjectErasures: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "erasures",
        abstract: "List the erasures, oldest first. No person is named.",
        discussion: """
            EXAMPLE
              strm subject erasures --state requested
            """)

    private static let columns = [
        "id", "state", "requestedAt", "dueAt", "destroyedAt", "dataKeys", "fence", "reference",
    ]

    @Option(help: ArgumentHelp("Only these: requested or destroyed.", valueName: "state"))
    var state: String?
    @OptionGroup(title: "Connection") var connection: ConnectionOptions
    @OptionGroup var output: OutputOptions

    mutating func validate() throws {
        guard state == nil || ["requested", "destroyed"].contains(state) else {
            throw ValidationError("--state is requested or destroyed.")
        }
    }

    func run() async throws {
        let items = try await ServerClient.with(connection, .subjects) { client in
            var items: [JSONValue] = []
            var after: Int64? = 0
            while let next = after {
                var path = "/v1/erasures?limit=1000&after=\(next)"
                if let state { path += "&state=\(state)" }
                let reply = try await client.request("GET", path)
                try reply.check("list the erasures")
                let answer = try reply.json()
                items += answer["items"]?.array ?? []
                after = answer["next"]?.integer
            }
            return items
        }
        guard output.output == .table else {
            return Terminal.print(JSONValue.object(["items": .array(items)]).text())
        }
        var table = Table(Self.columns)
        for item in items { table.add(Self.columns.map { item[$0]?.cell ?? "" }) }
        Terminal.print(table.text)
    }
}

struct SubjectReceipt: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "receipt",
        abstract: "Print the signed receipt of an erasure.",
        discussion: """
            EXAMPLE
              strm subject receipt e-0Gd1Xk3mVb2nQz7T > receipt.json
            """)

    @Argument(help: "The erasure's id, as erase and erasures say.") var id: String
    @OptionGroup(title: "Connection") var connection: ConnectionOptions

    func run() async throws {
        Terminal.printBytes(
            try await ServerClient.with(connection, .subjects) { try await Self.fetch(id, $0) })
    }

    static func fetch(_ id: String, _ client: ServerClient) async throws -> [UInt8] {
        let reply = try await client.request("GET", "/v1/erasures/\(Entity.escape(id))/receipt")
        try reply.check("read the receipt")
        return reply.body
    }
}
