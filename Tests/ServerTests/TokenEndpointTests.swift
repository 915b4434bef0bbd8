import Foundation
import Testing

@testable import Server

@Suite("Token endpoints")
struct TokenEndpointTests {
    static let older = "/auth/realms/streams/protocol/openid-connect/token"

    @Test("client credentials by form and by Basic give a bearer token that no cache may keep")
    func clientCredentials() async throws {
        try await TestServer.with { server in
            let (id, secret) = (
                server.initial.administrator.clientID, server.initial.administrator.clientSecret
            )
            let form = try await server.client.form(
                "/oauth2/token",
                "grant_type=client_credentials&client_id=\(id)&client_secret=\(secret)")
            let basic = try await server.client.form(
                "/oauth2/token", "grant_type=client_credentials",
                headers: [
                    "authorization": "Basic \(Data("\(id):\(secret)".utf8).base64EncodedString())"
                ])
            for answer in [form, basic] {
                #expect(answer.status == 200)
                #expect(answer.header("cache-control") == "no-store")
                #expect(answer.json["token_type"] as? String == "Bearer")
                #expect(answer.json["expires_in"] as? Int == 3_600)
                #expect(answer.json["refresh_token"] == nil)
                let token = try #require(answer.json["access_token"] as? String)
                #expect(try await server.client.get("/v1/status", token: token).status == 200)
            }
        }
    }

    @Test("each mistake gets its error of RFC 6749")
    func errors() async throws {
        try await TestServer.with { server in
            let (id, secret) = (
                server.initial.administrator.clientID, server.initial.administrator.clientSecret
            )
            let basic = "Basic \(Data("\(id):\(secret)".utf8).base64EncodedString())"
            let good = "client_id=\(id)&client_secret=\(secret)"
            let cases: [(form: String, authorization: String?, status: Int, error: String)] = [
                (good, nil, 400, "invalid_request"),
                ("grant_type=password&\(good)", nil, 400, "unsupported_grant_type"),
                (
                    "grant_type=refresh_token&\(good)&refresh_token=x", nil, 400,
                    "unsupported_grant_type"
                ),
                ("grant_type=client_credentials", nil, 401, "invalid_client"),
                (
                    "grant_type=client_credentials&client_id=\(id)&client_secret=wrong", nil, 401,
                    "invalid_client"
                ),
                (
                    "grant_type=client_credentials&client_id=nobody&client_secret=\(secret)", nil,
                    401, "invalid_client"
                ),
                (
                    "grant_type=client_credentials&client_secret=\(secret)", nil, 400,
                    "invalid_request"
                ),
                ("grant_type=client_credentials&grant_type=x&\(good)", nil, 400, "invalid_request"),
                ("grant_type=client_credentials&\(good)", basic, 400, "invalid_request"),
                ("grant_type=client_credentials", "Basic !!!", 401, "invalid_client"),
                ("grant_type=client_credentials", "Bearer x", 401, "invalid_client"),
                ("grant_type=client_credentials&scope=other&\(good)", nil, 400, "invalid_scope"),
                ("grant_type=%ff&\(good)", nil, 400, "invalid_request"),
            ]
            for wrong in cases {
                let answer = try await server.client.form(
                    "/oauth2/token", wrong.form,
                    headers: wrong.authorization.map { ["authorization": $0] } ?? [:])
                #expect(
                    answer.status == wrong.status, "\(wrong.error) \(wrong.authorization ?? "")")
                #expect(answer.json["error"] as? String == wrong.error, "\(answer.text)")
                #expect(answer.header("content-type") == "application/json")
                #expect(wrong.status != 401 || answer.header("www-authenticate") != nil)
                #expect(!answer.text.contains(secret))
            }
            let json = try await server.client.post("/oauth2/token", json: "{}")
            #expect(json.status == 400)
        }
    }

    @Test("an unknown client and a wrong secret cannot be told apart")
    func indistinguishable() async throws {
        try await TestServer.with { server in
            let id = server.initial.administrator.clientID
            let wrong = try await server.client.form(
                "/oauth2/token", "grant_type=client_credentials&client_id=\(id)&client_secret=x")
            let unknown = try await server.client.form(
                "/oauth2/token", "grant_type=client_credentials&client_id=c-x&client_secret=x")
            #expect(wrong.text == unknown.text)
            #expect(wrong.status == unknown.status)
        }
    }

    @Test("the older endpoint gives a refresh token, and takes it for a new pair")
    func olderForm() async throws {
        try await TestServer.with { server in
            let (id, secret) = (
                server.initial.administrator.clientID, server.initial.administrator.clientSecret
            )
            let first = try await server.client.form(
                Self.older, "grant_type=client_credentials&client_id=\(id)&client_secret=\(secret)")
            let refresh = try #require(first.json["refresh_token"] as? String)
            let expiresAt = try #require(first.json["expires_at"] as? Int)
            #expect(abs(expiresAt - Int(Date().timeIntervalSince1970) - 3_600) < 60)
            for extra in ["", "&client_id=\(id)&client_secret=\(secret)"] {
                let second = try await server.client.form(
                    Self.older, "grant_type=refresh_token&refresh_token=\(refresh)\(extra)")
                #expect(second.status == 200)
                let token = try #require(second.json["access_token"] as? String)
                #expect(try await server.client.get("/v1/status", token: token).status == 200)
            }
            let access = try #require(first.json["access_token"] as? String)
            for bad in ["x", access] {
                let refused = try await server.client.form(
                    Self.older, "grant_type=refresh_token&refresh_token=\(bad)")
                #expect(refused.json["error"] as? String == "invalid_grant")
            }
            #expect(try await server.client.get("/v1/status", token: refresh).status == 401)
        }
    }

    @Test("the JSON endpoints of the older protocol answer in its names")
    func olderJSON() async throws {
        try await TestServer.with { server in
            let (id, secret) = (
                server.initial.administrator.clientID, server.initial.administrator.clientSecret
            )
            let first = try await server.client.post(
                "/auth",
                json: "{\"billingId\":\"b\",\"clientId\":\"\(id)\",\"clientSecret\":\"\(secret)\"}")
            #expect(first.status == 200)
            #expect(Set(first.json.keys) == ["idToken", "refreshToken", "expiresAt"])
            let refresh = try #require(first.json["refreshToken"] as? String)
            let second = try await server.client.post(
                "/refresh", json: "{\"refreshToken\":\"\(refresh)\"}")
            let token = try #require(second.json["idToken"] as? String)
            #expect(try await server.client.get("/v1/status", token: token).status == 200)
            for (path, json, status) in [
                ("/auth", "{\"clientId\":\"\(id)\",\"clientSecret\":\"x\"}", 401),
                ("/auth", "{\"clientId\":\"\(id)\"}", 400), ("/auth", "[]", 400),
                ("/refresh", "{\"refreshToken\":\"x\"}", 401), ("/refresh", "{}", 400),
            ] {
                #expect(try await server.client.post(path, json: json).status == status, "\(json)")
            }
        }
    }

    @Test("tokens issued and refused are on record, and a stranger's text is not")
    func audited() async throws {
        try await TestServer.with { server in
            let token = try await server.administrator()
            let id = server.initial.administrator.clientID
            for client in [id, "SMCANARY-client"] {
                _ = try await server.client.form(
                    "/oauth2/token",
                    "grant_type=client_credentials&client_id=\(client)&client_secret=SMCANARY")
            }
            let secret = server.initial.administrator.clientSecret
            _ = try await server.client.form(
                "/oauth2/token",
                "grant_type=client_credentials&client_id=\(id)&client_secret=\(secret)&scope=no")
            let issued = try await server.client.get(
                "/v1/audit/entries?act=tokenIssued", token: token)
            // The administrator's own; a wrong scope leaves no entry of a token that nobody got.
            #expect((issued.json["items"] as? [[String: Any]])?.count == 1)
            #expect((issued.json["items"] as? [[String: Any]])?.first?["client"] as? String == id)
            let refused = try await server.client.get(
                "/v1/audit/entries?act=tokenRefused", token: token)
            let items = refused.json["items"] as? [[String: Any]] ?? []
            #expect(items.count == 2)
            #expect(items.first?["client"] as? String == id)
            #expect(items.last?["client"] == nil)
            #expect(!refused.text.contains("SMCANARY"))
        }
    }

    @Test("the metadata and the key set are what RFC 8414 and RFC 7517 ask for")
    func discovery() async throws {
        try await TestServer.with { server in
            let metadata = try await server.client.get("/.well-known/oauth-authorization-server")
            #expect(metadata.json["issuer"] as? String == "http://issuer.test")
            #expect(metadata.json["token_endpoint"] as? String == "http://issuer.test/oauth2/token")
            let keys = try await server.client.get("/.well-known/jwks.json")
            let key = try #require((keys.json["keys"] as? [[String: Any]])?.first)
            #expect(key["alg"] as? String == "ES256")
            #expect(key["d"] == nil)
        }
    }

    @Test("tokens outlive a restart, and a deleted client's token is refused at once")
    func restartAndRevocation() async throws {
        try await TestServer.with { server in
            let sender = try await server.demo()
            #expect(
                try await server.client.post("/event", token: sender, json: TestEvents.event())
                    .status == 204)
            try await server.stop()
            let again = try await TestServer(server.directory, server.initial)
            let administrator = try await again.administrator()
            let event = TestEvents.event()
            #expect(try await again.client.post("/event", token: sender, json: event).status == 204)
            let clients = try await again.client.get("/v1/clients", token: administrator)
            let items = clients.json["items"] as? [[String: Any]] ?? []
            let id = items.first { $0["scope"] as? String == "demo" }?["clientId"] as? String ?? ""
            let deleted = try await again.client.send(
                "DELETE", "/v1/clients/\(id)", token: administrator)
            #expect(deleted.status == 204)
            for _ in 0..<4 {
                #expect(
                    try await again.client.post("/event", token: sender, json: event).status == 401)
            }
            #expect(
                try await again.client.get("/v1/streams/demo/events", token: sender).status == 401)
            try await again.stop()
        }
    }

    @Test("an expired token is refused although the loop has it in its cache")
    func expiredInCache() async throws {
        let clock = TestClock()
        try await TestServer.with(["tokens.accessSeconds": "60"], clock: clock) { server in
            let sender = try await server.demo()
            for _ in 0..<4 {
                #expect(
                    try await server.client.post("/event", token: sender, json: TestEvents.event())
                        .status == 204)
            }
            clock.advance(seconds: 60)
            for _ in 0..<4 {
                #expect(
                    try await server.client.post("/event", token: sender, json: TestEvents.event())
                        .status == 401)
            }
        }
    }
}
