import Store
import Testing

@testable import Vault

/// Jumps that add up, and those that do not.
@Suite("The line that the clock is measured by")
struct ClockCreepTests {
    private final class Machine {
        var isSynchronised = true
        private var look: ClockLine
        private var clockGuard: ClockGuard

        init() {
            let look = ClockLine(wall: ManualClock.noon, monotonic: 5_000, boot: 1)
            self.look = look
            clockGuard = ClockGuard(
                look, isSynchronised: true,
                record: ClockGuard.Record(mark: 0, line: nil, isHeld: false))
        }

        /// Time passes, and somebody looks in each of its hours.
        func runs(hours: Int) {
            for _ in 0..<hours {
                passes(hour)
                _ = looks()
            }
        }

        func passes(_ time: Milliseconds) {
            look.wall += time
            look.monotonic += time
        }

        func jumps(by time: Milliseconds) { look.wall += time }

        func looks() -> Bool {
            clockGuard.observe(look, isSynchronised: isSynchronised)
        }

        func restarts() {
            clockGuard = ClockGuard(
                look, isSynchronised: isSynchronised,
                record: ClockGuard.Record(
                    mark: look.wall, line: clockGuard.lineToRecord(look), isHeld: false))
        }
    }

    /// How many nights a machine goes that is frozen for so long in each; nil: a thousand.
    private func nights(
        freeze: Milliseconds, isSynchronised: Bool = true, restarts: Bool = false
    ) -> Int? {
        let machine = Machine()
        machine.isSynchronised = isSynchronised
        for night in 1...1_000 {
            machine.runs(hours: 24)
            machine.jumps(by: freeze)
            if restarts { machine.restarts() }
            guard machine.looks() else { return night - 1 }
        }
        return nil
    }

    @Test("a snapshot each night never adds up to a hold", arguments: [false, true])
    func snapshots(restarts: Bool) {
        #expect(nights(freeze: 20 * second, restarts: restarts) == nil)
        #expect(nights(freeze: 60 * second, restarts: restarts) == nil)
    }

    @Test("a time server that gains more than a minute a day is held")
    func badTimeServer() {
        // Of each of 14 nights 4 minutes are left, and 5 of the next make 61.
        #expect(nights(freeze: 5 * 60 * second) == 14)
    }

    @Test("without a time source the line stays where it is")
    func unsynchronised() {
        #expect(nights(freeze: 20 * second, isSynchronised: false) == 180)
    }

    @Test(
        "what was not needed in quiet years is not saved up for a jump", arguments: [false, true])
    func notSavedUp(looks: Bool) {
        let machine = Machine()
        if looks { machine.runs(hours: 400 * 24) } else { machine.passes(400 * day) }
        machine.jumps(by: 40 * 60 * second)
        #expect(machine.looks())
        machine.jumps(by: 22 * 60 * second)
        #expect(!machine.looks())
    }

    @Test("looks that come often move the line as far as rare ones")
    func oftenLooked() {
        let machine = Machine()
        machine.jumps(by: hour)
        let areTrusted = (0..<24 * 3_600).allSatisfy { _ in
            machine.passes(second)
            return machine.looks()
        }
        #expect(areTrusted)
        // A minute of room after the day, and no more.
        machine.jumps(by: 60 * second)
        #expect(machine.looks())
        machine.jumps(by: 1)
        #expect(!machine.looks())
    }

    @Test("a clock that is behind draws the line nowhere")
    func behind() {
        let machine = Machine()
        machine.jumps(by: -8 * hour)
        machine.runs(hours: 100 * 24)
        machine.jumps(by: 9 * hour)
        #expect(machine.looks())
        machine.jumps(by: 1)
        #expect(!machine.looks())
    }
}
