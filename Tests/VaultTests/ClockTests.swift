import Foundation
import Store
import Synchronization
import Testing

@testable import Vault

/// Clocks that jump.
@Suite struct ClockTests {
    @Test(
        "a clock that goes back opens no older epoch and revives no key of a closed one",
        arguments: [-second, -hour, -25 * hour, -8 * day], [false, true])
    func backwards(jump: Milliseconds, restarts: Bool) throws {
        let fixture = try VaultFixture()
        let vault = { fixture.vault }
        let old = try vault().key(of: "old", at: fixture.clock.now)
        for _ in 0..<3 {
            fixture.clock.advances(by: day)
            _ = try vault().key(of: "daily", at: fixture.clock.now)
        }
        let epoch = vault().statistics.epoch
        #expect(epoch == 4)
        fixture.clock.jumps(by: jump)
        if restarts { try fixture.opens() }
        let now = fixture.clock.now
        let fresh = try vault().key(of: "fresh", at: now)
        let record = try #require(fixture.store.state.withLock { $0.keys[fresh.link] })
        #expect(try KeyRecord(record).epoch.epoch >= epoch)
        #expect(vault().statistics.epoch >= epoch)
        #expect(vault().cachedKey(of: "old", at: now) == nil)
        #expect(try vault().key(of: "old", at: now).link != old.link)
        #expect(try vault().key(of: "old", at: ManualClock.noon + hour).link != old.link)
        #expect(try vault().key(for: old.link, at: now) == old)
        #expect(try vault().destroyExpiredEpochs(now: now) == [])
    }

    @Test("a step of a second back does not replace keys")
    func smallStep() throws {
        let fixture = try VaultFixture()
        let key = try fixture.vault.key(of: "session-1", at: fixture.clock.now)
        fixture.clock.jumps(by: -second)
        #expect(fixture.vault.cachedKey(of: "session-1", at: fixture.clock.now) == key)
        fixture.clock.jumps(by: -hour)
        #expect(fixture.vault.cachedKey(of: "session-1", at: fixture.clock.now) == nil)
    }

    @Test("a closed epoch stays closed when the clock is set back into it while it was current")
    func closedEpoch() throws {
        let fixture = try VaultFixture()
        let start = fixture.clock.now
        let key = try fixture.vault.key(of: "session-1", at: start)
        // Another sequence meets a clock two days ahead; then the clock is right again.
        _ = try fixture.vault.key(of: "session-2", at: start + 2 * day)
        #expect(fixture.vault.cachedKey(of: "session-1", at: start + hour) == nil)
        let next = try fixture.vault.key(of: "session-1", at: start + hour)
        #expect(next.link != key.link)
        let record = try #require(fixture.store.state.withLock { $0.keys[next.link] })
        #expect(try KeyRecord(record).epoch.epoch == 2)
    }

    @Test("a jump ahead brings exactly one rotation, and the old epoch still opens")
    func oneRotation() throws {
        for jump in [hour, 25 * hour] {
            let fixture = try VaultFixture()
            let key = try fixture.vault.key(of: "session-1", at: fixture.clock.now)
            fixture.clock.jumps(by: jump)
            let after = try fixture.vault.key(of: "session-1", at: fixture.clock.now)
            #expect((after.link != key.link) == (jump > day))
            for _ in 0..<10 {
                fixture.clock.advances(by: hour)
                #expect(try fixture.vault.key(of: "session-1", at: fixture.clock.now) == after)
            }
            #expect(try fixture.vault.key(for: key.link, at: fixture.clock.now) == key)
            #expect(fixture.vault.statistics.keysMade == (jump > day ? 2 : 1))
        }
    }

    @Test(
        "a jump of days ahead destroys nothing until an operator confirms",
        arguments: [8, 400])
    func jumpAhead(days: Int) throws {
        let fixture = try VaultFixture()
        let key = try fixture.vault.key(of: "session-1", at: fixture.clock.now)
        fixture.clock.jumps(by: Milliseconds(days) * day + 13 * hour)
        let now = fixture.clock.now
        #expect(!fixture.vault.mayDestroy(now: now))
        #expect(fixture.vault.expiredEpochs(now: now) == [])
        #expect(try fixture.vault.destroyExpiredEpochs(now: now) == [])
        #expect(fixture.vault.statistics.isDestructionOnHold)
        // The time server is right again: nothing is lost, and the hold stays until it is lifted.
        fixture.clock.jumps(by: -Milliseconds(days) * day - 13 * hour)
        #expect(try fixture.vault.key(for: key.link, at: fixture.clock.now) == key)
        #expect(try fixture.vault.destroyExpiredEpochs(now: fixture.clock.now) == [])
        #expect(fixture.vault.statistics.isDestructionOnHold)
        try fixture.vault.confirmClock()
        #expect(!fixture.vault.statistics.isDestructionOnHold)
    }

    @Test("after the operator's word the destruction goes on")
    func confirmed() throws {
        let fixture = try VaultFixture()
        _ = try fixture.vault.key(of: "session-1", at: fixture.clock.now)
        fixture.clock.jumps(by: 10 * day)
        #expect(try fixture.vault.destroyExpiredEpochs(now: fixture.clock.now) == [])
        try fixture.vault.confirmClock()
        #expect(try fixture.vault.destroyExpiredEpochs(now: fixture.clock.now).count == 1)
    }

    @Test("keys made while the clock is held do not make the jump trusted at a restart")
    func holdSurvivesRestart() throws {
        let fixture = try VaultFixture()
        let key = try fixture.vault.key(of: "session-1", at: fixture.clock.now)
        fixture.clock.jumps(by: 10 * day)
        _ = try fixture.vault.key(of: "session-2", at: fixture.clock.now)
        try fixture.opens()
        #expect(fixture.vault.statistics.isDestructionOnHold)
        #expect(try fixture.vault.destroyExpiredEpochs(now: fixture.clock.now) == [])
        #expect(try fixture.vault.key(for: key.link, at: ManualClock.noon) == key)
        try fixture.vault.confirmClock()
        try fixture.opens()
        #expect(!fixture.vault.statistics.isDestructionOnHold)
    }

    @Test("a boot more than 25 hours after the last time on record holds destruction")
    func restart() throws {
        for (away, isHeld) in [(25 * hour, false), (25 * hour + 1, true), (-30 * day, false)] {
            let fixture = try VaultFixture()
            fixture.closes()
            fixture.clock.advances(by: away)
            try fixture.opens()
            #expect(fixture.vault.statistics.isDestructionOnHold == isHeld, "\(away)")
            #expect(fixture.vault.mayDestroy(now: fixture.clock.now) == !isHeld)
        }
    }

    @Test("an idle server keeps its time on record, so that a restart trusts it")
    func idle() throws {
        let fixture = try VaultFixture()
        for step in 0..<(3 * 24) {
            fixture.clock.advances(by: hour)
            if step % 2 == 0 {
                _ = try fixture.vault.destroyExpiredEpochs(now: fixture.clock.now)
            } else {
                #expect(fixture.vault.mayDestroy(now: fixture.clock.now))
            }
        }
        try fixture.opens()
        #expect(!fixture.vault.statistics.isDestructionOnHold)
    }

    @Test("asking whether to destroy is enough to keep the time on record; a failure is told")
    func askingIsEnough() throws {
        let fixture = try VaultFixture()
        fixture.clock.advances(by: 30 * hour)
        #expect(fixture.vault.mayDestroy(now: fixture.clock.now))
        #expect(fixture.vault.statistics.keyringFailure == nil)
        try fixture.opens(failingBefore: { step throws(VaultError) in
            if step == .syncNext { throw .keyring("no space") }
        })
        #expect(!fixture.vault.statistics.isDestructionOnHold)
        fixture.clock.advances(by: 2 * hour)
        #expect(fixture.vault.mayDestroy(now: fixture.clock.now))
        #expect(fixture.vault.statistics.keyringFailure == "the keyring: no space")
    }

    @Test("many small jumps are one large one")
    func creeping() throws {
        let fixture = try VaultFixture()
        for step in 1...10 {
            fixture.clock.advances(by: second)
            fixture.clock.jumps(by: hour / 4)
            #expect(fixture.vault.mayDestroy(now: fixture.clock.now) == (step <= 4), "\(step)")
        }
    }

    @Test("time that passes on both clocks is no jump, however long nobody looked")
    func longSilence() throws {
        let fixture = try VaultFixture()
        fixture.clock.advances(by: 400 * day)
        #expect(fixture.vault.mayDestroy(now: fixture.clock.now))
    }
}
