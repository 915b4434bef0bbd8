import Testing

@testable import Server

struct SchemaContractTests {
    private static let contract = #"""
        {"ref":{"handle":"test","name":"visit","version":"1.0.0"},"keyField":"session",
         "piiFields":{"people/*/mail":4,"notes":2},"schema":{"ref":{"handle":"test",
          "name":"visit","version":"1.0.0","schemaType":"JSON_SCHEMA"},"definition":
          {"type":"object","required":["session"],"properties":{"session":{"type":"string"},
           "people":{"type":"array","items":{"properties":{"mail":{"type":"string"}}}},
           "notes":{"additionalProperties":{"type":"string"}},"count":{"type":"integer"}}}}}
        """#

    private static let event = #"""
        {"session":"s-1","people":[{"mail":"SMCANARY1@example.org","age":7},{"mail":"SMCANARY2@x"}],
        "notes":{"a":"SMCANARY3 \"quoted\""},"count":1.0,
        "strmMeta":{"consentLevels":[4],"eventContractRef":"test/visit/1.0.0"}}
        """#.replacing("\n", with: "")

    @Test func `events of a JSON Schema are sealed in lists and maps, and opened at their level`()
        async throws
    {
        try await TestServer.with { server in
            try await server.makeContract(Self.contract)
            let sender = try await server.token(
                try await server.makeStream("{\"name\":\"demo\"}"))
            let reader = try await server.token(
                try await server.makeStream("{\"derivedFrom\":\"demo\",\"levels\":[4]}"))
            let sent = try await server.client.post("/event", token: sender, json: Self.event)
            #expect(sent.status == 204, "\(sent.text)")

            let sealed = try await server.client.get("/v1/streams/demo/events", token: sender)
            #expect(!sealed.text.contains("SMCANARY"))
            let people = sealed.json["people"] as? [[String: Any]] ?? []
            #expect(people.first?["age"] as? Int == 7)
            #expect((people.first?["mail"] as? String)?.isEmpty == false)
            let meta = sealed.json["strmMeta"] as? [String: Any] ?? [:]
            #expect(meta["keyLink"] is String && meta["nonce"] is Int && meta["timestamp"] is Int)

            let opened = try await server.client.get("/v1/streams/demo-4/events", token: reader)
            let clear = opened.json["people"] as? [[String: Any]] ?? []
            #expect(
                clear.map { $0["mail"] as? String } == ["SMCANARY1@example.org", "SMCANARY2@x"])
            #expect(!opened.text.contains("SMCANARY3"))
            #expect(opened.json["count"] as? Int == 1)
        }
    }
}
