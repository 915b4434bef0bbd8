import Store

/// Decides whether the wall clock may be trusted with destruction.
///
/// While a machine is up, the wall clock is measured by the monotonic one: more than an hour ahead
/// of where that says it should be may be the work of a bad time server, and nothing is destroyed
/// until an operator confirms. The line that it is measured by is drawn once, not at each look, so
/// that many small jumps add up; it is on record, so that a process goes on from the line of the one
/// before. A clock that is behind destroys less than it might, so it needs no hold; and when it comes
/// back to the line, that is no jump ahead. The next process takes the lower line.
///
/// Nothing measures the time for which a machine is off. On another boot the clock may be an hour
/// ahead of the last time on record. Up to 25 hours it waits until the kernel says that a time
/// source keeps the clock: before that it may be a battery clock that runs in local time. Beyond
/// that an operator is asked, because a bad time server is a time source too.
///
/// A hold is for the operator to lift: neither the clock that comes back nor a restart does.
struct ClockGuard: Sendable {
    static let jumpMax: Milliseconds = 3_600_000
    static let aheadAfterBootMax: Milliseconds = 25 * 3_600_000

    /// What the process before left.
    struct Record: Sendable {
        /// The last trusted time; 0 if there is none.
        var mark: Milliseconds
        var line: ClockLine?
        var isHeld: Bool
    }

    private enum Trust {
        case trusted
        /// Another boot: `line` is the mark, as if the machine had been off for no time.
        case waiting
        case held
    }

    private var line: ClockLine
    private var trust = Trust.trusted

    var isTrusted: Bool { trust == .trusted }
    var isWaiting: Bool { trust == .waiting }
    /// Only an operator can lift it, so it must be on record.
    var isHeld: Bool { trust == .held }

    init(_ look: ClockLine, isSynchronised: () -> Bool, record: Record) {
        line = look
        if let recorded = record.line, recorded.measures(look) {
            if recorded.ahead(look) > 0 { line = recorded }
        } else if record.mark > 0 {
            line.wall = record.mark
            trust = .waiting
        }
        if record.isHeld { trust = .held }
        _ = observe(look, isSynchronised: isSynchronised)
    }

    /// Takes note of the clocks; true if things may be destroyed.
    mutating func observe(_ look: ClockLine, isSynchronised: () -> Bool) -> Bool {
        let ahead = line.ahead(look)
        switch trust {
        case .held: break
        case .trusted:
            if ahead > Self.jumpMax { trust = .held }
        case .waiting:
            if ahead > Self.aheadAfterBootMax {
                trust = .held
            } else if ahead <= Self.jumpMax || isSynchronised() {
                confirm(look)
            }
        }
        return isTrusted
    }

    /// The wall clock is right.
    mutating func confirm(_ look: ClockLine) {
        line = look
        trust = .trusted
    }

    /// The line that the next process is measured by: the more careful one of this process's and
    /// one from here on. nil: it could not tell whether it is of the same boot.
    func lineToRecord(_ look: ClockLine) -> ClockLine? {
        guard line.boot != 0 else { return nil }
        return line.ahead(look) < 0 ? look : line
    }
}
