import Store
import Testing

@testable import Vault

/// What is put on record, and by which time.
@Suite("The clock on record")
struct ClockRecordTests {
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
