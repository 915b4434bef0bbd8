import Foundation
import Logging
import Store
import Synchronization
import Testing
import Vault

@testable import Server

@Suite("A restore of a backup from before the signing key was changed")
struct SigningKeyAfterRestoreTests {
    private func rotates(_ server: TestServer) async throws {
        let reply = try await server.client.post(
            "/v1/keys/rotate-signing", token: try await server.administrator(),
            json: "{\"overlapDays\":0}")
        #expect(reply.status == 200, "\(reply.text)")
    }

    /// Whether a start says that an older key signs.
    private func isTold(_ site: BackupSite) async throws -> Bool {
        let lines = Mutex<[String]>([])
        let settings = try ServerSettings.load(
            directory: site.data, overrides: site.overrides, environment: [:])
        let logger = Logger(label: "strm") { label in
            StreamLogHandler(label: label, settings: settings.log, clock: { 0 }) { line in
                lines.withLock { $0.append(String(decoding: line, as: UTF8.self)) }
            }
        }
        let engine = try Engine(
            settings: settings, clock: site.clock.read, vaultClock: site.clock.vaultClock,
            logger: logger)
        await engine.close()
        return lines.withLock { $0 }.contains {
            $0.contains("WARNING an older key signs than the keyring's newest")
        }
    }

    @Test("lets the old key sign, which each start tells, until the key is changed again")
    func olderKeySigns() async throws {
        let site = try await BackupSite()
        let before = try await site.serves { server async throws in
            let name = try await server.backsUp()
            site.clock.advance(seconds: 60)
            try await rotates(server)
            return name
        }
        #expect(try await isTold(site) == false, "the control")
        try site.losesData()
        _ = try site.restores(before)
        site.clock.advance(seconds: 60)
        let between = try await site.serves { try await $0.backsUp() }
        #expect(try await isTold(site) == true)
        let after = try await site.serves { server async throws in
            try await rotates(server)
            return try await server.backsUp()
        }
        #expect(try await isTold(site) == false)

        try site.losesData()
        // It is genuine, and whoever holds the old key could have made it.
        #expect {
            try site.restores(between)
        } throws: {
            "\($0)".contains("a newer key than the one that signed it was made at")
                && "\($0)".contains("--replaced-signing-key")
        }
        #expect(try site.restores(after).backup == after)
        try await site.serves { _ in }
    }
}
