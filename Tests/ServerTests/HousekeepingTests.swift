import Audit
import Foundation
import Logging
import Store
import Subjects
import Testing
import Vault

@testable import Server

@Suite("Housekeeping")
struct HousekeepingTests {
    private func with(
        _ clock: TestClock, vaultClock: VaultClock? = nil,
        _ body: (Engine, Housekeeping) async throws -> Void
    ) async throws {
        let directory = FileManager.default.temporaryDirectory
            .appending(path: "strm-housekeeping-\(UUID().uuidString)").path
        defer { try? FileManager.default.removeItem(atPath: directory) }
        _ = try await Installation.initialise(
            InitOptions(dataDirectory: directory), clock: clock.read)
        let engine = try Engine(
            settings: try ServerSettings.load(directory: directory, environment: [:]),
            clock: clock.read, vaultClock: vaultClock ?? clock.vaultClock,
            logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
        do {
            try await body(engine, Housekeeping(engine: engine))
        } catch {
            await engine.close()
            throw error
        }
        await engine.close()
    }

    private func count(_ act: Act, _ engine: Engine) throws -> Int {
        try engine.audit.entries(matching: AuditFilter(act: act), from: 0, limit: 1_000).lines.count
    }

    @Test("what is erased is destroyed within the hour, and its receipt lies beside the ledger")
    func erasures() async throws {
        let clock = TestClock()
        try await with(clock) { engine, _ in
            let asked = try await engine.subjects.erase(
                try #require(DataSubject("SMCANARY")), ErasureRequest(),
                by: Requester(client: "officer", role: "dpo"))
            let id = asked.erasure.id
            let path = "\(engine.settings.erasures.directory)/receipts/\(id).json"
            clock.advance(seconds: 50 * 60)
            await Erasing(engine: engine).tick(now: clock.read())
            #expect(try engine.subjects.erasure(id: id).state == .requested)
            #expect(!FileManager.default.fileExists(atPath: path))
            clock.advance(seconds: 9 * 60)
            await Erasing(engine: engine).tick(now: clock.read())
            #expect(try engine.subjects.erasure(id: id).state == .destroyed)
            let file = try #require(FileManager.default.contents(atPath: path))
            #expect(!String(decoding: file, as: UTF8.self).contains("SMCANARY"))
            #expect(try count(.erasureReceiptIssued, engine) == 1)
            await Erasing(engine: engine).tick(now: clock.read())
            #expect(try count(.erasureReceiptIssued, engine) == 1)
        }
    }

    @Test(
        "the signing key is replaced after 30 days, and the old one goes when its tokens are over")
    func rotation() async throws {
        let clock = TestClock()
        try await with(clock) { engine, housekeeping in
            await housekeeping.tick(now: clock.read())
            let first = try #require(engine.keys.current?.number)
            clock.advance(seconds: 29 * 86_400)
            await housekeeping.tick(now: clock.read())
            #expect(engine.keys.current?.number == first)
            let token = try engine.tokens.issue(
                .refresh, clientID: "c", role: .auditor, scope: nil, now: clock.read()
            ).token
            clock.advance(seconds: 86_400)
            await housekeeping.tick(now: clock.read() - 3_600_000)
            await housekeeping.tick(now: clock.read())
            #expect(engine.keys.current?.number == first + 1)
            #expect(engine.keys.all.count == 2)
            #expect(try count(.tokenKeyRotated, engine) == 1)
            #expect(
                engine.tokens.verify(.refresh, Array(token.utf8), now: clock.read() - 3_600_000)
                    != nil)
            clock.advance(seconds: 86_400 + 61)
            await housekeeping.tick(now: clock.read())
            #expect(engine.keys.all.map(\.key.number) == [first + 1])
        }
    }

    @Test("a signing key that was made while the clock was ahead is replaced 30 days after that")
    func keyFromTheFuture() async throws {
        let clock = TestClock()
        try await with(clock) { engine, housekeeping in
            await housekeeping.tick(now: clock.read())
            let first = try #require(engine.keys.current?.number)
            clock.advance(seconds: 400 * 86_400)
            await housekeeping.tick(now: clock.read())
            #expect(engine.keys.current?.number == first + 1)
            // The clock is put right.
            clock.advance(seconds: -400 * 86_400)
            await housekeeping.tick(now: clock.read())
            #expect(engine.keys.all.last?.createdAt == clock.read())
            // On record, not in memory alone: the next start counts from there too.
            let loaded = try SigningKeyRotation.load(vault: engine.vault, store: engine.store)
            #expect(loaded.last?.createdAt == clock.read())
            clock.advance(seconds: 30 * 86_400 - 1)
            await housekeeping.tick(now: clock.read())
            #expect(engine.keys.current?.number == first + 1)
            clock.advance(seconds: 1)
            await housekeeping.tick(now: clock.read())
            #expect(engine.keys.current?.number == first + 2)
        }
    }

    @Test("a step back of a minute gives a signing key no new date")
    func smallStepOfAKey() async throws {
        let clock = TestClock()
        try await with(clock) { engine, housekeeping in
            await housekeeping.tick(now: clock.read())
            let made = clock.read()
            clock.advance(seconds: -60)
            await housekeeping.tick(now: clock.read())
            #expect(engine.keys.all.map(\.createdAt) == [made])
        }
    }

    @Test("no signing key is retired while destruction is on hold, and its tokens stay good")
    func retirementIsHeld() async throws {
        let clock = TestClock()
        let still = clock.read()
        let jumping = VaultClock(wall: clock.read, monotonic: { still })
        try await with(clock, vaultClock: jumping) { engine, housekeeping in
            await housekeeping.tick(now: clock.read())
            let token = try engine.tokens.issue(
                .refresh, clientID: "c", role: .auditor, scope: nil, now: clock.read()
            ).token
            clock.advance(seconds: 31 * 86_400)
            await housekeeping.tick(now: clock.read())
            clock.advance(seconds: 10 * 86_400)
            for _ in 0..<2 { await housekeeping.tick(now: clock.read()) }
            #expect(engine.vault.statistics.isDestructionOnHold)
            #expect(engine.keys.all.count == 2)
            // By the right time the token lives, and so does what it was signed with.
            #expect(engine.tokens.verify(.refresh, Array(token.utf8), now: still) != nil)
            let operatorOfIt = Principal(
                clientID: "c", role: .administrator, scope: nil, sendTarget: nil)
            try await engine.confirmClock(by: operatorOfIt)
            await housekeeping.tick(now: clock.read())
            #expect(engine.keys.all.count == 1)
            #expect(engine.tokens.verify(.refresh, Array(token.utf8), now: still) == nil)
        }
    }

    @Test(
        "a clock that jumps puts destruction on hold, on record once, until an operator confirms it"
    )
    func hold() async throws {
        let clock = TestClock()
        let still = clock.read()
        let jumping = VaultClock(wall: clock.read, monotonic: { still })
        try await with(clock, vaultClock: jumping) { engine, housekeeping in
            await housekeeping.tick(now: clock.read())
            #expect(try count(.expiryHeld, engine) == 0)
            clock.advance(seconds: 8 * 86_400)
            for _ in 0..<3 { await housekeeping.tick(now: clock.read()) }
            #expect(try count(.expiryHeld, engine) == 1)
            #expect(engine.vault.statistics.isDestructionOnHold)
            let operatorOfIt = Principal(
                clientID: "c", role: .administrator, scope: nil, sendTarget: nil)
            try await engine.confirmClock(by: operatorOfIt)
            #expect(try count(.clockConfirmed, engine) == 1)
            #expect(!engine.vault.statistics.isDestructionOnHold)
        }
    }

    @Test("an orderly stop puts the clock on record, so that a reboot is measured from there")
    func stop() async throws {
        let clock = TestClock()
        try await with(clock) { engine, housekeeping in
            await housekeeping.tick(now: clock.read())
            let start = engine.vault.report.clockOnRecord
            clock.advance(seconds: 300)
            await engine.close()
            #expect(engine.vault.report.clockOnRecord == clock.read())
            #expect(engine.vault.report.clockOnRecord > start)
        }
    }

    @Test("a flood of wrong secrets leaves few entries of its own and one that counts the rest")
    func flood() async throws {
        let clock = TestClock()
        try await with(clock) { engine, housekeeping in
            for _ in 0..<200 {
                await #expect(throws: TokenService.Failure.invalidClient) {
                    _ = try await engine.tokenService.grant(
                        clientID: "x", secret: "y", withRefresh: false, now: clock.read())
                }
            }
            #expect(try count(.tokenRefused, engine) == 30)
            await housekeeping.tick(now: clock.read())
            let lines = try engine.audit.entries(
                matching: AuditFilter(act: .tokenRefused), from: 0, limit: 1_000
            ).lines
            #expect(lines.count == 31)
            #expect(lines.last?.line.contains("\"attempts\":\"170\"") == true)
            #expect(engine.tokenService.refused == 200)
        }
    }

    @Test("what is kept beside an entry is forgotten after 400 days, by whole days, and on record")
    func disclosures() async throws {
        let clock = TestClock()
        try await with(clock) { engine, housekeeping in
            let link = KeyLink.random()
            var entry = AuditEntry(act: .release, client: "c", stream: "s", keyLinks: 1)
            entry.disclosures = Disclosures(rows: [Disclosures.Row(link: link)])
            try await engine.audit.append(entry)
            let number = engine.audit.size - 1
            func unknown() async throws -> Bool {
                let answer = try await engine.audit.recipients(of: [link])
                return answer.unknown.ranges == [number...number]
            }
            clock.advance(seconds: 400 * 86_400)
            await housekeeping.tick(now: clock.read())
            #expect(try await !unknown())
            clock.advance(seconds: 86_400)
            await housekeeping.tick(now: clock.read())
            await housekeeping.tick(now: clock.read())
            #expect(try await unknown())
            #expect(try count(.disclosuresForgotten, engine) == 1)
        }
    }
}
