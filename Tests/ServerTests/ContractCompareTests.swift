import Foundation
import Testing

@testable import Server

struct ContractCompareTests {
    private static let newer = TestEvents.contract
        .replacingOccurrences(of: "1.0.0", with: "1.1.0")
        .replacingOccurrences(of: "\"purposeLevel\":4", with: "\"purposeLevel\":2")

    @Test func `a stored contract and a document are compared, and the answer says what breaks`()
        async throws
    {
        try await TestServer.with { server in
            try await server.makeContract()
            let token = try await server.administrator()
            let answer = try await server.client.post(
                "/v1/contracts/compare", token: token,
                json: "{\"old\":\"\(TestEvents.ref)\",\"new\":\(Self.newer)}")
            #expect(answer.status == 200)
            let expected = """
                {"changes":[{"path":"email","change":"level lowered from 4 to 2: other readers see it",\
                "breaks":["privacy"]}],"breaks":{"backward":false,"forward":false,"privacy":true},\
                "needsApproval":true}
                """
            #expect(answer.text == expected)
            let same = try await server.client.post(
                "/v1/contracts/compare", token: token,
                json: "{\"old\":\(TestEvents.contract),\"new\":\"\(TestEvents.ref)\"}")
            #expect(
                same.text == """
                    {"changes":[],"breaks":{"backward":false,"forward":false,"privacy":false},\
                    "needsApproval":false}
                    """)
        }
    }

    @Test func `what cannot be compared is told with its place`() async throws {
        try await TestServer.with { server in
            try await server.makeContract()
            let token = try await server.administrator()
            func send(_ json: String) async throws -> TestClient.Response {
                try await server.client.post("/v1/contracts/compare", token: token, json: json)
            }
            let unknown = try await send(
                "{\"old\":\"no/such/1.0.0\",\"new\":\"\(TestEvents.ref)\"}")
            #expect(unknown.status == 404)
            let wrong = Self.newer.replacingOccurrences(of: "\"keyField\":", with: "\"key\":")
            let refused = try await send("{\"old\":\"\(TestEvents.ref)\",\"new\":\(wrong)}")
            #expect(refused.status == 400)
            #expect(refused.slug == "invalid-contract")
            #expect(refused.json["pointer"] as? String == "/new/key")
            #expect(try await send("[]").status == 400)
            let yaml = try await server.client.post(
                "/v1/contracts/compare", token: token, json: "old: a", type: "application/yaml")
            #expect(yaml.status == 415)
        }
    }
}
