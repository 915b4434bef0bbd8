import Audit
import AuditProof
import Foundation
import Logging
import Store
import Synchronization
import Testing
import Vault

@testable import Server

@Suite("The permission that a restore leaves")
struct RestorePermissionTests {
    private func ticket(_ site: BackupSite) -> URL { URL(filePath: "\(site.keys)/restored") }

    private func database(_ path: String, to site: BackupSite) throws {
        try FileManager.default.removeItem(atPath: "\(site.data)/db")
        try FileManager.default.copyItem(atPath: path, toPath: "\(site.data)/db")
    }

    private func rotates(_ server: TestServer) async throws {
        let reply = try await server.client.post(
            "/v1/keys/rotate-signing", token: try await server.administrator(),
            json: "{\"overlapDays\":0}")
        #expect(reply.status == 200, "\(reply.text)")
    }

    /// The seed of the key that the installation began with, as whoever stole it has it.
    private func firstKey(_ site: BackupSite, _ name: String) throws -> NoteSigner {
        let vault = try Vault.unlock(
            keyringDirectory: site.keys, masterKey: .file("\(site.root)/master.key"),
            clock: site.clock.vaultClock)
        return try NoteSigner(name: name, privateKey: vault.secret(.auditSigning))
    }

    @Test("lets in no state from after the backup, though that begins with it")
    func laterState() async throws {
        let site = try await BackupSite()
        let (sender, _) = try await site.prepares()
        let name = try await site.serves { server async throws in
            try await server.sends(0..<5, as: sender)
            return try await server.backsUp()
        }
        let later = "\(site.root)/later"
        try FileManager.default.copyItem(atPath: "\(site.data)/db", toPath: later)
        try await site.serves { try await $0.sends(5..<9, as: sender) }
        try site.losesData()
        _ = try site.restores(name)
        try database(later, to: site)
        await #expect {
            try await site.serves { _ in }
        } throws: {
            "\($0)".contains("has gone on since the backup")
        }
        #expect(site.exists("\(site.keys)/restored"))
        try database("\(site.backups)/\(name)/db", to: site)
        try await site.serves { _ in }
    }

    @Test("that was used and is put back later lets nothing older in, and stops no start")
    func putBack() async throws {
        let site = try await BackupSite()
        let (sender, _) = try await site.prepares()
        let name = try await site.serves { server async throws in
            try await server.sends(0..<5, as: sender)
            let name = try await server.backsUp()
            try await server.sends(5..<9, as: sender)
            return name
        }
        try site.losesData()
        _ = try site.restores(name)
        let saved = try Data(contentsOf: ticket(site))
        try await site.serves { try await $0.sends(20..<25, as: sender) }
        let today = "\(site.root)/today"
        try FileManager.default.copyItem(atPath: "\(site.data)/db", toPath: today)

        try saved.write(to: ticket(site))
        try database("\(site.backups)/\(name)/db", to: site)
        await #expect {
            try await site.serves { _ in }
        } throws: {
            "\($0)".contains("the permission was used")
        }
        // The state in which it is on record starts as it would without it.
        try database(today, to: site)
        try await site.serves { server async throws in
            #expect(try await server.entries(.storeRestored).count == 1)
            #expect(!site.exists("\(site.keys)/restored"))
        }
    }

    @Test("is not needed by a state that a setting lets in, which is on record with both logs")
    func acceptedBySetting() async throws {
        let setting = ["recovery.acceptsOlderState": "true"]
        let site = try await BackupSite()
        let (sender, _) = try await site.prepares()
        let older = "\(site.root)/older"
        try FileManager.default.copyItem(atPath: "\(site.data)/db", toPath: older)
        try await site.serves { try await $0.sends(0..<5, as: sender) }
        // The control: nothing is older, so there is nothing to tell.
        try await site.serves(setting) { server async throws in
            #expect(try await server.entries(.olderStateAccepted).isEmpty)
        }
        let watermark = try #require(try WatermarkFacts.read("\(site.keys)/watermark"))
        let seen = try #require(AuditWatermark(watermark.audit))
        try database(older, to: site)
        await #expect {
            try await site.serves { _ in }
        } throws: {
            "\($0)".contains("recovery.acceptsOlderState=true")
        }
        try await site.serves(setting) { server async throws in
            let entry = try #require(try await server.entries(.olderStateAccepted).first)
            let detail = try #require(entry["detail"] as? [String: Any])
            #expect(detail["abandonedAuditSize"] as? String == String(seen.size))
            #expect(detail["abandonedAuditRoot"] as? String == seen.root.base64)
            // The first new entry, with the size of what was there before it.
            #expect(detail["auditSize"] as? String == (entry["n"] as? Int).map { String($0) })
            #expect(try await server.entries(.storeRestored).isEmpty)
        }
        try FileManager.default.removeItem(atPath: "\(site.keys)/watermark")
        try await site.serves(setting) { server async throws in
            let entries = try await server.entries(.olderStateAccepted)
            #expect(entries.count == 2)
            let detail = entries.last?["detail"] as? [String: Any]
            #expect(detail?["abandonedAuditSize"] as? String == "unknown")
        }
    }

    @Test("is not needed while a setting takes anything, which each start tells as critical")
    func settingIsTold() async throws {
        let site = try await BackupSite()
        let lines = Mutex<[String]>([])
        for accepts in ["false", "true", "true"] {
            let settings = try ServerSettings.load(
                directory: site.data, overrides: ["recovery.acceptsOlderState": accepts],
                environment: [:])
            let logger = Logger(label: "strm") { label in
                StreamLogHandler(label: label, settings: settings.log, clock: { 0 }) { line in
                    lines.withLock { $0.append(String(decoding: line, as: UTF8.self)) }
                }
            }
            let found = try AcceptedOlderState.find(settings, nil, logger)
            #expect(found == nil, "nothing is older")
        }
        let written = lines.withLock { $0 }
        #expect(written.count == 2)
        #expect(written.allSatisfy { $0.contains("CRITICAL recovery.acceptsOlderState is set") })
    }

    @Test("is of the newest signing key: one that a replaced key signed is refused")
    func replacedKey() async throws {
        let site = try await BackupSite()
        let name = try await site.serves { server async throws in
            try await rotates(server)
            return try await server.backsUp()
        }
        try site.losesData()
        _ = try site.restores(name)
        let genuine = try Data(contentsOf: ticket(site))
        let text = try SignedNote(parsing: Array(genuine)).text
        let forged = try firstKey(site, RestoreTicket.keyName).sign(text)
        try Data(forged.serialized.utf8).write(to: ticket(site))
        await #expect {
            try await site.serves { _ in }
        } throws: {
            // An earlier release left it so: what is to be done is told.
            "\($0)".contains("must be repeated")
        }
        try Data(text.utf8).write(to: ticket(site))
        await #expect {
            try await site.serves { _ in }
        } throws: {
            $0 is BackupFailure && !"\($0)".contains("must be repeated")
        }
        try genuine.write(to: ticket(site))
        try await site.serves { _ in }
    }

    @Test("is not given for a backup that a replaced key signed after it was replaced")
    func replacedKeyOfBackup() async throws {
        let site = try await BackupSite()
        let (before, after) = try await site.serves { server async throws in
            let before = try await server.backsUp()
            site.clock.advance(seconds: 60)
            try await rotates(server)
            site.clock.advance(seconds: 60)
            return (before, try await server.backsUp())
        }
        let stolen = try firstKey(site, BackupManifest.keyName)
        func forges(_ name: String, _ change: (inout BackupManifest) -> Void) throws {
            let file = URL(filePath: "\(site.backups)/\(name)/manifest.json")
            var manifest = try BackupManifest(unverified: Array(try Data(contentsOf: file)))
            change(&manifest)
            try Data(try manifest.signed(stolen)).write(to: file)
        }
        let genuine = try BackupManifest(
            unverified: Array(
                try Data(contentsOf: URL(filePath: "\(site.backups)/\(after)/manifest.json"))))
        try site.losesData()
        // Its own log knows the new key, whatever it says of its time.
        try forges(after) { $0.createdAt = 0 }
        #expect {
            try site.restores(after)
        } throws: {
            "\($0)".contains("its own audit log replaced")
        }
        // An older database that is said to be of today, and with the word of whoever knows.
        try forges(before) { $0.createdAt = genuine.createdAt }
        #expect {
            try site.restores(before)
        } throws: {
            "\($0)".contains("--replaced-signing-key")
        }
        #expect(!site.exists("\(site.data)/db") && !site.exists("\(site.keys)/restored"))
        #expect(try site.restores(before, acceptsReplacedKey: true).backup == before)
        try FileManager.default.removeItem(atPath: "\(site.data)/db")
        try forges(before) { $0.createdAt = genuine.createdAt - 120_000 }
        #expect(try site.restores(before).backup == before)
        try await site.serves { _ in }
    }

    @Test("is written by the server's user alone: another one is told whom to be")
    func owner() async throws {
        func refusal(_ owner: uid_t, _ user: uid_t, isWritable: Bool = true) -> String? {
            FileOwner.refusal("/mnt/keys", owner: owner, user: user, isWritable: isWritable)?
                .description
        }
        #expect(refusal(1_234_567, 1_234_567) == nil)
        let others = try #require(refusal(1_234_567, 1_234_568))
        #expect(others.contains("sudo -u \\#1234567 strm restore"))
        #expect(others.contains("user 1234568"))
        #expect(refusal(1_234_567, 0)?.contains("sudo -u \\#1234567") == true)
        let site = try await BackupSite()
        let name = try await site.serves { try await $0.backsUp() }
        try site.losesData()
        // Only root can give a directory away.
        if chown(site.keys, 1_234_567, 1_234_567) == 0 {
            #expect {
                try site.restores(name)
            } throws: {
                "\($0)".contains("sudo -u \\#1234567")
            }
            #expect(!site.exists(site.data))
            #expect(chown(site.keys, geteuid(), getegid()) == 0)
        }
        #expect(try site.restores(name).backup == name)
    }

    @Test("is also written where root lends a directory, and nobody is told to be root")
    func ownerIsRoot() throws {
        func refusal(isWritable: Bool) -> String? {
            FileOwner.refusal("/mnt/keys", owner: 0, user: 1_234_567, isWritable: isWritable)?
                .description
        }
        #expect(refusal(isWritable: true) == nil)
        let refused = try #require(refusal(isWritable: false))
        #expect(refused.contains("chown 1234567 /mnt/keys"))
        #expect(!refused.contains("sudo"))
    }
}
