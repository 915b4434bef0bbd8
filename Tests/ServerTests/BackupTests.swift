import Audit
import Foundation
import Store
import Testing
import Vault

@testable import Server

@Suite("A backup")
struct BackupTests {
    @Test("is made, listed, checked and on record, before and after; metrics tell its age")
    func life() async throws {
        let site = try await BackupSite()
        let (sender, _) = try await site.prepares()
        try await site.serves { server async throws in
            try await server.sends(0..<20, as: sender)
            let name = try await server.backsUp()
            #expect(BackupName.isValid(name))
            #expect(try site.names(site.backups) == [name])
            #expect(
                try site.names("\(site.backups)/\(name)")
                    == ["SHA256SUMS", "db", "manifest.json"])
            #expect(!site.exists("\(site.data)/checkpoint.making"))
            let token = try await server.administrator()
            let items = try await server.client.get("/v1/backups", token: token).json["items"]
            let listed = try #require((items as? [[String: Any]])?.first)
            #expect(listed["name"] as? String == name)
            #expect(listed["events"] as? Int == 20)
            let begun = try await server.client.send(
                "POST", "/v1/backups/\(name)/verify", token: token)
            #expect(begun.status == 202)
            let checked = try await server.settled(name) { $0["isVerifying"] as? Bool == true }
            #expect(checked["state"] as? String == "whole")
            let entries = try await server.entries(.backupCreated)
            let states = entries.compactMap {
                ($0["detail"] as? [String: Any])?["state"] as? String
            }
            #expect(states == ["begun", "made"])
            #expect(entries.allSatisfy { $0["client"] as? String != nil })
            site.clock.advance(seconds: 90)
            let metrics = try await server.client.get("/metrics").text
            #expect(metrics.contains("\nstrm_backup_verified_age_seconds 90"))
            #expect(metrics.contains("\nstrm_backups_made_total 1"))
            let status = try await server.client.get("/v1/status", token: token).json
            #expect((status["backups"] as? [String: Any])?["ageSeconds"] as? Int == 90)
        }
        // The age outlives the process.
        try await site.serves { server async throws in
            let token = try await server.administrator()
            _ = try await server.client.get("/v1/backups", token: token)
            let metrics = try await server.client.get("/metrics").text
            #expect(metrics.contains("\nstrm_backup_verified_age_seconds 90"))
        }
    }

    @Test("is listed once at each moment: from the answer on, while it is made, and after")
    func listedOnce() async throws {
        let site = try await BackupSite()
        let (sender, _) = try await site.prepares()
        try await site.serves { server async throws in
            try await server.sends(0..<20, as: sender)
            let token = try await server.administrator()
            for _ in 0..<4 {
                let begun = try await server.client.send("POST", "/v1/backups", token: token)
                let name = try #require(begun.json["name"] as? String)
                var states: [String] = []
                repeat {
                    let answer = try await server.client.get("/v1/backups", token: token)
                    let items = try #require(answer.json["items"] as? [[String: Any]])
                    let own = items.filter { $0["name"] as? String == name }
                    #expect(own.count == 1)
                    states.append(own.first?["state"] as? String ?? "none")
                } while states.last == "making"
                #expect(states.last == "whole")
            }
        }
    }

    @Test("that has its name already and is not finished is told as being made")
    func almostMade() {
        var state = Backups.State()
        let job = BackupJob(
            kind: .make, name: BackupName.make(now: 1_790_000_000_000), isAutomatic: false,
            caller: nil, startedAt: 7)
        state.running = job
        let listings = Backups.listings([(job.name, nil), ("other", nil)], state)
        #expect(listings.map(\.name) == ["other", job.name].sorted(by: >))
        let own = listings.first { $0.name == job.name }
        guard case .making(since: 7)? = own?.state else {
            Issue.record("\(String(describing: own))")
            return
        }
    }

    @Test("holds no key, no watermark and no plaintext")
    func holdsNoSecret() async throws {
        let site = try await BackupSite()
        let (sender, _) = try await site.prepares()
        let name = try await site.serves { server async throws in
            try await server.sends(0..<20, as: sender)
            return try await server.backsUp()
        }
        let files = try FileManager.default.subpathsOfDirectory(atPath: site.backups)
        #expect(files.contains { $0.hasSuffix(".sst") })
        let keyring = try Data(contentsOf: URL(filePath: "\(site.keys)/keyring"))
        for file in files {
            let path = "\(site.backups)/\(file)"
            guard BackupFiles.kind(path) == .file else { continue }
            let bytes = try Data(contentsOf: URL(filePath: path))
            #expect(bytes.range(of: Data("SMCANARY".utf8)) == nil, "\(file)")
            #expect(bytes.range(of: keyring.suffix(64)) == nil, "\(file)")
            #expect(!file.contains("watermark") && !file.contains("erasures"))
        }
        #expect(BackupFiles.kind("\(site.backups)/\(name)/db/LOCK") == .missing)
    }

    @Test("goes where the server was told, whatever a request says")
    func placeIsNotTheRequests() async throws {
        let site = try await BackupSite()
        try await site.serves { server async throws in
            let token = try await server.administrator()
            for body in ["{\"directory\":\"/tmp\"}", "{\"name\":\"x\"}", "[]", "x"] {
                let answer = try await server.client.post("/v1/backups", token: token, json: body)
                #expect(answer.status == 400, "\(body)")
            }
            for name in ["..", "..%2F..%2Ftmp", "%2Ftmp", "a", ".making-20261129T195000Z-3f9a2c"] {
                for (method, tail) in [("GET", ""), ("POST", "/verify")] {
                    let answer = try await server.client.send(
                        method, "/v1/backups/\(name)\(tail)", token: token)
                    #expect([400, 404].contains(answer.status), "\(name): \(answer.status)")
                }
            }
            #expect(try site.names(site.backups) == [])
        }
        try await site.serves(["backups.directory": "\(site.root)/none"]) { server in
            let token = try await server.administrator()
            let begun = try await server.client.send("POST", "/v1/backups", token: token)
            let name = try #require(begun.json["name"] as? String)
            let failed = try await server.settled(name) { $0["state"] as? String == "making" }
            #expect(failed["state"] as? String == "failed")
            #expect(!site.exists("\(site.root)/none"), "a mount point is not made")
            let states = try await server.entries(.backupCreated)
                .compactMap { ($0["detail"] as? [String: Any])?["state"] as? String }
            #expect(states == ["begun", "failed"])
        }
        try await TestServer.with { server in
            let token = try await server.administrator()
            for method in ["GET", "POST"] {
                let answer = try await server.client.send(method, "/v1/backups", token: token)
                #expect(answer.status == 409)
            }
        }
    }

    @Test("that is not what its manifest says is refused, by a check and by a restore")
    func tampering() async throws {
        let site = try await BackupSite()
        let (sender, _) = try await site.prepares()
        let name = try await site.serves { server async throws in
            try await server.sends(0..<50, as: sender)
            return try await server.backsUp()
        }
        let path = "\(site.backups)/\(name)"
        let whole = "\(site.root)/whole"
        try FileManager.default.copyItem(atPath: path, toPath: whole)
        try site.losesData()
        let table = try #require(
            try site.names("\(path)/db").first { $0.hasSuffix(".sst") })
        func alter(_ file: String, _ body: (inout Data) -> Void) throws {
            let url = URL(filePath: "\(path)/\(file)")
            var bytes = try Data(contentsOf: url)
            body(&bytes)
            try bytes.write(to: url)
        }
        let damages: [(String, () throws -> Void)] = [
            ("a byte of a table", { try alter("db/\(table)") { $0[$0.count / 2] ^= 1 } }),
            (
                "a missing table",
                { try FileManager.default.removeItem(atPath: "\(path)/db/\(table)") }
            ),
            (
                "a file too many",
                { try Data("x".utf8).write(to: URL(filePath: "\(path)/db/000999.sst")) }
            ),
            (
                "a file beside",
                { try Data("x".utf8).write(to: URL(filePath: "\(path)/notes.txt")) }
            ),
            (
                "a link in the place of a file",
                {
                    try FileManager.default.removeItem(atPath: "\(path)/db/\(table)")
                    try FileManager.default.createSymbolicLink(
                        atPath: "\(path)/db/\(table)", withDestinationPath: "\(whole)/db/\(table)")
                }
            ),
            ("another list", { try alter("SHA256SUMS") { $0[0] ^= 1 } }),
            (
                "another manifest",
                {
                    try alter("manifest.json") {
                        let text = String(decoding: $0, as: UTF8.self)
                        $0 = Data(text.replacing("\"events\":50", with: "\"events\":51").utf8)
                    }
                }
            ),
            (
                "no manifest",
                { try FileManager.default.removeItem(atPath: "\(path)/manifest.json") }
            ),
        ]
        let key = try BackupKeys.verifier(of: site.initial)
        for (what, damage) in damages {
            try damage()
            #expect(throws: BackupFailure.self, "\(what)") {
                try BackupVerification(path: path).verify(keys: [key])
            }
            #expect(throws: BackupFailure.self, "\(what)") { try site.restores(name) }
            #expect(!site.exists("\(site.data)/db"), "\(what)")
            try FileManager.default.removeItem(atPath: path)
            try FileManager.default.copyItem(atPath: whole, toPath: path)
        }
        #expect(try BackupVerification(path: path).verify(keys: [key]).events == 50)
        #expect(try site.restores(name).events == 50)
    }

    @Test("that was given up in the middle leaves nothing that looks like one, wherever that is")
    func givenUp() async throws {
        let site = try await BackupSite()
        let (sender, _) = try await site.prepares()
        try await site.serves { server async throws in try await server.sends(0..<50, as: sender) }
        let engine = try Engine(
            settings: try ServerSettings.load(
                directory: site.data, overrides: site.overrides, environment: [:]),
            clock: site.clock.read, vaultClock: site.clock.vaultClock, logger: .silent)
        let maker = try #require(engine.backups.maker)
        var looks = 0
        while true {
            let left = Countdown(looks)
            do {
                _ = try maker.make(
                    name: "20261129T195000Z-000000", isAutomatic: false,
                    isCancelled: { left.isOver })
                break
            } catch {
                #expect(error == .cancelled)
            }
            #expect(try site.names(site.backups) == [], "after \(looks) looks")
            #expect(!site.exists("\(site.data)/checkpoint.making"))
            looks += 1
        }
        #expect(looks > 20, "each file was copied and read again")
        #expect(try site.names(site.backups) == ["20261129T195000Z-000000"])
        await engine.close()
    }

    @Test("that a killed process left half is removed by the next start, and nothing else is")
    func leftovers() async throws {
        let site = try await BackupSite()
        let files = FileManager.default
        let half = [
            "\(site.backups)/.making-20261129T195000Z-3f9a2c/db",
            "\(site.backups)/.deleting-20261129T195000Z-3f9a2c/db",
            "\(site.data)/checkpoint.making", "\(site.data)/checkpoint.making.tmp",
        ]
        let others = [
            "\(site.backups)/.making-mine", "\(site.backups)/20261129T195000Z-3f9a2c",
            "\(site.backups)/.snapshot",
        ]
        for path in half + others {
            try files.createDirectory(atPath: path, withIntermediateDirectories: true)
            try Data("x".utf8).write(to: URL(filePath: "\(path)/file"))
        }
        try await site.serves { server async throws in
            // By the service of the backups, so that no start waits for their device.
            while half.contains(where: { site.exists($0) }) { await Task.yield() }
            for path in others { #expect(site.exists("\(path)/file"), "\(path)") }
            let token = try await server.administrator()
            let answer = try await server.client.get(
                "/v1/backups/20261129T195000Z-3f9a2c", token: token)
            #expect(answer.json["state"] as? String == "failed")
        }
    }

    @Test("is made by schedule when the newest is old enough, and the oldest of those go")
    func schedule() async throws {
        let site = try await BackupSite()
        let settings = try ServerSettings.load(
            directory: site.data,
            overrides: site.overrides.merging([
                "backups.intervalHours": "6", "backups.keep": "2",
            ]) { $1 }, environment: [:])
        let engine = try Engine(
            settings: settings, clock: site.clock.read, vaultClock: site.clock.vaultClock,
            logger: .silent)
        let backups = engine.backups
        let running = Task { await backups.run() }
        func ticks() async throws {
            try await backups.tick(now: site.clock.read())
            while backups.figures.isRunning { await Task.yield() }
        }
        try await ticks()
        #expect(try site.names(site.backups).count == 1)
        site.clock.advance(seconds: 6 * 3_600 - 60)
        try await ticks()
        #expect(try site.names(site.backups).count == 1)
        var made = try site.names(site.backups)
        for _ in 0..<3 {
            site.clock.advance(seconds: 6 * 3_600)
            try await ticks()
            made.append(contentsOf: try site.names(site.backups).filter { !made.contains($0) })
            try await ticks()
        }
        #expect(made.count == 4)
        #expect(try site.names(site.backups) == made.suffix(2).sorted())
        let deleted = try engine.audit.entries(
            matching: AuditFilter(act: .backupDeleted), from: 0, limit: 100)
        #expect(deleted.lines.count == 2)
        running.cancel()
        await engine.close()
    }

    @Test("that cannot be removed is tried again, and its removal is on record once")
    func removalFails() async throws {
        let site = try await BackupSite()
        let engine = try Engine(
            settings: try ServerSettings.load(
                directory: site.data,
                overrides: site.overrides.merging([
                    "backups.intervalHours": "6", "backups.keep": "1",
                ]) { $1 }, environment: [:]),
            clock: site.clock.read, vaultClock: site.clock.vaultClock, logger: .silent)
        let backups = engine.backups
        let running = Task { await backups.run() }
        for _ in 0..<2 {
            try await backups.tick(now: site.clock.read())
            while backups.figures.isRunning { await Task.yield() }
            site.clock.advance(seconds: 6 * 3_600)
        }
        site.clock.advance(seconds: -3_600)
        let oldest = try #require(try site.names(site.backups).first)
        // What stands here keeps it from being renamed.
        let obstacle = "\(site.backups)/\(BackupMaker.deletedPrefix)\(oldest)"
        try FileManager.default.createDirectory(
            atPath: "\(obstacle)/full", withIntermediateDirectories: true)
        for _ in 0..<3 {
            await #expect(throws: BackupFailure.self) {
                try await backups.tick(now: site.clock.read())
            }
        }
        try FileManager.default.removeItem(atPath: obstacle)
        try await backups.tick(now: site.clock.read())
        #expect(!site.exists("\(site.backups)/\(oldest)"))
        let deleted = try engine.audit.entries(
            matching: AuditFilter(act: .backupDeleted), from: 0, limit: 100)
        #expect(deleted.lines.count == 1)
        running.cancel()
        await engine.close()
    }
}

/// Says no so many times, then yes.
final class Countdown: Sendable {
    private let left: LockedCount

    init(_ count: Int) { left = LockedCount(count) }

    var isOver: Bool { left.takeOne() }
}
