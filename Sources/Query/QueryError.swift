package import Store

/// Why a read was not served. Every description is safe to show to the reader.
package enum QueryError: Error, Sendable, Equatable {
    /// The cursor is not one that this server made for this stream. The caller's fault.
    case badCursor(CursorError)
    /// A bound of the request is broken; the text says which. The caller's fault.
    case badRequest(String)
    /// The release could not be put on record, so nothing was handed out. Repeat later.
    case auditUnavailable(retryAfterSeconds: Int)
    /// Keys cannot be had now: the vault is sealed or its store does not answer. Repeat later.
    case unavailable(retryAfterSeconds: Int)
    case store(StoreError)
    /// Nobody has approved that this derived stream is read, or the approval was taken back.
    case notApproved
    /// The task that asked was cancelled.
    case cancelled

    package var description: String {
        switch self {
        case .badCursor(let reason): reason.description
        case .badRequest(let text): text
        case .auditUnavailable: "the release could not be recorded in the audit log"
        case .unavailable: "keys are not available now"
        case .store: "the store cannot be read now"
        case .notApproved: "the derived stream is not approved"
        case .cancelled: "the request was cancelled"
        }
    }
}

/// What is wrong with a cursor.
package enum CursorError: Error, Sendable, Equatable, CustomStringConvertible {
    /// Not base64url, or of a length that no cursor has.
    case malformed
    /// Made by a version of this program that we do not know.
    case unknownVersion
    /// Altered, or made by another installation.
    case notGenuine
    /// Made for another stream or derived stream.
    case otherStream
    /// Beyond the end of the stream: it was made before a backup was restored.
    case beyondEnd

    package var description: String {
        switch self {
        case .malformed: "the cursor is malformed"
        case .unknownVersion: "the cursor is of an unknown version"
        case .notGenuine: "the cursor was not made by this server"
        case .otherStream: "the cursor was made for another stream"
        case .beyondEnd: "the cursor lies beyond the end of the stream"
        }
    }
}
