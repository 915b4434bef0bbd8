import Buckets
import Query
import Store
import Vault

/// Why a batch could not be exported. Descriptions are safe to show to an operator.
enum ExportError: Error, Sendable, CustomStringConvertible {
    case bucket(BucketError)
    case query(QueryError)
    case store(StoreError)
    case vault(VaultError)
    /// The stream, derived stream or connector is not there any more.
    case gone(String)
    /// The exporter hands out keys, and a data protection officer has forbidden that.
    case keysForbidden
    /// Events seem to have expired, but the clock has jumped and is not trusted.
    case clockNotTrusted
    /// The exporter was deleted meanwhile, or the server stops: no failure.
    case ended

    init(_ error: QueryError) {
        self = if case .cancelled = error { .ended } else { .query(error) }
    }

    init(_ error: BucketError) {
        self = if case .cancelled = error { .ended } else { .bucket(error) }
    }

    init(_ error: StoreError) {
        // The progress has another revision: the exporter was deleted.
        self = if case .conflict = error { .ended } else { .store(error) }
    }

    var description: String {
        switch self {
        case .bucket(let error): error.description
        case .query(let error): error.description
        case .store(let error): error.description
        case .vault(let error): error.description
        case .gone(let what): "\(what) is not there any more"
        case .keysForbidden:
            "a data protection officer has not allowed the export of this stream's keys"
        case .clockNotTrusted:
            "the clock has jumped: nothing is given up as expired until it is confirmed or right"
        case .ended: "its progress was changed by somebody else"
        }
    }
}
