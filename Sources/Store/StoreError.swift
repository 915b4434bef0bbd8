/// What can go wrong in the store. The descriptions are safe to show: they hold file names and
/// numbers, never a payload, a key or a field value.
package enum StoreError: Error, Sendable, Equatable {
    /// Too much waits already: nothing was taken; come back after so many seconds.
    case overloaded(retryAfterSeconds: Int)
    /// A write or a sync failed: nothing is written until the store is opened again. What was asked
    /// may or may not have reached the disk.
    case poisoned
    /// `close` was called.
    case closed
    /// A compare-and-set lost: somebody else changed the document first. Nothing of the request
    /// was done.
    case conflict
    /// A checksum, a format or an order is wrong. Says what and where.
    case corrupt(String)
    /// The operating system or the engine failed. Says what it said.
    case io(String)
    /// Another process has the data directory open.
    case locked
    /// What was found on disk is less than what was once acknowledged. A message for the operator.
    case olderThanWatermark(String)
    /// There is no room: events are refused until there is.
    case diskFull
    /// An event's data subject was erased with a fence: no event of theirs is taken. Never of the
    /// store itself: the answer to one event, on its way back through the sink.
    case subjectFenced

    /// True if the same call may succeed later without anybody's help.
    package var isRetriable: Bool {
        switch self {
        case .overloaded, .diskFull: true
        case .poisoned, .closed, .conflict, .corrupt, .io, .locked, .olderThanWatermark,
            .subjectFenced:
            false
        }
    }
}

extension StoreError: CustomStringConvertible {
    package var description: String {
        switch self {
        case .overloaded(let seconds): "the store is overloaded; retry after \(seconds) s"
        case .poisoned: "a write failed; the store takes no more until it is restarted"
        case .closed: "the store is closed"
        case .conflict: "the document was changed by somebody else"
        case .corrupt(let what): "the stored data is damaged: \(what)"
        case .io(let what): "the storage failed: \(what)"
        case .locked: "another process uses the data directory"
        case .olderThanWatermark(let message): message
        case .subjectFenced: "the data subject was erased with a fence: nothing of theirs is taken"
        case .diskFull: "the disk is full"
        }
    }
}
