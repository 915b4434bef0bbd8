import Foundation

/// A contract document on the command line: what it is written in, and its dry run.
enum ContractFile {
    /// JSON begins with a brace; all else is YAML.
    static func isJSON(_ document: [UInt8]) -> Bool {
        document.first { !" \n\r\t".utf8.contains($0) } == UInt8(ascii: "{")
    }

    static func contentType(_ document: [UInt8]) -> String {
        isJSON(document) ? "application/json" : "application/yaml"
    }
}

extension CreateContract {
    /// Shows what would be made.
    func preview(
        _ document: [UInt8], _ contentType: String, _ client: ServerClient
    ) async throws {
        let reply = try await client.request(
            "POST", "/v1/contracts?dryRun=true", body: document, contentType: contentType)
        try reply.check("create the contract")
        let answer = try reply.json()
        guard output.output == .table else {
            return Terminal.print(answer.text(pretty: true))
        }
        let fields = (answer["personalFields"]?.array ?? []).map { field in
            "\(field["path"]?.string ?? "") (level \(field["purposeLevel"]?.integer ?? 0))"
        }
        let rules = (answer["validations"]?.array ?? []).compactMap(\.string)
        let rows = [
            ("contract", answer["ref"]?.string ?? ""),
            ("schema", answer["schemaRef"]?.string ?? ""),
            ("written in", answer["schemaType"]?.string ?? ""),
            ("personal fields", fields.joined(separator: ", ")),
            ("validations", rules.joined(separator: ", ")),
        ]
        Terminal.print(Table.card(rows))
        if let translation = answer["translation"] {
            Terminal.print("\nin Avro:\n\(translation.text(pretty: true))")
        }
        Terminal.note("nothing was stored: this was a dry run")
    }
}
