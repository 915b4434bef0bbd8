import ArgumentParser

/// `strm keys status`.
struct KeysStatus: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "status",
        abstract: "How the keys are kept: custody, generation, epochs, ages of secrets.",
        discussion: "EXAMPLE\n  strm keys status --output json | jq .masterKey.custody")

    @OptionGroup(title: "Connection") var connection: ConnectionOptions
    @OptionGroup var output: OutputOptions

    func run() async throws {
        let answer = try await ServerClient.with(connection, .manage) { client in
            let reply = try await client.request("GET", "/v1/keys")
            try reply.check("read the state of the keys")
            return try reply.json()
        }
        guard output.output == .table else { return Terminal.print(answer.text()) }
        var pairs: [(String, String)] = []
        func add(_ name: String, _ value: JSONValue?) {
            if let cell = value?.cell, !cell.isEmpty { pairs.append((name, cell)) }
        }
        add("master key", answer["masterKey"]?["custody"])
        add("keyring generation", answer["keyring"]?["generation"])
        add("keyring failure", answer["keyring"]?["failure"])
        add("epoch", answer["epoch"])
        add("day", answer["day"])
        add("clock on record", answer["clock"]?["onRecord"])
        add("destruction on hold", answer["clock"]?["isDestructionOnHold"])
        Terminal.print(Table.card(pairs))
        for (list, columns) in [
            ("secrets", ["kind", "number", "createdAt"]),
            ("epochs", ["epoch", "day", "retentionDays", "destroyedFrom"]),
        ] {
            let items = answer[list]?.array ?? []
            guard !items.isEmpty else { continue }
            var table = Table(columns)
            for item in items { table.add(columns.map { item[$0]?.cell ?? "" }) }
            Terminal.print("\n\(table.text)")
        }
        if answer["clock"]?["isDestructionOnHold"] == .boolean(true) {
            let awaitsTimeSource = answer["clock"]?["awaitsTimeSource"] == .boolean(true)
            Terminal.note(
                awaitsTimeSource
                    ? "next: wait until a time source keeps the clock, or look at it, then strm "
                        + "confirm clock"
                    : "next: look at the clock, then strm confirm clock")
        }
    }
}
