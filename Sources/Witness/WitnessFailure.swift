/// Why a checkpoint is not confirmed outside. Descriptions are safe to show: sizes and states, no
/// text of a remote server.
package enum WitnessFailure: Error, Sendable, Equatable, CustomStringConvertible {
    /// The place holds another history of this log than the log itself: one of the two was rolled
    /// back, or forked. An operator must look; trying again does not help.
    case otherHistory(String)
    /// It could not be reached, or did not take it. Tried again.
    case failed(String)

    package var description: String {
        switch self {
        case .otherHistory(let reason): "another history: \(reason)"
        case .failed(let reason): reason
        }
    }

    /// The place saw a log that was longer.
    static func rolledBack(seen: UInt64, size: UInt64) -> WitnessFailure {
        .otherHistory("it has seen \(seen) entries, but the log has \(size)")
    }
}
