import Foundation

/// A contract that a command was given: a file, standard input, or the reference of one that a
/// server has.
enum ContractSource {
    /// The document's bytes, in JSON or YAML. A file of that name comes before a reference. Asks the
    /// server for references only.
    static func read(
        _ name: String, _ connection: ConnectionOptions
    ) async throws -> [UInt8] {
        let isReference = name.split(separator: "/", omittingEmptySubsequences: false).count == 3
        if name == "-" || !isReference || FileManager.default.fileExists(atPath: name) {
            return try InputFile.read(name)
        }
        return try await fetch(name, connection)
    }

    static func fetch(_ ref: String, _ connection: ConnectionOptions) async throws -> [UInt8] {
        let path = try Entity.contract.path(ref)
        return try await ServerClient.with(connection, .look) { client in
            let reply = try await client.request("GET", path)
            guard reply.status != 404 else {
                throw CommandFailure(
                    .invalidData, "there is no contract \(ref), and no file of that name")
            }
            try reply.check("read the contract")
            guard let document = try reply.json()["document"] else {
                throw CommandFailure(.invalidData, "the answer holds no contract document")
            }
            return Array(document.text(pretty: false).utf8)
        }
    }
}
