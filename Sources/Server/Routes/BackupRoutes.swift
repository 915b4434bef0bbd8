import HTTP
import Store

/// `/v1/backups`: copies of the database. Where they are written, and under which name, is the
/// server's business: no request says it.
struct BackupRoutes: Sendable {
    let backups: Backups

    var routes: [Route] {
        let access = Route.Access.roles([.administrator])
        return [
            Route(method: .get, template: "/v1/backups", access: access) { request in
                _ = try request.query()
                let items = try await backups.list().map(\.json)
                return Answer.json(["items": .array(items)])
            },
            Route(method: .post, template: "/v1/backups", access: access) { request in
                _ = try request.query()
                if !request.http.body.isEmpty { _ = try request.object() }
                let name = try await backups.create(
                    by: try request.principal(), now: request.now)
                return Answer.json(["name": .string(name), "state": "making"], status: 202)
            },
            Route(method: .get, template: "/v1/backups/{backup}", access: access) { request in
                _ = try request.query()
                guard let listing = try await backups.listing(request.parameter("backup")) else {
                    throw Backups.unknown
                }
                return Answer.json(listing.json)
            },
            Route(
                method: .post, template: "/v1/backups/{backup}/verify", access: access
            ) { request in
                _ = try request.query()
                let name = request.parameter("backup")
                try await backups.verify(
                    name, by: try request.principal(), now: request.now)
                return Answer.json(["name": .string(name), "state": "verifying"], status: 202)
            },
        ]
    }
}
