import Foundation
import Store
import Testing

@testable import Server

@Suite("The directories that a server names")
struct ServerPlacesTests {
    @Test("who may record a proof learns where the server writes, by absolute paths")
    func named() async throws {
        let backups = FileManager.default.temporaryDirectory
            .appending(path: "strm-places-\(UUID().uuidString)").path
        try FileManager.default.createDirectory(
            atPath: backups, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(atPath: backups) }
        try await TestServer.with(["backups.directory": backups]) { server in
            let auditor = try await server.token(try await server.makeClient(.auditor))
            let answer = try await server.client.get("/v1/proofs/process", token: auditor)
            let named = try #require(answer.json["directories"] as? [String: String])
            #expect(named["data"] == server.directory)
            #expect(named["keyring"] == "\(server.directory)/keys")
            #expect(named["erasures"] == "\(server.directory)/keys")
            #expect(named["backups"] == backups)
            #expect(named["temporary"]?.hasPrefix("/") == true)
            #expect(named["escrow"] == nil)
            #expect(named["exports"] == nil)
        }
    }

    @Test("a relative path is told as the absolute one that it stands for")
    func relative() throws {
        let settings = try ServerSettings.load(
            directory: "/var/lib/nowhere", overrides: ["keyring.directory": "keys-beside"],
            environment: [:])
        let named = ServerPlaces(settings).directories
        let keyring = try #require(named.first { $0.name == "keyring" })
        #expect(keyring.path == "\(FileManager.default.currentDirectoryPath)/keys-beside")
    }
}
