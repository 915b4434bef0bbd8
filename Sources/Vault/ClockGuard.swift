import Store

/// Decides whether the wall clock may be trusted with destruction.
///
/// While a machine is up, the wall clock is measured by the monotonic one: more than an hour ahead
/// of where that says it should be may be the work of a bad time server, and nothing is destroyed
/// until an operator confirms. The line that it is measured by is not drawn anew at each look, so
/// that many small jumps add up; it is on record, so that a process goes on from the line of the one
/// before. A clock that is behind destroys less than it might, so it needs no hold; and when it comes
/// back to the line, that is no jump ahead. The next process takes the lower line.
///
/// A frozen virtual machine stops both clocks, and the time server then sets one of them right. So
/// that a snapshot each night does not add up too, the line goes after a clock that a time source
/// keeps, by a minute a day at most: faster jumps still end in a hold.
///
/// Nothing measures the time for which a machine is off. After a boot the line is the last time on
/// record, as if that had been no time, until the kernel says that a time source keeps the clock:
/// before that the clock may be behind, or run in local time, and will be set right by a leap. It
/// may be an hour ahead of that line; further ahead it waits for the kernel's word, which counts up
/// to 25 hours. Beyond that an operator is asked, because a bad time server is a time source too.
///
/// A hold is for the operator to lift: neither the clock that comes back nor a restart does.
struct ClockGuard: Sendable {
    static let jumpMax: Milliseconds = 3_600_000
    static let aheadAfterBootMax: Milliseconds = 25 * 3_600_000
    /// The line goes after the wall clock by 1 ms in so many: a minute a day.
    static let creepPeriod: Milliseconds = 1_440
    /// At one look, however long nobody had looked.
    static let creepMax: Milliseconds = 60_000

    /// What the process before left.
    struct Record: Sendable {
        /// The last trusted time; 0 if there is none.
        var mark: Milliseconds
        var line: ClockLine?
        var isHeld: Bool
    }

    private enum Trust: Equatable {
        case trusted
        /// No time source has kept the clock since the boot, and no operator has confirmed it.
        case afterBoot(isWaiting: Bool)
        case held
    }

    private var line: ClockLine
    private var trust = Trust.trusted
    /// The monotonic time up to which the line has gone after the clock, or could have.
    private var creptTo: Milliseconds

    var isTrusted: Bool { trust == .trusted || trust == .afterBoot(isWaiting: false) }
    var isWaiting: Bool { trust == .afterBoot(isWaiting: true) }
    /// Only an operator can lift it, so it must be on record.
    var isHeld: Bool { trust == .held }
    private var isAfterBoot: Bool { !isHeld && trust != .trusted }

    /// - Parameter isSynchronised: asked before the look. A time server that sets the clock says so
    ///   at once: asked after it, the answer would be about another clock than the one looked at.
    init(_ look: ClockLine, isSynchronised: Bool, record: Record) {
        line = look
        creptTo = look.monotonic
        if let recorded = record.line, recorded.measures(look) {
            if recorded.isOfBootItself {
                line = recorded
                trust = .afterBoot(isWaiting: true)
            } else if recorded.ahead(look) > 0 {
                line = recorded
            }
        } else if record.mark > 0 {
            line = Self.lineOfBoot(look, record)
            trust = .afterBoot(isWaiting: true)
        }
        if record.isHeld { trust = .held }
        _ = observe(look, isSynchronised: isSynchronised)
    }

    /// The time since the boot is no time for which the machine was off, so a server that was
    /// unsealed days after it needs nobody. That holds only if the mark is from before the boot: not
    /// if it may be of this one, nor if the clock says that it is, as where a keyring came to a
    /// machine that had been up for weeks; that would excuse a clock that is weeks ahead.
    private static func lineOfBoot(_ look: ClockLine, _ record: Record) -> ClockLine {
        let sinceBoot = ClockLine(wall: record.mark, monotonic: 0, boot: look.boot)
        if look.boot != 0, let recorded = record.line, recorded.boot != look.boot,
            sinceBoot.ahead(look) >= -jumpMax
        {
            return sinceBoot
        }
        return ClockLine(wall: record.mark - look.monotonic, monotonic: 0, boot: look.boot)
    }

    /// Takes note of the clocks; true if things may be destroyed.
    mutating func observe(_ look: ClockLine, isSynchronised: Bool) -> Bool {
        let ahead = line.ahead(look)
        switch trust {
        case .held: break
        case .trusted:
            if ahead > Self.jumpMax {
                trust = .held
            } else {
                creep(look, ahead, isSynchronised)
            }
        case .afterBoot:
            if ahead > Self.aheadAfterBootMax {
                trust = .held
            } else if isSynchronised {
                confirm(look)
            } else {
                trust = .afterBoot(isWaiting: ahead > Self.jumpMax)
            }
        }
        return isTrusted
    }

    /// What was not needed in its time is not saved up for a jump to come.
    private mutating func creep(
        _ look: ClockLine, _ ahead: Milliseconds, _ isSynchronised: Bool
    ) {
        let steps = max(0, look.monotonic - creptTo) / Self.creepPeriod
        creptTo += steps * Self.creepPeriod
        guard isSynchronised, ahead > 0 else { return }
        line.wall += min(ahead, steps, Self.creepMax)
    }

    /// The wall clock is right.
    mutating func confirm(_ look: ClockLine) {
        line = look
        creptTo = look.monotonic
        trust = .trusted
    }

    /// False for a time that was read when the clock was ahead, if it was put right before the look.
    func allows(_ time: Milliseconds, at look: ClockLine) -> Bool {
        line.ahead(ClockLine(wall: time, monotonic: look.monotonic, boot: look.boot))
            <= Self.jumpMax
    }

    /// The trusted time that the next boot is measured by. It falls with a clock that is put right,
    /// but not before it is known to be: a clock that is behind at the boot is no reason to take the
    /// right time for a leap at the next one.
    func markToRecord(_ look: ClockLine, instead mark: Milliseconds) -> Milliseconds {
        isAfterBoot ? max(mark, look.wall) : look.wall
    }

    /// The line that the next process is measured by: the more careful one of this process's and
    /// one from here on. nil: it could not tell whether it is of the same boot.
    func lineToRecord(_ look: ClockLine) -> ClockLine? {
        guard line.boot != 0 else { return nil }
        return !isAfterBoot && line.ahead(look) < 0 ? look : line
    }

    /// True if the next process of this boot would be measured by another line than the one on
    /// record, or be less sure of it: at the boot, and when the clock is first known to be right.
    func isNews(to recorded: ClockLine?) -> Bool {
        line.boot != 0
            && (recorded?.boot != line.boot || recorded?.isOfBootItself != isAfterBoot)
    }
}
