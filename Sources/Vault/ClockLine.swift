import Store

/// A look at both clocks: from it on the wall clock should keep pace with the monotonic one.
struct ClockLine: Sendable, Equatable {
    /// UTC, ms since 1970.
    var wall: Milliseconds
    /// Of a boot of the machine, in ms.
    var monotonic: Milliseconds
    /// Which boot; 0: not known, so that no other process can go on from here.
    var boot: UInt64

    /// Where the wall clock was at the boot if the machine was off for no time: no look, since
    /// nobody looks at that moment. What is measured by it is judged as after a boot.
    var isOfBootItself: Bool { monotonic == 0 }

    /// How far another look is ahead of this line, in ms; negative: behind it.
    func ahead(_ look: ClockLine) -> Milliseconds {
        (look.wall - wall) - (look.monotonic - monotonic)
    }

    /// True if `look` can be measured by this line, which another process drew. Within one boot the
    /// monotonic clock does not go back: if it does, it is not the same one.
    func measures(_ look: ClockLine) -> Bool {
        boot != 0 && boot == look.boot && look.monotonic >= monotonic
    }
}
