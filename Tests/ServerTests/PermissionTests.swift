import HTTP
import Store
import Testing

@testable import Server

@Suite("Who may do what")
struct PermissionTests {
    /// One row a route: who gets past the check of roles. Everyone else gets 403.
    static let table: [(method: String, path: String, allowed: Set<String>)] = [
        ("POST", "/event", ["sender", "streamOwner"]),
        ("POST", "/events", ["sender", "streamOwner"]),
        ("GET", "/v1/streams/demo/events", ["reader", "streamOwner"]),
        ("GET", "/v1/streams/demo-1/events", ["derivedReader"]),
        ("POST", "/v1/streams/demo/consumers/c/commit", ["reader", "streamOwner"]),
        ("GET", "/v1/contracts", everyone), ("GET", "/v1/contracts/a/b/1.0.0", everyone),
        ("POST", "/v1/contracts", ["administrator", "dpo", "author"]),
        ("POST", "/v1/contracts/compare", ["administrator", "dpo", "author", "auditor"]),
        ("PUT", "/v1/contracts/a/b/1.0.0", ["administrator", "dpo", "author"]),
        ("POST", "/v1/contracts/a/b/1.0.0/review", ["administrator", "dpo", "author"]),
        ("POST", "/v1/contracts/a/b/1.0.0/approve", ["administrator", "dpo"]),
        ("POST", "/v1/contracts/a/b/1.0.0/reject", ["administrator", "dpo"]),
        ("POST", "/v1/contracts/a/b/1.0.0/activate", ["administrator", "dpo", "author"]),
        ("POST", "/v1/contracts/a/b/1.0.0/archive", ["administrator", "dpo", "author"]),
        ("POST", "/v1/contracts/a/b/1.0.0/reactivate", ["administrator", "dpo", "author"]),
        ("DELETE", "/v1/contracts/a/b/1.0.0", ["administrator", "dpo", "author"]),
        ("GET", "/v1/purposes", everyone), ("GET", "/v1/purposes/9", everyone),
        ("PUT", "/v1/purposes/9", ["administrator", "dpo"]),
        ("DELETE", "/v1/purposes/9", ["administrator", "dpo"]),
        ("GET", "/v1/streams", everyone),
        (
            "GET", "/v1/streams/demo",
            ["administrator", "dpo", "author", "auditor", "sender", "reader", "streamOwner"]
        ),
        (
            "GET", "/v1/streams/demo-1",
            ["administrator", "dpo", "author", "auditor", "derivedReader"]
        ), ("POST", "/v1/streams", ["administrator", "dpo", "author"]),
        ("POST", "/v1/streams/none/approve", ["administrator", "dpo"]),
        ("POST", "/v1/streams/none/reject", ["administrator", "dpo"]),
        ("DELETE", "/v1/streams/none", ["administrator", "dpo", "author"]),
        ("POST", "/v1/dry-runs", ["administrator", "dpo"]),
        ("GET", "/v1/streams/demo-1/dry-run", ["administrator", "dpo"]),
        ("PUT", "/v1/streams/demo/key-export", ["dpo"]),
        ("GET", "/v1/connectors", ["administrator", "dpo", "auditor"]),
        ("POST", "/v1/connectors", ["administrator"]),
        ("GET", "/v1/connectors/none", ["administrator", "dpo", "auditor"]),
        ("DELETE", "/v1/connectors/none", ["administrator"]),
        ("POST", "/v1/connectors/none/test", ["administrator"]),
        ("PUT", "/v1/connectors/none/credentials", ["administrator"]),
        ("GET", "/v1/exporters", ["administrator", "dpo", "auditor"]),
        ("POST", "/v1/exporters", ["administrator", "dpo"]),
        ("GET", "/v1/exporters/none", ["administrator", "dpo", "auditor"]),
        ("DELETE", "/v1/exporters/none", ["administrator", "dpo"]),
        ("POST", "/v1/exporters/none/pause", ["administrator", "dpo"]),
        ("POST", "/v1/exporters/none/resume", ["administrator", "dpo"]),
        ("GET", "/v1/clients", ["administrator"]), ("POST", "/v1/clients", ["administrator"]),
        ("GET", "/v1/clients/none", ["administrator"]),
        ("DELETE", "/v1/clients/none", ["administrator"]),
        ("GET", "/v1/audit/entries", ["administrator", "dpo", "auditor"]),
        ("GET", "/v1/audit/checkpoint", ["administrator", "dpo", "auditor"]),
        ("GET", "/v1/audit/verifier-key", ["administrator", "dpo", "auditor"]),
        ("GET", "/v1/audit/verifier-keys", ["administrator", "dpo", "auditor"]),
        ("GET", "/v1/audit/proofs/inclusion", ["administrator", "dpo", "auditor"]),
        ("GET", "/v1/audit/proofs/consistency", ["administrator", "dpo", "auditor"]),
        ("GET", "/v1/audit/rotations/1", ["administrator", "dpo", "auditor"]),
        ("GET", "/v1/audit/witnesses", ["administrator", "dpo", "auditor"]),
        ("POST", "/v1/keys/rotate-signing", ["administrator"]),
        ("GET", "/v1/audit/tile/0/000", ["administrator", "dpo", "auditor"]),
        ("POST", "/v1/audit/exports", ["administrator", "dpo", "auditor"]),
        ("POST", "/v1/proofs", ["administrator", "dpo", "auditor"]),
        ("GET", "/v1/proofs/process", ["administrator", "dpo", "auditor"]),
        ("GET", "/v1/backups", ["administrator"]), ("POST", "/v1/backups", ["administrator"]),
        ("GET", "/v1/backups/none", ["administrator"]),
        ("POST", "/v1/backups/none/verify", ["administrator"]),
        ("GET", "/v1/audit/readers", ["administrator", "dpo", "auditor"]),
        ("GET", "/v1/audit/reads", ["administrator", "dpo", "auditor"]),
        ("GET", "/v1/audit/purposes", ["administrator", "dpo", "auditor"]),
        ("GET", "/v1/audit/decisions", ["administrator", "dpo", "auditor"]),
        ("GET", "/v1/audit/report", ["administrator", "dpo", "auditor"]),
        ("POST", "/v1/audit/recipients", ["administrator", "dpo", "auditor"]),
        ("GET", "/v1/status", ["administrator", "dpo", "auditor"]),
        ("POST", "/v1/clock/confirm", ["administrator"]),
        ("GET", "/v1/keys", ["administrator", "dpo", "auditor"]),
        ("POST", "/v1/keys/rotate-master", ["administrator"]),
        ("GET", "/v1/expiry", ["administrator", "dpo", "auditor"]),
        (
            "GET", "/v1/rejections",
            ["administrator", "dpo", "author", "auditor", "sender", "streamOwner"]
        ),
        (
            "GET", "/v1/streams/demo/rejections", ["administrator", "dpo", "streamOwner"]
        ),
        ("PUT", "/v1/streams/demo/rejections", ["dpo"]),
        ("POST", "/v1/streams/demo/rejections/show", ["dpo"]),
        ("POST", "/v1/streams/demo/rejections/replay", ["administrator", "dpo"]),
        ("POST", "/v1/subjects/links", ["dpo"]), ("POST", "/v1/subjects/access", ["dpo"]),
        ("POST", "/v1/subjects/erasures", ["dpo"]),
        ("POST", "/v1/subjects/fences/lift", ["dpo"]), ("GET", "/v1/erasures", ["dpo"]),
        ("GET", "/v1/erasures/e-none", ["dpo"]), ("GET", "/v1/erasures/e-none/receipt", ["dpo"]),
        ("GET", "/ws", ["reader", "streamOwner", "derivedReader"]),
    ]

    static let everyone: Set<String> = [
        "administrator", "dpo", "author", "auditor", "sender", "reader", "derivedReader",
        "streamOwner",
    ]

    @Test("each route lets exactly the roles of the table pass, and nobody without a token")
    func matrix() async throws {
        try await TestServer.with { server in
            var tokens = ["streamOwner": try await server.demo()]
            tokens["derivedReader"] = try await server.token(
                try await server.makeStream("{\"derivedFrom\":\"demo\",\"levels\":[1]}"))
            for role in [Role.dpo, .author, .auditor, .administrator] {
                tokens[role.rawValue] = try await server.token(try await server.makeClient(role))
            }
            for role in [Role.sender, .reader] {
                tokens[role.rawValue] = try await server.token(
                    try await server.makeClient(role, scope: "demo"))
            }
            #expect(Set(tokens.keys) == Self.everyone)
            for row in Self.table {
                let body: [UInt8]? = row.method == "POST" ? Array("{}".utf8) : nil
                let without = try await server.client.send(row.method, row.path, body: body)
                #expect(without.status == 401, "\(row.method) \(row.path) without a token")
                for (name, token) in tokens {
                    let answer = try await server.client.send(
                        row.method, row.path, token: token,
                        headers: ["content-type": "application/json"], body: body)
                    let isForbidden = answer.status == 403
                    #expect(
                        isForbidden != row.allowed.contains(name),
                        "\(row.method) \(row.path) as \(name): \(answer.status)")
                    #expect(answer.status < 500, "\(row.method) \(row.path) as \(name)")
                    if isForbidden { #expect(answer.slug == "forbidden") }
                }
            }
        }
    }

    @Test("every route of the table of routes that is not open stands in the table of this test")
    func complete() async throws {
        try await TestServer.with { server in
            let router = Router(
                Self.table.map { row in
                    Route(method: .get, template: row.path, access: .open) { _ in
                        throw Problem.internalError
                    }
                })
            #expect(router.routes.count == Self.table.count)
            let listed = Set(Self.table.map { "\($0.method) \(Self.template($0.path))" })
            let document = try OpenAPI.load(try await server.client.get("/openapi.yaml").text)
            #expect(listed == document.securedOperations)
        }
    }

    private static func template(_ path: String) -> String {
        path.replacing("demo-1", with: "{stream}").replacing(
            "streams/demo", with: "streams/{stream}"
        )
        .replacing("streams/none", with: "streams/{stream}")
        .replacing("clients/none", with: "clients/{client}")
        .replacing("purposes/9", with: "purposes/{level}")
        .replacing("connectors/none", with: "connectors/{connector}")
        .replacing("exporters/none", with: "exporters/{exporter}")
        .replacing("erasures/e-none", with: "erasures/{id}")
        .replacing("backups/none", with: "backups/{backup}")
        .replacing("consumers/c/", with: "consumers/{consumer}/")
        .replacing("a/b/1.0.0", with: "{handle}/{name}/{version}")
        .replacing("tile/0/000", with: "tile/{path}")
        .replacing("rotations/1", with: "rotations/{number}")
    }

    @Test("a client of one stream neither reads nor sees another")
    func otherStream() async throws {
        try await TestServer.with { server in
            let demo = try await server.demo()
            let other = try await server.token(try await server.makeStream("{\"name\":\"other\"}"))
            _ = try await server.client.post("/event", token: demo, json: TestEvents.event())
            for path in ["/v1/streams/demo/events", "/v1/streams/demo"] {
                #expect(try await server.client.get(path, token: other).status == 403)
            }
            let list = try await server.client.get("/v1/streams", token: other)
            let names = (list.json["items"] as? [[String: Any]] ?? []).map { $0["name"] as? String }
            #expect(names == ["other"])
            let cursor =
                try await server.client.get("/v1/streams/demo/events", token: demo)
                .header("strm-next-cursor") ?? ""
            let stolen = try await server.client.get(
                "/v1/streams/other/events?cursor=\(cursor)", token: other)
            #expect(stolen.status == 400)
            #expect(stolen.json["parameter"] as? String == "cursor")
        }
    }
}
