import Store
import Testing

@testable import Vault

/// What a start makes of the wall clock.
@Suite("The clock at a start")
struct ClockRestartTests {
    /// A vault whose oldest key is a minute away from its end, on a machine that is up.
    private func fixture() throws -> VaultFixture {
        let fixture = try VaultFixture()
        fixture.clock.boots()
        try fixture.opens()
        _ = try fixture.vault.key(of: "session-1", at: fixture.clock.now)
        let end = BucketKeys.termEnd(
            day: UTCDay(at: fixture.clock.now), retention: .standard)
        while fixture.clock.now < end - 2 * hour {
            fixture.clock.advances(by: hour)
            #expect(try rounds(fixture) == 0)
        }
        return fixture
    }

    /// A round of housekeeping: how many epochs it destroyed.
    private func rounds(_ fixture: VaultFixture) throws -> Int {
        _ = fixture.vault.mayDestroy(now: fixture.clock.now)
        return try fixture.vault.destroyExpiredEpochs(now: fixture.clock.now).count
    }

    private func isOnHold(_ fixture: VaultFixture) -> Bool {
        fixture.vault.statistics.isDestructionOnHold
    }

    @Test(
        "a hold outlives every restart and boot, and only the operator lifts it",
        arguments: [2 * hour, 20 * hour, 24 * hour], [false, true])
    func holdStays(jump: Milliseconds, boots: Bool) throws {
        let fixture = try fixture()
        fixture.clock.jumps(by: jump + hour)
        #expect(try rounds(fixture) == 0)
        for _ in 0..<3 {
            if boots { fixture.clock.boots() }
            try fixture.opens()
            fixture.clock.advances(by: hour)
            #expect(isOnHold(fixture))
            #expect(try rounds(fixture) == 0)
            fixture.clock.jumps(by: jump)
        }
        // The clock that comes back does not lift it, nor does another start.
        fixture.clock.jumps(by: -4 * jump - hour)
        try fixture.opens()
        #expect(try rounds(fixture) == 0)
        #expect(isOnHold(fixture) && !fixture.vault.statistics.awaitsTimeSource)
        try fixture.vault.confirmClock()
        try fixture.opens()
        #expect(!isOnHold(fixture))
        #expect(fixture.vault.statistics.epochClasses == 1)
    }

    @Test(
        "within one boot a start is measured as if the process had run on",
        arguments: [(hour, false), (hour + 1, true), (20 * hour, true), (24 * hour, true)])
    func sameBoot(jump: Milliseconds, isHeld: Bool) throws {
        let fixture = try fixture()
        fixture.closes()
        fixture.clock.advances(by: 3 * hour)
        fixture.clock.jumps(by: jump)
        try fixture.opens()
        #expect(isOnHold(fixture) == isHeld)
        #expect(try rounds(fixture) == (isHeld ? 0 : 1))
    }

    @Test("a server that was stopped for weeks on a machine that was up needs nobody")
    func longStop() throws {
        let fixture = try fixture()
        fixture.closes()
        fixture.clock.advances(by: 20 * day)
        try fixture.opens()
        #expect(!isOnHold(fixture))
        #expect(try rounds(fixture) == 1)
    }

    @Test("small jumps add up across restarts of one boot")
    func creeping() throws {
        let fixture = try fixture()
        for step in 1...8 {
            fixture.clock.jumps(by: hour / 4)
            fixture.clock.advances(by: second)
            try fixture.opens()
            #expect(fixture.vault.mayDestroy(now: fixture.clock.now) == (step <= 4), "\(step)")
        }
    }

    @Test("a battery clock in local time destroys nothing before it is set, and needs nobody then")
    func localTime() throws {
        for zone in [2 * hour, 14 * hour] {
            let fixture = try fixture()
            fixture.clock.jumps(by: zone)
            fixture.clock.boots(isSynchronised: false)
            for _ in 0..<3 {
                try fixture.opens()
                #expect(isOnHold(fixture) && fixture.vault.statistics.awaitsTimeSource)
                #expect(try rounds(fixture) == 0)
            }
            fixture.clock.jumps(by: -zone)
            fixture.clock.synchronises()
            #expect(try rounds(fixture) == 0)
            #expect(!isOnHold(fixture) && !fixture.vault.statistics.awaitsTimeSource)
            // From here it is measured again, and not from where the battery clock was.
            fixture.clock.jumps(by: 2 * hour)
            #expect(try rounds(fixture) == 0)
            #expect(isOnHold(fixture))
        }
    }

    @Test("a machine that was off for a night needs nobody once its clock is kept")
    func night() throws {
        let fixture = try fixture()
        fixture.clock.jumps(by: 9 * hour)
        fixture.clock.boots(isSynchronised: false)
        try fixture.opens()
        #expect(try rounds(fixture) == 0)
        fixture.clock.advances(by: second)
        fixture.clock.synchronises()
        #expect(try rounds(fixture) == 1)
        #expect(!isOnHold(fixture))
    }

    @Test("a clock that no time source keeps can be confirmed after a boot")
    func confirmedWithoutSource() throws {
        let fixture = try fixture()
        fixture.clock.jumps(by: 9 * hour)
        fixture.clock.boots(isSynchronised: false)
        try fixture.opens()
        #expect(try rounds(fixture) == 0)
        try fixture.vault.confirmClock()
        #expect(try rounds(fixture) == 1)
    }

    @Test("a time source is not believed when it says that more than 25 hours have passed")
    func badTimeServer() throws {
        for (away, isHeld) in [(25 * hour, false), (25 * hour + 1, true), (400 * day, true)] {
            let fixture = try fixture()
            fixture.clock.jumps(by: away)
            fixture.clock.boots(isSynchronised: true)
            try fixture.opens()
            #expect(isOnHold(fixture) == isHeld, "\(away)")
            #expect(!fixture.vault.statistics.awaitsTimeSource)
        }
    }

    @Test("a clock that leaps while it waits for its time source is held for the operator")
    func leapWhileWaiting() throws {
        let fixture = try fixture()
        fixture.clock.jumps(by: 9 * hour)
        fixture.clock.boots(isSynchronised: false)
        try fixture.opens()
        fixture.clock.jumps(by: 8 * day)
        fixture.clock.synchronises()
        #expect(try rounds(fixture) == 0)
        #expect(isOnHold(fixture) && !fixture.vault.statistics.awaitsTimeSource)
    }

    @Test("after a mistaken confirmation the time on record comes back with the clock")
    func mistakenConfirmation() throws {
        let fixture = try VaultFixture()
        fixture.clock.boots()
        try fixture.opens()
        let right = fixture.clock.now
        fixture.clock.jumps(by: 3 * day)
        try fixture.vault.confirmClock()
        #expect(fixture.vault.report.clockOnRecord == right + 3 * day)
        // The clock is put right.
        fixture.clock.jumps(by: -3 * day)
        #expect(fixture.vault.mayDestroy(now: fixture.clock.now))
        #expect(fixture.vault.report.clockOnRecord == right)
        fixture.closes()
        // The same leap again: not trusted because it was once, after a boot or without one.
        fixture.clock.jumps(by: 2 * day)
        try fixture.opens()
        #expect(isOnHold(fixture))
        fixture.closes()
        fixture.clock.boots()
        try fixture.opens()
        #expect(isOnHold(fixture))
    }

    @Test("a time on record that falls opens no older epoch")
    func epochsDoNotFall() throws {
        let fixture = try VaultFixture()
        fixture.clock.advances(by: 3 * day)
        _ = try fixture.vault.key(of: "session-1", at: fixture.clock.now)
        _ = fixture.vault.mayDestroy(now: fixture.clock.now)
        let before = fixture.vault.statistics
        fixture.clock.jumps(by: -3 * day)
        #expect(fixture.vault.mayDestroy(now: fixture.clock.now))
        _ = try fixture.vault.key(of: "session-2", at: fixture.clock.now)
        #expect(fixture.vault.statistics.epoch == before.epoch)
        #expect(fixture.vault.statistics.epochDay == before.epochDay)
    }

    @Test("a hold that cannot be written down stays, and is written when it can be")
    func unwritten() throws {
        let fixture = try fixture()
        fixture.clock.jumps(by: 5 * hour)
        try fixture.opens(failingBefore: { step throws(VaultError) in
            if step == .syncNext { throw .keyring("no space") }
        })
        #expect(!fixture.vault.mayDestroy(now: fixture.clock.now))
        #expect(fixture.vault.keyring.contents.heldSince == 0)
        // Measured by the line of this boot, also without it.
        try fixture.opens()
        #expect(!fixture.vault.mayDestroy(now: fixture.clock.now))
        #expect(fixture.vault.keyring.contents.heldSince == fixture.clock.now)
    }

    @Test("the machine's clock tells its boot, the same for each process")
    func kernelClock() {
        let clock = VaultClock.ofKernel(wall: { 7 })
        #expect(clock.wall() == 7)
        #expect(clock.boot == VaultClock.system.boot)
    }
}
