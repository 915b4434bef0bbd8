import Store

/// Why a backup cannot be made, is not accepted, or cannot be brought back. Descriptions are safe to
/// show: names of files and numbers.
package enum BackupFailure: Error, Sendable, Equatable, CustomStringConvertible {
    /// The backup is not what its manifest says, or the manifest is not ours.
    case damaged(String)
    /// The operator's arrangement does not allow it; nothing was done.
    case refused(String)
    /// The operating system failed.
    case io(String)
    case diskFull
    /// The server stops.
    case cancelled

    package var description: String {
        switch self {
        case .damaged(let what): "the backup is not intact: \(what)"
        case .refused(let what): what
        case .io(let what): what
        case .diskFull: "there is no room for it"
        case .cancelled: "the server stopped"
        }
    }

    init(_ error: StoreError) {
        switch error {
        case .diskFull: self = .diskFull
        case .closed: self = .cancelled
        case .corrupt(let what): self = .damaged(what)
        default: self = .io(error.description)
        }
    }
}
