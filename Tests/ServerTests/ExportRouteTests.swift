import Foundation
import Store
import Testing

@testable import Server

@Suite("Connectors and exporters", .timeLimit(.minutes(2)))
struct ExportRouteTests {
    /// A server that may write below a directory of its own, with a stream, and its tokens.
    private func withSite(
        _ overrides: [String: String] = [:],
        _ body: (TestServer, _ root: String, _ owner: String, _ token: String) async throws -> Void
    ) async throws {
        let root = FileManager.default.temporaryDirectory
            .appending(path: "strm-exports-\(UUID().uuidString)").path
        try FileManager.default.createDirectory(atPath: root, withIntermediateDirectories: false)
        defer { try? FileManager.default.removeItem(atPath: root) }
        var all = ["exports.directory": root, "exports.intervalSecondsMin": "1"]
        all.merge(overrides) { $1 }
        try await TestServer.with(all) { server in
            let owner = try await server.demo()
            try await body(server, root, owner, try await server.administrator())
        }
    }

    private func files(_ root: String) -> [String] {
        let all = FileManager.default.enumerator(atPath: root)?.allObjects as? [String] ?? []
        return all.filter { $0.contains(".jsonl") }.sorted()
    }

    private func waits(
        _ server: TestServer, _ token: String, _ name: String,
        until isReached: ([String: Any]) -> Bool
    ) async throws -> [String: Any] {
        while true {
            let status = try await server.client.get("/v1/exporters/\(name)", token: token).json
            if isReached(status) { return status }
            try Task.checkCancellation()
            await Task.yield()
        }
    }

    @Test("an exporter copies a stream into a bucket, is paused, resumed and deleted")
    func life() async throws {
        try await withSite { server, root, owner, token in
            let client = server.client
            let connector = try await client.post(
                "/v1/connectors", token: token,
                json: "{\"name\":\"disk\",\"type\":\"local\",\"path\":\"team/a\"}")
            #expect(connector.status == 201, "\(connector.text)")
            #expect(connector.json["credentials"] as? String == "none")
            #expect(
                try await client.post(
                    "/v1/connectors/disk/test", token: token, json: ""
                ).status == 204)
            #expect(files(root).isEmpty, "the probe is removed again")
            _ = try await client.post("/event", token: owner, json: TestEvents.event())
            let body = """
                {"stream":"demo","connector":"disk","intervalSeconds":1,"pathPrefix":"p/q",\
                "includeExistingEvents":true,"compression":"gzip"}
                """
            let made = try await client.post("/v1/exporters", token: token, json: body)
            #expect(made.status == 201, "\(made.text)")
            #expect(made.json["name"] as? String == "demo-disk")
            #expect(made.header("location") == "/v1/exporters/demo-disk")
            let again = try await client.post("/v1/exporters", token: token, json: body)
            #expect(again.status == 409)
            let twin = body.replacing("{\"stream\"", with: "{\"name\":\"twin\",\"stream\"")
            #expect(try await client.post("/v1/exporters", token: token, json: twin).status == 409)
            let done = try await waits(server, token, "demo-disk") { $0["batches"] as? Int == 1 }
            #expect(done["events"] as? Int == 1)
            #expect(done["lagEvents"] as? Int == 0)
            #expect(done["state"] as? String == "running")
            #expect(files(root).count == 2)
            #expect(files(root).allSatisfy { $0.hasPrefix("team/a/p/q/2") })

            #expect(
                try await client.send(
                    "POST", "/v1/exporters/demo-disk/pause", token: token
                ).status == 204)
            _ = try await client.post("/event", token: owner, json: TestEvents.event())
            let paused = try await client.get("/v1/exporters/demo-disk", token: token).json
            #expect(paused["state"] as? String == "paused")
            #expect(paused["lagEvents"] as? Int == 1)
            #expect(
                try await client.send(
                    "DELETE", "/v1/connectors/disk", token: token
                ).status == 409)
            #expect(
                try await client.send(
                    "DELETE", "/v1/streams/demo", token: token
                ).status == 409)
            #expect(
                try await client.send(
                    "POST", "/v1/exporters/demo-disk/resume", token: token
                ).status == 204)
            _ = try await waits(server, token, "demo-disk") { $0["batches"] as? Int == 2 }
            #expect(files(root).count == 4)
            let metrics = try await client.get("/metrics").text
            #expect(metrics.contains("strm_exporter_events_total{exporter=\"demo-disk\"} 2"))
            #expect(
                try await client.send(
                    "DELETE", "/v1/exporters/demo-disk", token: token
                ).status == 204)
            #expect(try await client.get("/v1/exporters/demo-disk", token: token).status == 404)
            #expect(
                try await client.send(
                    "DELETE", "/v1/connectors/disk", token: token
                ).status == 204)
        }
    }

    @Test("what is wrong with a connector or an exporter is said with its member")
    func mistakes() async throws {
        try await withSite { server, _, _, token in
            func parameter(_ path: String, _ json: String) async throws -> String {
                let answer = try await server.client.post(path, token: token, json: json)
                #expect(answer.status == 400, "\(json) \(answer.text)")
                return answer.json["parameter"] as? String ?? ""
            }
            let s3 =
                "{\"name\":\"c\",\"type\":\"s3\",\"bucket\":\"orders\",\"region\":\"eu-west-1\""
            let keys = "\"accessKeyId\":\"AKIDEXAMPLE\",\"secretAccessKey\":\"wJalrXUtnFEMI\"}"
            #expect(try await parameter("/v1/connectors", "{\"type\":\"ftp\"}") == "/type")
            #expect(try await parameter("/v1/connectors", s3 + "}") == "/accessKeyId")
            let plain = try await server.client.post(
                "/v1/connectors", token: token,
                json: s3 + ",\"endpoint\":\"http://s3.example.com\"," + keys)
            #expect(plain.status == 422)
            #expect(plain.text.contains("https"))
            #expect(
                try await parameter(
                    "/v1/connectors", "{\"name\":\"c\",\"type\":\"local\",\"path\":\"../up\"}")
                    == "/path")
            #expect(
                try await parameter(
                    "/v1/connectors",
                    "{\"name\":\"c\",\"type\":\"local\",\"path\":\"a\",\"bucket\":\"b\"}") == "body"
            )
            let local = "{\"name\":\"c\",\"type\":\"local\",\"path\":\"a\"}"
            #expect(
                try await server.client.post(
                    "/v1/connectors", token: token, json: local
                ).status == 201)
            let exporter = "{\"stream\":\"demo\",\"connector\":\"c\""
            for prefix in ["/a", "a//b", "a/../b", "a%2Fb", "a b", "-a", "a/"] {
                #expect(
                    try await parameter(
                        "/v1/exporters", exporter + ",\"pathPrefix\":\"\(prefix)\"}")
                        == "/pathPrefix")
            }
            #expect(
                try await parameter(
                    "/v1/exporters", exporter + ",\"intervalSeconds\":3601}") == "/intervalSeconds")
            #expect(
                try await parameter(
                    "/v1/exporters", exporter + ",\"compression\":\"lzma\"}") == "/compression")
            let missing = try await server.client.post(
                "/v1/exporters", token: token, json: "{\"stream\":\"demo\",\"connector\":\"no\"}")
            #expect(missing.status == 404)
            let keyed = try await server.client.post(
                "/v1/exporters", token: token, json: exporter + ",\"includeKeys\":true}")
            #expect(keyed.status == 403)
        }
    }

    @Test("endpoints on the server's own network are refused unless the operator allows them")
    func privateAddresses() async throws {
        let body = """
            {"name":"c","type":"s3","bucket":"orders","region":"eu-west-1",\
            "endpoint":"https://127.0.0.1:9","pathStyle":true,\
            "accessKeyId":"AKIDEXAMPLE","secretAccessKey":"wJalrXUtnFEMI"}
            """
        try await withSite { server, _, _, token in
            let answer = try await server.client.post("/v1/connectors", token: token, json: body)
            #expect(answer.status == 422)
            #expect(answer.slug == "connector-test-failed")
            #expect(answer.text.contains("the endpoint is refused"))
            #expect(!answer.text.contains("wJalrXUtnFEMI"))
        }
    }

    @Test("local directories need the operator's setting, which the answer names")
    func noDirectory() async throws {
        try await TestServer.with { server in
            let token = try await server.administrator()
            let answer = try await server.client.post(
                "/v1/connectors", token: token,
                json: "{\"name\":\"c\",\"type\":\"local\",\"path\":\"a\"}")
            #expect(answer.status == 400)
            #expect(answer.text.contains("exports.directory"))
        }
    }

    @Test("the export of keys is a data protection officer's decision, and recorded")
    func keyExport() async throws {
        try await withSite { server, root, owner, token in
            let officer = try await server.token(try await server.makeClient(.dpo))
            let path = "/v1/streams/demo/key-export"
            let allow = try await server.client.send(
                "PUT", path, token: officer, headers: ["content-type": "application/json"],
                body: Array("{\"allowed\":true}".utf8))
            #expect(allow.status == 204, "\(allow.text)")
            let stream = try await server.client.get("/v1/streams/demo", token: token).json
            #expect(stream["allowsKeyExport"] as? Bool == true)
            _ = try await server.client.post(
                "/v1/connectors", token: token,
                json: "{\"name\":\"c\",\"type\":\"local\",\"path\":\"a\"}")
            _ = try await server.client.post("/event", token: owner, json: TestEvents.event())
            let made = try await server.client.post(
                "/v1/exporters", token: officer,
                json: """
                    {"stream":"demo","connector":"c","intervalSeconds":1,"includeKeys":true,\
                    "includeExistingEvents":true}
                    """)
            #expect(made.status == 201, "\(made.text)")
            _ = try await waits(server, token, "demo-c") { $0["batches"] as? Int == 1 }
            #expect(files(root).contains { $0.hasSuffix(".keys.csv") })
            let entries = try await server.client.get(
                "/v1/audit/entries?act=keysExported", token: officer)
            #expect(entries.text.contains("expiry and erasure"))
        }
    }

    @Test("two exporters of a stream never write to the same place, whatever their connectors")
    func samePlace() async throws {
        try await withSite { server, _, _, token in
            for (name, path) in [("one", "team"), ("two", "team/a")] {
                let made = try await server.client.post(
                    "/v1/connectors", token: token,
                    json: "{\"name\":\"\(name)\",\"type\":\"local\",\"path\":\"\(path)\"}")
                #expect(made.status == 201)
            }
            func make(_ connector: String, _ prefix: String) async throws -> Int {
                let name = "\(connector)-\(prefix)"
                return try await server.client.post(
                    "/v1/exporters", token: token,
                    json: """
                        {"name":"\(name)x","stream":"demo","connector":"\(connector)",\
                        "pathPrefix":"\(prefix)"}
                        """
                ).status
            }
            #expect(try await make("one", "a") == 201)
            #expect(try await make("two", "") == 409)
            #expect(try await make("two", "b") == 201)
        }
    }

    @Test("acts on the exporter of a derived stream are recorded under both streams")
    func derivedRecord() async throws {
        try await withSite { server, _, _, token in
            _ = try await server.makeStream("{\"derivedFrom\":\"demo\",\"levels\":[1]}")
            _ = try await server.client.post(
                "/v1/connectors", token: token,
                json: "{\"name\":\"c\",\"type\":\"local\",\"path\":\"a\"}")
            _ = try await server.client.post(
                "/v1/exporters", token: token,
                json: "{\"name\":\"e\",\"stream\":\"demo-1\",\"connector\":\"c\"}")
            _ = try await server.client.send("POST", "/v1/exporters/e/pause", token: token)
            _ = try await server.client.send("DELETE", "/v1/exporters/e", token: token)
            for act in ["exporterCreated", "exporterPaused", "exporterDeleted"] {
                let page = try await server.client.get(
                    "/v1/audit/entries?act=\(act)", token: token
                ).json
                let entry = try #require((page["items"] as? [[String: Any]])?.first)
                #expect(entry["stream"] as? String == "demo", "\(act)")
                #expect(entry["derivedStream"] as? String == "demo-1", "\(act)")
            }
        }
    }
}
