import Store

/// How much of one stream may still be kept in this second and this hour.
///
/// The windows are those of the clock; one that is set back begins a new window, so it gives at most
/// one window's worth more.
struct KeepingBudget {
    private var second: Milliseconds = -1
    private var inSecond = 0
    private var hour: Milliseconds = -1
    private var bytesInHour = 0

    /// Takes room for one body; false: there is none, and nothing was taken.
    mutating func take(bytes: Int, now: Milliseconds, limits: RejectionLimits) -> Bool {
        if now / 1_000 != second { (second, inSecond) = (now / 1_000, 0) }
        if now / 3_600_000 != hour { (hour, bytesInHour) = (now / 3_600_000, 0) }
        guard inSecond < limits.perSecondMax, bytesInHour + bytes <= limits.bytesPerHourMax else {
            return false
        }
        inSecond += 1
        bytesInHour += bytes
        return true
    }
}
