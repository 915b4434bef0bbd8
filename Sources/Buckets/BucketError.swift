/// Why a bucket could not be used. Descriptions are safe to show to an operator: no credential, no
/// byte of an object, no text of a remote server but its error code.
package enum BucketError: Error, Sendable, Equatable, CustomStringConvertible {
    /// The settings of the connector are wrong; `pointer` names the member.
    case invalid(pointer: String, expected: String)
    /// The endpoint may not be used: an address that is not public, http, a redirect.
    case endpointRefused(String)
    /// The store does not accept the credentials.
    case credentialsRefused(code: String)
    /// The store accepts the credentials, but they may not do this. `action` is what is missing,
    /// such as `s3:PutObject on arn:aws:s3:::orders/*`.
    case forbidden(action: String, code: String)
    /// There is no such bucket.
    case noSuchBucket
    /// No connection, no name, no TLS, or it broke off.
    case unreachable(String)
    /// The store is overloaded or out of order; `status` is its HTTP status.
    case unavailable(status: Int, code: String)
    /// Any other answer that is not a success.
    case unexpected(status: Int, code: String)
    /// The file system refused (local directories).
    case file(String)
    case cancelled

    package var description: String {
        switch self {
        case .invalid(let pointer, let expected): "\(pointer): expected \(expected)"
        case .endpointRefused(let reason): "the endpoint is refused: \(reason)"
        case .credentialsRefused(let code): "the credentials are refused (\(code))"
        case .forbidden(let action, let code): "not permitted: \(action) (\(code))"
        case .noSuchBucket: "there is no such bucket"
        case .unreachable(let reason): "cannot be reached: \(reason)"
        case .unavailable(let status, let code): "not available now (\(status) \(code))"
        case .unexpected(let status, let code): "an unexpected answer (\(status) \(code))"
        case .file(let reason): "the directory cannot be written: \(reason)"
        case .cancelled: "cancelled"
        }
    }
}
