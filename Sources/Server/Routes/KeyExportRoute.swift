import Audit
import HTTP
import Store

/// `PUT /v1/streams/{stream}/key-export`: whether exporters may hand out data keys of a stream.
/// The decision of a data protection officer alone, because it voids expiry and erasure for the
/// keys that leave.
struct KeyExportRoute: Sendable {
    let catalog: Catalog

    var route: Route {
        Route(
            method: .put, template: "/v1/streams/{stream}/key-export", access: .roles([.dpo])
        ) { try await decide($0) }
    }

    private func decide(_ request: RouteRequest) async throws -> HTTPResponse {
        _ = try request.query()
        let body = try request.object("allowed")
        guard let isAllowed = try body.flag("allowed") else {
            throw Problem.invalid("/allowed", expected: "true or false")
        }
        let name = request.parameter("stream")
        let caller = try request.principal()
        guard var entry = catalog.snapshot.streams[name] else {
            if catalog.snapshot.derivedStreams[name] != nil {
                throw Problem.conflict("Keys belong to streams; this is a derived stream.")
            }
            throw Problem.notFound("There is no stream of this name.")
        }
        entry.value.allowsKeyExport = isAllowed
        try await catalog.commit(
            [
                try Catalog.put(
                    entry.value, kind: StreamDefinition.kind, name: name,
                    expectedRevision: entry.revision)
            ],
            recording: .by(
                caller, isAllowed ? .keyExportAllowed : .keyExportForbidden, stream: name,
                detail: isAllowed ? ["voids": "expiry and erasure of the keys that leave"] : [:]))
        return Answer.noContent
    }
}
