import ArgumentParser

/// `strm status`: how the server is.
struct Status: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "How the server is: streams, keys, audit log, disk.",
        usage: "strm status [options]",
        discussion: "EXAMPLE\n  strm status --output json | jq .audit")

    @OptionGroup(title: "Connection") var connection: ConnectionOptions
    @OptionGroup var output: OutputOptions

    func run() async throws {
        try await ServerClient.with(connection, .manage) { client in
            let reply = try await client.request("GET", "/v1/status")
            try reply.check("read the status")
            let status = try reply.json()
            switch output.output {
            case .json: Terminal.print(status.text())
            case .table:
                Self.show(status, of: client.server)
            }
        }
    }

    /// Simple members first, as a card; then a table for each list.
    private static func show(_ status: JSONValue, of server: ServerURL) {
        var pairs = [("server", server.description)]
        var lists: [[JSONValue]] = []
        flatten(status, under: "", &pairs, &lists)
        Terminal.print(Table.card(pairs))
        for items in lists where !items.isEmpty {
            var columns: [String] = []
            for case .object(let members) in items {
                for member in members.keys.sorted() where !columns.contains(member) {
                    columns.append(member)
                }
            }
            columns.sort { ($0 == "name" ? 0 : 1, $0) < ($1 == "name" ? 0 : 1, $1) }
            var table = Table(columns)
            for item in items {
                table.add(
                    columns.map { column in
                        item[column].map { Entity.cell(column, $0) } ?? ""
                    })
            }
            Terminal.print("\n\(table.text)")
        }
    }

    private static func flatten(
        _ value: JSONValue, under prefix: String, _ pairs: inout [(String, String)],
        _ lists: inout [[JSONValue]]
    ) {
        guard case .object(let members) = value else { return }
        for (name, member) in members.sorted(by: { $0.key < $1.key }) {
            let path = prefix.isEmpty ? name : "\(prefix) \(name)"
            switch member {
            case .object: flatten(member, under: path, &pairs, &lists)
            case .array(let items) where items.contains(where: { $0["name"] != nil }):
                lists.append(items)
            case .null, .array([]): break
            default: pairs.append((Table.words(path), Entity.cell(name, member)))
            }
        }
    }
}
