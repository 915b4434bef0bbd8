/// What became of the bodies that a stream's senders were refused, since the process started.
package struct KeepingStatistics: Sendable, Equatable {
    /// Why a body was not kept.
    package enum Reason: String, Sendable, CaseIterable, Comparable {
        /// Larger than what is kept.
        case tooLarge = "too-large"
        /// More than is kept in a second or an hour.
        case rate
        /// Too many wait to be sealed.
        case busy
        /// The key or the store could not be had.
        case failed

        package static func < (left: Self, right: Self) -> Bool { left.rawValue < right.rawValue }
    }

    package var kept: UInt64 = 0
    package var notKept: [Reason: UInt64] = [:]
}
