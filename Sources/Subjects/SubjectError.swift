import Query
package import Store
import Vault

/// Why a question about a person, or an erasure, was not answered. Descriptions are safe to show:
/// none names the person.
package enum SubjectError: Error, Sendable, Equatable, CustomStringConvertible {
    /// A bound of the request is broken; what was expected instead. The caller's fault.
    case badRequest(parameter: String, expected: String)
    /// One of the streams that were named is not there. Which one is not repeated: a name from
    /// outside may be anything.
    case unknownStream
    case unknownErasure
    /// The question could not be put on record, so nothing is told. Repeat later.
    case auditUnavailable(retryAfterSeconds: Int)
    /// Keys cannot be had now: the vault is sealed, or its files cannot be written. What was asked
    /// for may be begun; repeating it is harmless.
    case unavailable(retryAfterSeconds: Int)
    case store(StoreError)
    case cancelled

    package var description: String {
        switch self {
        case .badRequest(let parameter, let expected): "\(parameter): expected \(expected)"
        case .unknownStream: "there is no stream of one of these names"
        case .unknownErasure: "there is no erasure of this id"
        case .auditUnavailable: "the audit log cannot be written"
        case .unavailable: "the keys cannot be reached now"
        case .store(let error): error.description
        case .cancelled: "cancelled"
        }
    }

    init(_ error: VaultError) {
        if case .store(let error) = error {
            self = .store(error)
        } else {
            self = .unavailable(retryAfterSeconds: 5)
        }
    }

    init(_ error: QueryError) {
        switch error {
        case .store(let error): self = .store(error)
        case .auditUnavailable(let seconds): self = .auditUnavailable(retryAfterSeconds: seconds)
        case .unavailable(let seconds): self = .unavailable(retryAfterSeconds: seconds)
        case .cancelled: self = .cancelled
        case .badRequest(let text): self = .badRequest(parameter: "body", expected: text)
        case .badCursor(let reason): self = .badRequest(parameter: "cursor", expected: "\(reason)")
        case .notApproved: self = .unavailable(retryAfterSeconds: 5)
        }
    }

    /// From whatever a thread of the store's throws.
    static func of(_ error: any Error) -> SubjectError {
        switch error {
        case let error as SubjectError: error
        case let error as VaultError: SubjectError(error)
        case let error as QueryError: SubjectError(error)
        case let error as StoreError: .store(error)
        case is CancellationError: .cancelled
        default: .unavailable(retryAfterSeconds: 5)
        }
    }
}
