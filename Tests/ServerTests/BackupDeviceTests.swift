import Dispatch
import Foundation
import Store
import Synchronization
import Testing
import Vault

@testable import Server

@Suite("A backup device that hangs")
struct BackupDeviceTests {
    /// Answers nobody until it is told to.
    private final class Device: Sendable {
        private let answers = DispatchSemaphore(value: 0)
        private let asked = Atomic(false)

        var isAsked: Bool { asked.load(ordering: .acquiring) }

        func hangs() {
            asked.store(true, ordering: .releasing)
            answers.wait()
            answers.signal()
        }

        func comesBack() { answers.signal() }
    }

    private func with(
        _ body: (Engine, BackupSite, Device) async throws -> Void
    ) async throws {
        let (site, device) = (try await BackupSite(), Device())
        let engine = try Engine(
            settings: try ServerSettings.load(
                directory: site.data,
                overrides: site.overrides.merging(["backups.intervalHours": "6"]) { $1 },
                environment: [:]),
            clock: site.clock.read, vaultClock: site.clock.vaultClock, logger: .silent)
        engine.backups.beforeLook.withLock { $0 = { device.hangs() } }
        do {
            try await body(engine, site, device)
        } catch {
            device.comesBack()
            await engine.close()
            throw error
        }
        device.comesBack()
        await engine.close()
    }

    @Test("keeps nothing from expiring: rounds of housekeeping go on, and their metric tells it")
    func housekeeping() async throws {
        try await with { engine, site, device in
            let scheduling = BackupScheduling(
                backups: engine.backups, clock: engine.clock, logger: .silent)
            async let stuck: Void = scheduling.tick(now: site.clock.read())
            while !device.isAsked { await Task.yield() }
            let housekeeping = Housekeeping(engine: engine)
            #expect(
                engine.metrics.text.contains("\nstrm_housekeeping_last_round_time_seconds 0\n"))
            for round: UInt64 in 1...2 {
                site.clock.advance(seconds: 60)
                await housekeeping.tick(now: site.clock.read())
                #expect(engine.housekeepingRounds.load(ordering: .relaxed) == round)
            }
            #expect(
                engine.housekeepingEndedAt.load(ordering: .relaxed) == site.clock.read())
            device.comesBack()
            await stuck
        }
    }

    @Test(
        "is not waited for either when the task is cancelled without a stop",
        .timeLimit(.minutes(1)))
    func cancelled() async throws {
        try await with { engine, _, device in
            let backups = try Backups(
                maker: nil, keys: { [] }, tidy: { device.hangs() },
                settings: engine.settings.backups, audit: engine.audit, clock: engine.clock,
                logger: .silent, stopSecondsMax: 0)
            let running = Task { await backups.run() }
            while !device.isAsked { await Task.yield() }
            running.cancel()
            await running.value
            #expect(!backups.device.isBusy)
            await #expect(throws: BackupFailure.cancelled) { try await backups.device.run {} }
        }
    }

    @Test("what a start and the schedule remove at once is gone, and neither fails")
    func removedTwice() throws {
        let path = FileManager.default.temporaryDirectory
            .appending(path: "strm-removed-\(UUID().uuidString)").path
        for folder in 0..<20 {
            let inner = "\(path)/\(folder)"
            try FileManager.default.createDirectory(
                atPath: inner, withIntermediateDirectories: true)
            for file in 0..<20 { try BackupFiles.create("\(inner)/\(file)", []) }
        }
        let failures = Mutex<[BackupFailure]>([])
        DispatchQueue.concurrentPerform(iterations: 4) { _ in
            do throws(BackupFailure) {
                try BackupFiles.removeTree(path)
            } catch {
                failures.withLock { $0.append(error) }
            }
        }
        #expect(failures.withLock { $0 } == [])
        #expect(BackupFiles.kind(path) == .missing)
        try BackupFiles.removeTree(path)
    }

    @Test("is not waited for by a stop: who waits is sent away, and nothing is begun any more")
    func givenUp() async throws {
        try await with { engine, _, device in
            let stuck = Task { _ = try await engine.backups.list() }
            while !device.isAsked { await Task.yield() }
            #expect(engine.backups.device.isBusy)
            engine.backups.device.giveUp()
            await #expect(throws: BackupFailure.cancelled) { try await stuck.value }
            #expect(!engine.backups.device.isBusy)
            await #expect(throws: BackupFailure.cancelled) {
                _ = try await engine.backups.list()
            }
        }
    }
}
