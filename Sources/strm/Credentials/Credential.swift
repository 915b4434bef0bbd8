/// A client of one server: who a command acts as.
///
/// It is Codable for the credentials file alone, and prints without its secret.
struct Credential: Codable, Hashable, Sendable, CustomStringConvertible {
    var clientId: String
    var clientSecret: String
    /// `administrator`, `dpo`, `author`, `auditor`, `streamOwner`, `sender` or `reader`; nil if it was given
    /// on the command line, where only the server knows.
    var role: String?
    /// The stream or derived stream that it may use; nil for a role that is not tied to one.
    var scope: String?

    var description: String { "client \(clientId)" }
}

/// What a command is about to do, so that a fitting credential is chosen.
enum Purpose: Hashable, Sendable {
    case manage
    /// Look at contracts, streams and purposes.
    case look
    /// Write contracts, ask for derived streams.
    case write
    /// Activate, archive or delete what was written.
    case control
    /// Decide about contracts and derived streams.
    case approve
    /// Say what consent levels stand for.
    case definePurposes
    /// Look at connectors and exporters.
    case inspectExports
    /// Make, pause, resume and delete exporters.
    case export
    /// Decide whether data keys of a stream may leave.
    case releaseKeys
    case audit
    case send(stream: String)
    case read(stream: String)
    /// See what was refused of a stream; nil: of all.
    case seeRejections(stream: String?)
    /// See which refused events a stream keeps.
    case listRejections(stream: String)
    /// Decide whether they are kept, and open them.
    case openRejections
    case replayRejections
    /// Answer a person's request: what is held, who had it, erase it.
    case subjects

    /// The roles that may do it, the narrowest first: a command never acts with more power than
    /// it needs while something less will do.
    var roles: [String] {
        switch self {
        case .manage: ["administrator"]
        case .look:
            ["author", "auditor", "dpo", "administrator", "streamOwner", "sender", "reader"]
        case .write: ["author", "administrator", "dpo"]
        case .control: ["administrator", "dpo", "author"]
        case .approve, .definePurposes, .export, .replayRejections: ["dpo", "administrator"]
        case .releaseKeys, .openRejections, .subjects: ["dpo"]
        case .audit, .inspectExports: ["auditor", "dpo", "administrator"]
        case .send: ["sender", "streamOwner"]
        case .read: ["reader", "streamOwner"]
        case .seeRejections: ["sender", "streamOwner", "auditor", "dpo", "administrator"]
        case .listRejections: ["streamOwner", "dpo", "administrator"]
        }
    }

    /// The scope that a fitting credential has; nil where a scope plays no part.
    var scope: String? {
        switch self {
        case .manage, .look, .write, .control, .approve, .definePurposes, .inspectExports, .export,
            .releaseKeys, .audit, .seeRejections, .listRejections, .openRejections,
            .replayRejections, .subjects:
            nil
        case .send(let stream), .read(let stream): stream
        }
    }

    func fits(_ credential: Credential) -> Bool {
        guard let role = credential.role, roles.contains(role) else { return false }
        // Who belongs to one stream sees that one alone; all others see every stream.
        switch self {
        case .seeRejections(let stream):
            return credential.scope == nil || credential.scope == stream
        case .listRejections(let stream):
            return credential.scope == nil || credential.scope == stream
        default: break
        }
        return scope == nil || credential.scope == scope
    }

    /// What to type when there is no credential for it.
    func remedy(_ server: ServerURL) -> String {
        switch self {
        case .approve:
            "strm create client dpo (it stores the DPO; one person alone: strm init "
                + "--single-person), or --client-id ID --client-secret-file FILE"
        case .manage, .look, .write, .control, .definePurposes, .inspectExports, .export,
            .seeRejections, .listRejections, .replayRejections:
            "strm init (it stores the administrator), or --client-id ID --client-secret-file FILE"
        case .releaseKeys, .openRejections, .subjects:
            "strm create client dpo (it stores the DPO), or --client-id ID "
                + "--client-secret-file FILE"
        case .audit:
            "strm create client auditor (it stores the auditor), or --client-id ID "
                + "--client-secret-file FILE"
        case .send(let stream), .read(let stream):
            "strm create stream \(stream), or strm credentials add \(stream) --client-id ID "
                + "--client-secret-file FILE --role reader --scope \(stream)"
        }
    }

    var description: String {
        switch self {
        case .manage: "manage streams, clients and connectors"
        case .look: "see contracts, streams and purposes"
        case .write: "write contracts and ask for derived streams"
        case .control: "activate, archive or delete contracts"
        case .approve: "approve contracts and derived streams"
        case .definePurposes: "say what consent levels stand for"
        case .inspectExports: "see connectors and exporters"
        case .export: "manage exporters"
        case .releaseKeys: "decide whether keys may leave: that is the DPO's"
        case .audit: "read the audit log"
        case .send(let stream): "send to \(stream)"
        case .read(let stream): "read \(stream)"
        case .seeRejections: "see what was refused"
        case .listRejections(let stream): "see which refused events \(stream) keeps"
        case .openRejections: "keep and open refused events: that is the DPO's"
        case .replayRejections: "replay refused events"
        case .subjects: "answer a person's request: that is the DPO's"
        }
    }
}
