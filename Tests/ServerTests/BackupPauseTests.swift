import Audit
import Foundation
import Store
import Testing
import Vault

@testable import Server

@Suite("A backup by schedule that fails")
struct BackupPauseTests {
    @Test(
        "is tried again after a minute, then after two, up to an hour; one that was made ends that")
    func pauses() async throws {
        let site = try await BackupSite()
        let directory = "\(site.root)/later"
        let engine = try Engine(
            settings: try ServerSettings.load(
                directory: site.data,
                overrides: ["backups.directory": directory, "backups.intervalHours": "6"],
                environment: [:]),
            clock: site.clock.read, vaultClock: site.clock.vaultClock, logger: .silent)
        let backups = engine.backups
        let running = Task { await backups.run() }
        func ticks() async throws {
            try await backups.tick(now: site.clock.read())
            while backups.figures.isRunning { await Task.yield() }
        }
        /// How many rounds, one a minute, until the next has failed.
        func minutesToTheNext() async throws -> Int {
            let failed = backups.figures.failed
            var minutes = 0
            while backups.figures.failed == failed {
                site.clock.advance(seconds: 60)
                minutes += 1
                try await ticks()
            }
            return minutes
        }
        try await ticks()
        #expect(backups.figures.failed == 1)
        for expected in [1, 2, 4, 8, 16, 32, 60, 60] {
            #expect(try await minutesToTheNext() == expected)
        }
        let begun = try engine.audit.entries(
            matching: AuditFilter(act: .backupCreated), from: 0, limit: 100
        ).lines.count { $0.line.contains("\"state\":\"begun\"") }
        #expect(begun == 9)
        // Its device is there again; then it is gone once more.
        try FileManager.default.createDirectory(
            atPath: directory, withIntermediateDirectories: false)
        site.clock.advance(seconds: 3_600)
        try await ticks()
        #expect(backups.figures.made == 1)
        try FileManager.default.removeItem(atPath: directory)
        try await ticks()
        #expect(backups.figures.failed == 10)
        #expect(try await minutesToTheNext() == 1)
        running.cancel()
        await engine.close()
    }

    @Test("while the clock was ahead is not waited for until the clock is there again")
    func clockPutBack() {
        var pause = BackupPause()
        #expect(pause.isOver(at: 0))
        for _ in 0..<100 { pause.fails(at: 1_000_000_000) }
        #expect(!pause.isOver(at: 1_000_000_000))
        #expect(!pause.isOver(at: 1_003_599_999))
        #expect(pause.isOver(at: 1_003_600_000))
        #expect(pause.isOver(at: 999_999_999))
        pause.succeeds()
        #expect(pause.isOver(at: 1_000_000_000))
    }
}
