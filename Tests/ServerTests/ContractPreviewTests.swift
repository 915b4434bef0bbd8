import Foundation
import Testing

@testable import Server

struct ContractPreviewTests {
    private static let simple = """
        {"ref":{"handle":"test","name":"simple","version":"1.0.0"},"keyField":"key",
         "piiFields":{"Home/street":3},
         "validations":[{"id":"short","field":"key","type":"length","max":3},
          {"field":"Home/street","type":"length","min":1}],
         "schema":{"ref":{"handle":"test","name":"simple","version":"1.0.0","schemaType":"SIMPLE"},
          "definition":{"name":"visit","nodes":[{"type":"STRING","name":"key","required":true},
           {"type":"NODE","name":"Home","nodes":[{"type":"STRING","name":"street"}]}]}}}
        """

    @Test func `a dry run says what would be made, with the translation, and keeps nothing`()
        async throws
    {
        try await TestServer.with { server in
            let token = try await server.administrator()
            try await server.definePurposes(0...4)
            let answer = try await server.client.post(
                "/v1/contracts?dryRun=true", token: token, json: Self.simple)
            #expect(answer.status == 200)
            #expect(answer.json["dryRun"] as? Bool == true)
            #expect(answer.json["ref"] as? String == "test/simple/1.0.0")
            #expect(answer.json["schemaType"] as? String == "SIMPLE")
            #expect(
                answer.json["validations"] as? [String] == ["short", "length:Home/street"])
            let fields = answer.json["personalFields"] as? [[String: Any]] ?? []
            #expect(fields.first?["path"] as? String == "Home/street")
            #expect(fields.first?["purposeLevel"] as? Int == 3)
            let avro = answer.json["translation"] as? [String: Any] ?? [:]
            let names = (avro["fields"] as? [[String: Any]] ?? []).compactMap {
                $0["name"] as? String
            }
            #expect(names == ["strmMeta", "key", "Home"])
            let list = try await server.client.get("/v1/contracts", token: token)
            #expect((list.json["items"] as? [Any])?.isEmpty == true)
        }
    }

    @Test func `a dry run refuses what creating refuses, and its flag is true or false`()
        async throws
    {
        try await TestServer.with { server in
            let token = try await server.administrator()
            try await server.definePurposes(0...4)
            func send(_ query: String, _ json: String) async throws -> TestClient.Response {
                try await server.client.post("/v1/contracts?\(query)", token: token, json: json)
            }
            let wrong = Self.simple.replacingOccurrences(of: "NODE", with: "RECORD")
            let refused = try await send("dryRun=true", wrong)
            #expect(refused.status == 400)
            #expect(refused.slug == "invalid-contract")
            #expect(refused.json["pointer"] as? String == "/schema/definition/nodes/1/type")
            #expect(try await send("dryRun=maybe", Self.simple).status == 400)
            let avro = try await send("dryRun=true", TestEvents.contract)
            #expect(avro.status == 200)
            #expect(avro.json["translation"] == nil)
            #expect(try await send("dryRun=false", Self.simple).status == 201)
            #expect(try await send("dryRun=true", Self.simple).status == 409)
        }
    }

    @Test func `events of a Simple Schema are taken, and the author's definition is shown`()
        async throws
    {
        try await TestServer.with { server in
            try await server.makeContract(Self.simple)
            let token = try await server.token(try await server.makeStream("{\"name\":\"demo\"}"))
            let meta = #"{"strmMeta":{"eventContractRef":"test/simple/1.0.0","consentLevels":[]},"#
            let sent = try await server.client.post(
                "/event", token: token, json: meta + #""key":"k","Home":{"street":"SMCANARY"}}"#)
            #expect(sent.status == 204)
            let refused = try await server.client.post(
                "/event", token: token, json: meta + #""key":"long"}"#)
            #expect(refused.json["ruleId"] as? String == "short")
            let read = try await server.client.get("/v1/streams/demo/events", token: token)
            #expect(!read.text.contains("SMCANARY"))
            #expect((read.json["Home"] as? [String: Any])?["street"] != nil)
            let shown = try await server.client.get(
                "/v1/contracts/test/simple/1.0.0", token: token)
            #expect(shown.text.contains(#""definition":{"name":"visit","nodes":["#))
        }
    }

    @Test func `a document that is nested deeper than a request may be is shown whole`()
        async throws
    {
        try await TestServer.with { server in
            let depth = 11
            let nodes =
                String(repeating: #"{"type":"NODE","name":"n","nodes":["#, count: depth)
                + #"{"type":"LONG","name":"n"}"# + String(repeating: "]}", count: depth)
            let document = Self.simple.replacingOccurrences(
                of: #"{"type":"NODE","name":"Home""#,
                with: nodes + #",{"type":"NODE","name":"Home""#)
            try await server.makeContract(document)
            let token = try await server.administrator()
            try await server.definePurposes(0...4)
            let shown = try await server.client.get(
                "/v1/contracts/test/simple/1.0.0", token: token)
            #expect(shown.status == 200)
            #expect(shown.json["document"] != nil)
        }
    }
}
