import Ingest
import Query
import Store

/// Who asks: what a verified token and the catalog together say. Immutable; made once for each
/// token and event loop.
final class Principal: Sendable {
    let clientID: String
    let role: Role
    /// The stream or derived stream that the client may use.
    let scope: String?
    /// Where its events go; nil if it may not send.
    let sendTarget: StreamTarget?

    init(clientID: String, role: Role, scope: String?, sendTarget: StreamTarget?) {
        self.clientID = clientID
        self.role = role
        self.scope = scope
        self.sendTarget = sendTarget
    }

    /// What the client reads, if it may read `stream`.
    func readTarget(of stream: String, in catalog: CatalogSnapshot) throws(Problem) -> ReadTarget {
        guard role == .reader || role == .streamOwner, let scope else {
            throw .forbidden(
                "Reading events needs the role reader or streamOwner; "
                    + "this client's role is \(role.rawValue).")
        }
        guard scope == stream else {
            throw .forbidden("This client may read only the stream that it was made for.")
        }
        if let definition = catalog.streams[stream]?.value { return .stream(definition) }
        guard let derived = catalog.derivedStreams[stream]?.value,
            let source = catalog.streams[derived.source]?.value
        else { throw .notFound("There is no stream of this name.") }
        guard derived.isApproved else { throw .notApproved }
        return .derived(derived, source: source)
    }
}
