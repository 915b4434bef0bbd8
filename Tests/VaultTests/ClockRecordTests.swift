import Store
import Testing

@testable import Vault

/// What is put on record, and by which time.
@Suite("The clock on record")
struct ClockRecordTests {
    private let minute = 60 * second

    @Test("the time on record is ten minutes old at most")
    func step() throws {
        let fixture = try VaultFixture()
        let start = fixture.clock.now
        fixture.clock.advances(by: 10 * minute)
        #expect(fixture.vault.mayDestroy(now: fixture.clock.now))
        #expect(fixture.vault.report.clockOnRecord == start)
        fixture.clock.advances(by: 1)
        #expect(fixture.vault.mayDestroy(now: fixture.clock.now))
        #expect(fixture.vault.report.clockOnRecord == fixture.clock.now)
    }

    @Test("a stop puts the clock on record, if what is there is older than a minute")
    func stop() throws {
        let fixture = try VaultFixture()
        let start = fixture.clock.now
        fixture.clock.advances(by: minute)
        try fixture.vault.recordClockAtStop()
        #expect(fixture.vault.report.clockOnRecord == start)
        fixture.clock.advances(by: 1)
        try fixture.vault.recordClockAtStop()
        #expect(fixture.vault.report.clockOnRecord == fixture.clock.now)
    }

    @Test("a stop puts no time on record that is not trusted, but the hold")
    func stopOnHold() throws {
        let fixture = try VaultFixture()
        let start = fixture.clock.now
        fixture.clock.jumps(by: 2 * hour)
        try fixture.vault.recordClockAtStop()
        #expect(fixture.vault.report.clockOnRecord == start)
        #expect(fixture.vault.keyring.contents.heldSince == fixture.clock.now)
    }

    @Test("a stop whose keyring cannot be written says so")
    func stopFails() throws {
        let fixture = try VaultFixture()
        try fixture.opens(failingBefore: { step throws(VaultError) in
            if step == .syncNext { throw .keyring("no space") }
        })
        fixture.clock.advances(by: 5 * minute)
        #expect(throws: VaultError.keyring("no space")) {
            try fixture.vault.recordClockAtStop()
        }
        #expect(!fixture.vault.statistics.isDestructionOnHold)
    }

    @Test("a stop leaves an escrow that followed no generation behind")
    func stopWithEscrow() throws {
        let fixture = try VaultFixture()
        let escrow = fixture.path + "/escrow"
        try Vault.prepareEscrow(directory: escrow)
        fixture.configuration.escrowDirectory = escrow
        try fixture.opens()
        try fixture.vault.settleEscrow()
        fixture.clock.advances(by: 5 * minute)
        try fixture.vault.recordClockAtStop()
        #expect(fixture.vault.escrowStatus?.isBehind == false)
        #expect(fixture.vault.escrowStatus?.generation == fixture.vault.statistics.generation)
    }

    @Test("an act that was asked for hours ago does not make the clock look behind")
    func staleTime() throws {
        let fixture = try VaultFixture()
        fixture.clock.boots()
        try fixture.opens()
        let asked = fixture.clock.now
        fixture.clock.advances(by: 5 * hour)
        _ = try fixture.vault.rotateTokenSigning(now: asked)
        #expect(fixture.vault.report.clockOnRecord == fixture.clock.now)
        try fixture.opens()
        #expect(!fixture.vault.statistics.isDestructionOnHold)
    }

    @Test("a time that was read while the clock was ahead destroys nothing, and holds nothing")
    func timeOfAWrongClock() throws {
        let fixture = try VaultFixture()
        _ = try fixture.vault.key(of: "session-1", at: fixture.clock.now)
        let wrong = fixture.clock.now + 10 * day
        #expect(!fixture.vault.mayDestroy(now: wrong))
        #expect(fixture.vault.expiredEpochs(now: wrong) == [])
        #expect(try fixture.vault.destroyExpiredEpochs(now: wrong) == [])
        #expect(!fixture.vault.statistics.isDestructionOnHold)
        #expect(fixture.vault.mayDestroy(now: fixture.clock.now))
        #expect(fixture.vault.statistics.epochClasses == 1)
    }
}
