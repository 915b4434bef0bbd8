import Store
import Testing

@testable import Vault

/// From a boot until a time source keeps the clock.
@Suite("The clock after a boot")
struct ClockAfterBootTests {
    private let minute = 60 * second

    /// A vault that has had its clock on record, on a machine that is off since.
    private func fixture() throws -> VaultFixture {
        let fixture = try VaultFixture()
        fixture.clock.boots()
        try fixture.opens()
        #expect(mayDestroy(fixture))
        fixture.closes()
        return fixture
    }

    private func mayDestroy(_ fixture: VaultFixture) -> Bool {
        fixture.vault.mayDestroy(now: fixture.clock.now)
    }

    private func waits(_ fixture: VaultFixture) -> Bool {
        !mayDestroy(fixture) && fixture.vault.statistics.awaitsTimeSource
    }

    @Test(
        "a clock that is behind and is set right by its time source needs nobody",
        arguments: [false, true])
    func behind(restarts: Bool) throws {
        let fixture = try fixture()
        fixture.clock.jumps(by: 5 * minute - 8 * hour)
        fixture.clock.boots(isSynchronised: false)
        try fixture.opens()
        for _ in 0..<3 {
            if restarts { try fixture.opens() }
            #expect(mayDestroy(fixture))
            fixture.clock.advances(by: 20 * minute)
        }
        // Set before the kernel is told.
        fixture.clock.jumps(by: 8 * hour)
        if restarts { try fixture.opens() }
        #expect(mayDestroy(fixture))
        fixture.clock.synchronises()
        #expect(mayDestroy(fixture))
        // From here on a leap is one.
        fixture.clock.jumps(by: hour + 1)
        #expect(!mayDestroy(fixture) && !waits(fixture))
    }

    @Test("a clock that was behind and is set right after a day off waits for its time source")
    func behindAfterADay() throws {
        let fixture = try fixture()
        fixture.clock.jumps(by: 20 * hour - 30 * hour)
        fixture.clock.boots(isSynchronised: false)
        try fixture.opens()
        #expect(mayDestroy(fixture))
        fixture.clock.jumps(by: 30 * hour)
        #expect(waits(fixture))
        fixture.clock.synchronises()
        #expect(mayDestroy(fixture))
    }

    @Test("the time on record does not fall with a clock that no time source keeps")
    func markStays() throws {
        let fixture = try fixture()
        fixture.clock.jumps(by: -8 * hour)
        fixture.clock.boots(isSynchronised: false)
        try fixture.opens()
        let mark = fixture.vault.report.clockOnRecord
        _ = try fixture.vault.rotateTokenSigning(now: fixture.clock.now)
        #expect(fixture.vault.report.clockOnRecord == mark)
        // The next boot has the right time at once.
        fixture.closes()
        fixture.clock.jumps(by: 8 * hour + 5 * minute)
        fixture.clock.boots(isSynchronised: false)
        try fixture.opens()
        #expect(mayDestroy(fixture))
        // It falls when the clock is known to be right.
        fixture.clock.jumps(by: -3 * hour)
        fixture.clock.synchronises()
        #expect(mayDestroy(fixture))
        #expect(fixture.vault.report.clockOnRecord == fixture.clock.now)
    }

    @Test("what the process before was sure of is on record at once")
    func sureOnRecord() throws {
        let fixture = try fixture()
        fixture.clock.boots(isSynchronised: false)
        try fixture.opens()
        #expect(mayDestroy(fixture))
        #expect(fixture.vault.keyring.contents.clockLine?.isOfBootItself == true)
        fixture.clock.synchronises()
        #expect(mayDestroy(fixture))
        #expect(fixture.vault.keyring.contents.clockLine?.isOfBootItself == false)
    }

    @Test("a machine without a time source needs nobody as long as it is off for minutes")
    func neverSynchronised() throws {
        let fixture = try fixture()
        for _ in 0..<20 {
            fixture.clock.jumps(by: 10 * minute)
            fixture.clock.boots(isSynchronised: false)
            try fixture.opens()
            for _ in 0..<30 {
                #expect(mayDestroy(fixture))
                fixture.clock.advances(by: hour)
            }
            #expect(mayDestroy(fixture))
            fixture.closes()
        }
        // Beyond the hour it waits, and the clock that comes back ends that.
        try fixture.opens()
        fixture.clock.jumps(by: 2 * hour)
        #expect(waits(fixture))
        fixture.clock.jumps(by: -2 * hour)
        #expect(mayDestroy(fixture))
    }

    @Test(
        "a server that is unsealed days after the boot is measured by how long the machine was off",
        arguments: [false, true])
    func sealed(isSynchronised: Bool) throws {
        let fixture = try fixture()
        fixture.clock.jumps(by: 10 * minute)
        fixture.clock.boots(isSynchronised: isSynchronised)
        fixture.clock.advances(by: 3 * day)
        try fixture.opens()
        #expect(mayDestroy(fixture))
    }

    @Test("starts of one boot wait for the time source, however long it takes")
    func longWait() throws {
        let fixture = try fixture()
        fixture.clock.jumps(by: 3 * hour)
        fixture.clock.boots(isSynchronised: false)
        for _ in 0..<3 {
            fixture.clock.advances(by: day)
            try fixture.opens()
            #expect(waits(fixture))
        }
        fixture.clock.synchronises()
        #expect(mayDestroy(fixture))
    }

    @Test("a keyring that comes to a machine that was up before excuses no clock that is ahead")
    func otherMachine() throws {
        let fixture = try fixture()
        fixture.clock.boots()
        fixture.clock.advances(by: 100 * day)
        fixture.clock.jumps(by: hour - 100 * day)
        try fixture.opens()
        #expect(mayDestroy(fixture))
        let other = try self.fixture()
        other.clock.boots()
        other.clock.advances(by: 100 * day)
        other.clock.jumps(by: hour - 100 * day + 8 * day)
        try other.opens()
        #expect(!mayDestroy(other) && !waits(other))
    }
}
