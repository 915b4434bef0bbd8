import Audit
import Foundation
import Store
import Testing
import Vault

@testable import Server

/// A server with a directory for backups, its keys outside the data, and words for what a disaster
/// and its repair are.
final class BackupSite: Sendable {
    let root: String
    let clock: TestClock
    let initial: InitResult

    var data: String { "\(root)/data" }
    var keys: String { "\(root)/keys" }
    var backups: String { "\(root)/backups" }
    var escrow: String { "\(root)/escrow" }
    var overrides: [String: String] { ["backups.directory": backups] }

    init(hasEscrow: Bool = false) async throws {
        root =
            FileManager.default.temporaryDirectory
            .appending(path: "strm-backup-\(UUID().uuidString)").path
        try FileManager.default.createDirectory(
            atPath: root, withIntermediateDirectories: true)
        clock = TestClock()
        let escrow = "\(root)/escrow"
        initial = try await Installation.initialise(
            InitOptions(
                dataDirectory: "\(root)/data", masterKey: .file("\(root)/master.key"),
                keyringDirectory: "\(root)/keys", escrowDirectory: hasEscrow ? escrow : nil),
            clock: clock.read)
        try FileManager.default.createDirectory(
            atPath: backups, withIntermediateDirectories: false)
    }

    deinit { try? FileManager.default.removeItem(atPath: root) }

    /// Runs `body` against a server on the data directory and stops it.
    func serves<Result>(
        _ more: [String: String] = [:], _ body: (TestServer) async throws -> Result
    ) async throws -> Result {
        let server = try await TestServer(
            data, initial, overrides.merging(more) { $1 }, clock)
        do {
            let result = try await body(server)
            try await server.stop()
            return result
        } catch {
            try await server.stop()
            throw error
        }
    }

    /// Contract, stream `demo` with a derived stream of levels 1 and 4.
    func prepares() async throws -> (sender: TestServer.Credentials, reader: TestServer.Credentials)
    {
        try await serves { server in
            try await server.makeContract()
            let sender = try await server.makeStream("{\"name\":\"demo\"}")
            let reader = try await server.makeStream(
                "{\"name\":\"demo-1-4\",\"derivedFrom\":\"demo\",\"levels\":[1,4]}")
            return (sender, reader)
        }
    }

    func restores(
        _ name: String, keyring: String? = nil, fromEscrow: Bool = false,
        erasures: String? = nil, acceptsLostLedger: Bool = false,
        acceptsReplacedKey: Bool = false, adoptsEscrow: Bool = false
    ) throws -> RestoreResult {
        var options = RestoreOptions(
            backup: "\(backups)/\(name)", dataDirectory: data,
            keyringDirectory: keyring ?? keys, masterKey: .file("\(root)/master.key"),
            escrowDirectory: fromEscrow ? escrow : nil, erasuresDirectory: erasures,
            acceptsLostLedger: acceptsLostLedger)
        options.acceptsReplacedKey = acceptsReplacedKey
        options.adoptsEscrow = adoptsEscrow
        return try Restoration.restore(options, clock: clock.read)
    }

    func losesData() throws { try FileManager.default.removeItem(atPath: data) }
    func losesKeyring() throws { try FileManager.default.removeItem(atPath: keys) }

    func exists(_ path: String) -> Bool { FileManager.default.fileExists(atPath: path) }

    func names(_ path: String) throws -> [String] {
        try FileManager.default.contentsOfDirectory(atPath: path).sorted()
    }
}

extension TestServer {
    /// Makes a backup and waits until it is done.
    func backsUp() async throws -> String {
        let token = try await administrator()
        let begun = try await client.send("POST", "/v1/backups", token: token)
        guard begun.status == 202, let name = begun.json["name"] as? String else {
            throw TestClient.Failure(step: "no backup: \(begun.status) \(begun.text)")
        }
        let backup = try await settled(name) { $0["state"] as? String == "making" }
        guard backup["state"] as? String == "whole" else {
            throw TestClient.Failure(step: "the backup failed: \(backup)")
        }
        return name
    }

    /// What the server says of a backup as soon as it is not busy with it.
    func settled(
        _ name: String, isBusy: ([String: Any]) -> Bool
    ) async throws -> [String: Any] {
        let token = try await administrator()
        while true {
            let answer = try await client.get("/v1/backups/\(name)", token: token)
            guard answer.status == 200 else {
                throw TestClient.Failure(step: "no backup: \(answer.status) \(answer.text)")
            }
            if !isBusy(answer.json) { return answer.json }
            await Task.yield()
        }
    }

    /// Sends events of these sessions, each with an address of its own.
    func sends(_ sessions: some Sequence<Int>, as sender: Credentials) async throws {
        let token = try await token(sender)
        let lines = sessions.map {
            TestEvents.event(session: "session-\($0)", email: "SMCANARY-\($0)@example.org")
        }
        let answer = try await client.send(
            "POST", "/events", token: token, headers: ["content-type": "application/x-ndjson"],
            body: Array(lines.joined(separator: "\n").utf8))
        guard answer.status == 200 else {
            throw TestClient.Failure(step: "not sent: \(answer.status) \(answer.text)")
        }
    }

    /// The addresses in all events of a stream or derived stream.
    func emails(_ stream: String, as reader: Credentials) async throws -> [String] {
        let answer = try await client.get(
            "/v1/streams/\(stream)/events?limit=10000", token: try await token(reader))
        guard answer.status == 200 else {
            throw TestClient.Failure(step: "not read: \(answer.status) \(answer.text)")
        }
        return answer.text.split(separator: "\n").compactMap { line in
            let event = try? JSONSerialization.jsonObject(with: Data(line.utf8))
            return (event as? [String: Any])?["email"] as? String
        }
    }

    /// Audit entries of one kind, as objects.
    func entries(_ act: Act) async throws -> [[String: Any]] {
        let answer = try await client.get(
            "/v1/audit/entries?act=\(act.rawValue)&limit=1000", token: try await administrator())
        return answer.json["items"] as? [[String: Any]] ?? []
    }
}
