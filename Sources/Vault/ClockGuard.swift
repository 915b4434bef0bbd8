import Store

/// Decides whether the wall clock may be trusted with destruction.
///
/// A wall clock that is more than an hour ahead of where the monotonic clock says it should be, or
/// that after a restart is more than 25 hours ahead of the last time on record, may be the work of
/// a bad time server: nothing is destroyed until an operator confirms. The anchor is the start or
/// the last confirmation, not the last look, so that many small jumps add up. A clock that is
/// behind destroys less than it might, so it needs no hold; and when it comes back to the line of
/// the anchor, that is no jump ahead.
struct ClockGuard: Sendable {
    static let jumpMax: Milliseconds = 3_600_000
    static let aheadAfterRestartMax: Milliseconds = 25 * 3_600_000

    private var wallAnchor: Milliseconds
    private var monotonicAnchor: Milliseconds
    private(set) var isOnHold: Bool

    /// - Parameter onRecord: the last trusted time of the process before; 0 if there is none.
    init(wall: Milliseconds, monotonic: Milliseconds, onRecord: Milliseconds) {
        wallAnchor = wall
        monotonicAnchor = monotonic
        isOnHold = onRecord > 0 && wall - onRecord > Self.aheadAfterRestartMax
    }

    /// Takes note of the clocks; true if destruction is on hold from now on.
    mutating func observe(wall: Milliseconds, monotonic: Milliseconds) -> Bool {
        let ahead = (wall - wallAnchor) - (monotonic - monotonicAnchor)
        if ahead > Self.jumpMax { isOnHold = true }
        return isOnHold
    }

    /// An operator says that the wall clock is right.
    mutating func confirm(wall: Milliseconds, monotonic: Milliseconds) {
        wallAnchor = wall
        monotonicAnchor = monotonic
        isOnHold = false
    }
}
