import Foundation
import Store
import Testing

@testable import Server

@Suite("Management routes")
struct ManagementTests {
    @Test("a contract goes from draft to archived and back, and events follow its state")
    func contractLife() async throws {
        try await TestServer.with { server in
            let token = try await server.administrator()
            let owner = try await server.token(try await server.makeStream("{\"name\":\"demo\"}"))
            let path = "/v1/contracts/\(TestEvents.ref)"
            func send() async throws -> TestClient.Response {
                try await server.client.post("/event", token: owner, json: TestEvents.event())
            }
            func act(_ method: String, _ path: String) async throws -> Int {
                try await server.client.send(method, path, token: token).status
            }
            #expect(try await send().slug == "unknown-contract")
            let created = try await server.client.post(
                "/v1/contracts", token: token, json: TestEvents.contract)
            #expect(created.status == 201)
            #expect(created.header("location") == path)
            #expect(created.json["state"] as? String == "draft")
            #expect(try await send().slug == "inactive-contract")
            #expect(try await act("POST", path + "/archive") == 409)
            let number = created.json["number"] as? Int ?? -1
            for (verb, body) in [("review", "{}"), ("approve", "{\"number\":\(number)}")] {
                #expect(try await act("POST", path + "/activate") == 409)
                let moved = try await server.client.post(
                    "\(path)/\(verb)", token: token, json: body)
                #expect(moved.status == 200)
                #expect(try await send().slug == "inactive-contract")
            }
            #expect(try await act("POST", path + "/activate") == 200)
            #expect(try await send().status == 204)
            #expect(try await act("POST", path + "/activate") == 409)
            #expect(try await act("DELETE", path) == 409)
            #expect(
                try await server.client.post(
                    "/v1/contracts", token: token, json: TestEvents.contract
                ).status == 409)
            #expect(try await act("POST", path + "/archive") == 200)
            #expect(try await send().slug == "inactive-contract")
            let one = try await server.client.get(path, token: owner)
            #expect(one.json["state"] as? String == "archived")
            #expect((one.json["document"] as? [String: Any])?["keyField"] as? String == "session")
            #expect(try await act("POST", path + "/reactivate") == 200)
            #expect(try await send().status == 204)
        }
    }

    @Test(
        "a contract may be YAML, a draft be deleted, a bad one is refused where it is bad"
    )
    func contractForms() async throws {
        try await TestServer.with { server in
            let token = try await server.administrator()
            try await server.definePurposes([1, 4])
            let yaml = try await server.client.post(
                "/v1/contracts", token: token, json: TestEvents.contract, type: "application/yaml")
            #expect(yaml.status == 201, "\(yaml.text)")
            let path = "/v1/contracts/\(TestEvents.ref)"
            #expect(try await server.client.send("DELETE", path, token: token).status == 204)
            #expect(try await server.client.get(path, token: token).status == 404)
            let bad = TestEvents.contract.replacing(
                "\"keyField\":\"session\"", with: "\"keyField\":\"nothing\"")
            let refused = try await server.client.post("/v1/contracts", token: token, json: bad)
            #expect(refused.status == 400)
            #expect(refused.slug == "invalid-contract")
            #expect(refused.json["pointer"] as? String == "/keyField")
        }
    }

    @Test("contracts and their numbers are there again after a restart")
    func contractsPersist() async throws {
        try await TestServer.with { server in
            let owner = try await server.demo()
            _ = try await server.client.post("/event", token: owner, json: TestEvents.event())
            try await server.stop()
            let again = try await TestServer(server.directory, server.initial)
            #expect(
                try await again.client.post("/event", token: owner, json: TestEvents.event()).status
                    == 204)
            let read = try await again.client.get("/v1/streams/demo/events", token: owner)
            #expect(read.header("strm-events") == "2")
            try await again.stop()
        }
    }

    @Test("derived streams get their default names, levels and a reader of their own")
    func derivedStreams() async throws {
        try await TestServer.with { server in
            let token = try await server.administrator()
            try await server.makeStream("{\"name\":\"demo\",\"retentionDays\":30}")
            for (json, name, levels) in [
                ("{\"derivedFrom\":\"demo\",\"levels\":[4,1]}", "demo-1-4", [1, 4]),
                ("{\"derivedFrom\":\"demo\",\"cumulative\":2}", "demo-c2", [0, 1, 2]),
                ("{\"derivedFrom\":\"demo\",\"levels\":[0],\"name\":\"mine\"}", "mine", [0]),
            ] {
                let made = try await server.client.post("/v1/streams", token: token, json: json)
                #expect(made.status == 201, "\(made.text)")
                #expect(made.json["name"] as? String == name)
                #expect(made.json["kind"] as? String == "derived-stream")
                #expect(made.json["levels"] as? [Int] == levels)
                #expect(made.json["retentionDays"] as? Int == 30)
                let client = made.json["client"] as? [String: Any]
                #expect(client?["role"] as? String == "reader")
                #expect(client?["scope"] as? String == name)
                #expect(made.header("cache-control") == "no-store")
            }
            let dependent = try await server.client.send("DELETE", "/v1/streams/demo", token: token)
            #expect(dependent.status == 409)
            #expect(dependent.text.contains("demo-c2"))
        }
    }

    static let badStreams: [(json: String, status: Int)] = [
        ("{}", 400), ("{\"name\":5}", 400), ("{\"name\":\"\"}", 400), ("{\"name\":\"a/b\"}", 400),
        ("{\"name\":\"..\"}", 400), ("{\"name\":\"a\",\"retentionDays\":0}", 400),
        ("{\"name\":\"a\",\"retentionDays\":401}", 400), ("{\"name\":\"a\",\"colour\":1}", 400),
        ("{\"name\":\"a\",\"levels\":[1]}", 400), ("{\"name\":\"demo\"}", 409),
        ("{\"derivedFrom\":\"none\",\"levels\":[1]}", 404), ("{\"derivedFrom\":\"demo\"}", 400),
        ("{\"derivedFrom\":\"demo\",\"levels\":[]}", 400),
        ("{\"derivedFrom\":\"demo\",\"levels\":[64]}", 400),
        ("{\"derivedFrom\":\"demo\",\"levels\":[-1]}", 400),
        ("{\"derivedFrom\":\"demo\",\"levels\":[1,1]}", 400),
        ("{\"derivedFrom\":\"demo\",\"levels\":[1.5]}", 400),
        ("{\"derivedFrom\":\"demo\",\"levels\":[1],\"cumulative\":1}", 400),
        ("{\"derivedFrom\":\"demo\",\"levels\":[1],\"retentionDays\":5}", 400),
        ("{\"derivedFrom\":\"demo\",\"levels\":[1],\"name\":\"demo\"}", 409),
        ("{\"name\":\"a\",\"name\":\"b\"}", 400), ("[]", 400), ("", 400),
    ]

    @Test("a stream that is not exactly described is refused")
    func badStreams() async throws {
        try await TestServer.with { server in
            let token = try await server.administrator()
            try await server.makeStream("{\"name\":\"demo\"}")
            for bad in Self.badStreams {
                let answer = try await server.client.post(
                    "/v1/streams", token: token, json: bad.json)
                #expect(answer.status == bad.status, "\(bad.json) \(answer.text)")
            }
            let dpo = try await server.token(try await server.makeClient(.dpo))
            let name = "{\"name\":\"dpo-stream\"}"
            #expect(
                try await server.client.post("/v1/streams", token: dpo, json: name).status == 403)
        }
    }

    @Test(
        "deleting a stream ends its clients and events; its name can be taken again"
    )
    func deleteStream() async throws {
        try await TestServer.with { server in
            let token = try await server.administrator()
            let owner = try await server.demo()
            _ = try await server.client.post("/event", token: owner, json: TestEvents.event())
            #expect(
                try await server.client.send("DELETE", "/v1/streams/demo", token: token).status
                    == 204)
            #expect(
                try await server.client.post("/event", token: owner, json: TestEvents.event())
                    .status == 401)
            let clients = try await server.client.get("/v1/clients", token: token)
            #expect((clients.json["items"] as? [Any])?.count == 1)
            let again = try await server.token(try await server.makeStream("{\"name\":\"demo\"}"))
            let read = try await server.client.get("/v1/streams/demo/events", token: again)
            #expect(read.header("strm-events") == "0")
        }
    }

    @Test(
        "of many changes at once exactly one takes a name, and none gets in another's way"
    )
    func concurrentChanges() async throws {
        try await TestServer.with { server in
            let token = try await server.administrator()
            let statuses = try await withThrowingTaskGroup(of: Int.self) { group in
                for index in 0..<8 {
                    let name = index < 4 ? "same" : "other-\(index)"
                    group.addTask {
                        try await server.client.post(
                            "/v1/streams", token: token, json: "{\"name\":\"\(name)\"}"
                        ).status
                    }
                }
                return try await group.reduce(into: []) { $0.append($1) }
            }
            #expect(statuses.count { $0 == 201 } == 5)
            #expect(statuses.count { $0 == 409 } == 3)
        }
    }

    @Test(
        "clients are shown without secrets, need a fitting scope, and the last administrator stays")
    func clients() async throws {
        try await TestServer.with { server in
            let token = try await server.administrator()
            try await server.makeStream("{\"name\":\"demo\"}")
            try await server.makeStream("{\"derivedFrom\":\"demo\",\"levels\":[1]}")
            for (json, status) in [
                ("{\"role\":\"auditor\"}", 201), ("{\"role\":\"auditor\",\"scope\":\"demo\"}", 400),
                ("{\"role\":\"reader\",\"scope\":\"demo-1\"}", 201),
                ("{\"role\":\"sender\",\"scope\":\"demo-1\"}", 400), ("{\"role\":\"sender\"}", 400),
                ("{\"role\":\"sender\",\"scope\":\"none\"}", 404), ("{\"role\":\"root\"}", 400),
                ("{\"role\":\"sender\",\"scope\":7}", 400),
            ] {
                let answer = try await server.client.post("/v1/clients", token: token, json: json)
                #expect(answer.status == status, "\(json) \(answer.text)")
            }
            let list = try await server.client.get("/v1/clients", token: token)
            #expect(!list.text.contains("ecret"))
            let own = "/v1/clients/\(server.initial.administrator.clientID)"
            #expect(try await server.client.send("DELETE", own, token: token).status == 409)
            let second = try await server.token(try await server.makeClient(.administrator))
            #expect(try await server.client.send("DELETE", own, token: second).status == 204)
            #expect(try await server.client.get("/v1/clients", token: token).status == 401)
        }
    }

    @Test("each management act leaves its audit entry with who did it")
    func audited() async throws {
        try await TestServer.with { server in
            _ = try await server.demo()
            try await server.makeStream("{\"derivedFrom\":\"demo\",\"levels\":[1]}")
            let token = try await server.administrator()
            _ = try await server.client.send("DELETE", "/v1/streams/demo-1", token: token)
            for act in [
                "contractCreated", "contractSubmitted", "contractApproved", "contractActivated",
                "streamCreated", "derivedStreamCreated", "derivedStreamApproved",
                "derivedStreamDeleted",
            ] {
                let entries = try await server.client.get(
                    "/v1/audit/entries?act=\(act)", token: token)
                let items = entries.json["items"] as? [[String: Any]] ?? []
                #expect(items.count == 1, "\(act)")
                #expect(items.first?["client"] as? String == server.initial.administrator.clientID)
            }
        }
    }

    @Test("the audit log can be read with bounds and filters, and taken out as tiles")
    func auditRoutes() async throws {
        try await TestServer.with { server in
            _ = try await server.demo()
            let token = try await server.token(try await server.makeClient(.auditor))
            let first = try await server.client.get("/v1/audit/entries?limit=2", token: token)
            #expect((first.json["items"] as? [Any])?.count == 2)
            #expect(first.json["next"] as? Int == 2)
            let next = try await server.client.get(
                "/v1/audit/entries?after=2&limit=1000", token: token)
            #expect(((next.json["items"] as? [[String: Any]])?.first?["n"] as? Int) == 2)
            #expect(next.json["isComplete"] as? Bool == true)
            for bad in ["act=none", "purpose=64", "limit=0", "from=x", "after=-1", "wat=1"] {
                #expect(
                    try await server.client.get("/v1/audit/entries?\(bad)", token: token).status
                        == 400, "\(bad)")
            }
            let export = try await server.client.send("POST", "/v1/audit/exports", token: token)
            let lines = export.text.split(separator: "\n")
            let size = try #require(lines.dropFirst().first.flatMap { Int($0) })
            let tile = try await server.client.get("/v1/audit/tile/0/000.p/\(size)", token: token)
            #expect(tile.status == 200)
            #expect(tile.body.count == size * 32)
            #expect(tile.header("content-type") == "application/octet-stream")
            let bundle = try await server.client.get(
                "/v1/audit/tile/entries/000.p/\(size)", token: token)
            #expect(bundle.text.contains("auditExported"))
            for bad in ["0/001", "0/../0", "x", "9/000", "0/000.p/0"] {
                #expect(
                    try await server.client.get("/v1/audit/tile/\(bad)", token: token).status
                        == 404, "\(bad)")
            }
            let key = try await server.client.get("/v1/audit/verifier-key", token: token)
            #expect(key.text == server.initial.auditVerifierKey + "\n")
        }
    }
}
