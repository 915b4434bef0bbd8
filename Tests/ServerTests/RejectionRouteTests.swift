import Foundation
import Testing

@testable import Server

@Suite("Counts of refused events over HTTP")
struct RejectionRouteTests {
    private func items(_ response: TestClient.Response) -> [[String: Any]] {
        response.json["items"] as? [[String: Any]] ?? []
    }

    @Test("refused events are counted by client, contract, rule and place, batches line by line")
    func counted() async throws {
        try await TestServer.with { server in
            let token = try await server.demo()
            let bad = TestEvents.event(url: "SMCANARY")
            let unknown = TestEvents.event().replacingOccurrences(of: "\"url\"", with: "\"SMC\"")
            for body in [bad, unknown, TestEvents.event(ref: "SMCANARY/no/1.0.0")] {
                _ = try await server.client.post("/event", token: token, json: body)
            }
            _ = try await server.client.post(
                "/events", token: token,
                json: [bad, TestEvents.event(), bad].joined(separator: "\n"))
            let administrator = try await server.administrator()
            let answer = try await server.client.get("/v1/rejections", token: administrator)
            #expect(answer.status == 200)
            #expect(answer.json["total"] as? Int == 5)
            let rows = items(answer)
            #expect(rows.map { $0["count"] as? Int } == [3, 1, 1])
            #expect(rows.first?["rule"] as? String == "regex")
            #expect(rows.first?["place"] as? String == "/url")
            #expect(rows.first?["contract"] as? String == TestEvents.ref)
            #expect(rows.allSatisfy { ($0["client"] as? String)?.isEmpty == false })
            #expect(
                rows.contains {
                    $0["rule"] as? String == "unknown-field" && $0["place"] as? String == "/*"
                })
            #expect(rows.contains { $0["contract"] as? String == "" })
            #expect(!answer.text.contains("SMC"))
            let client = try #require(rows.first?["client"] as? String)
            let metrics = try await server.client.get("/metrics")
            #expect(
                metrics.text.contains(
                    "strm_events_refused_total{stream=\"demo\",contract=\"\(TestEvents.ref)\","
                        + "rule=\"regex\",place=\"/url\",client=\"\(client)\"} 3\n"))
            #expect(!metrics.text.contains("SMC"))
        }
    }

    @Test("a filter names stream, client or contract, and a stream's own client sees its rows only")
    func filtered() async throws {
        try await TestServer.with { server in
            let demo = try await server.demo()
            let second = try await server.token(
                try await server.makeStream("{\"name\":\"second\"}"))
            for token in [demo, second] {
                _ = try await server.client.post("/event", token: token, json: "{")
            }
            let administrator = try await server.administrator()
            func count(_ query: String, _ token: String) async throws -> Int {
                items(try await server.client.get("/v1/rejections\(query)", token: token)).count
            }
            #expect(try await count("", administrator) == 2)
            #expect(try await count("?stream=second", administrator) == 1)
            #expect(try await count("?contract=\(TestEvents.ref)", administrator) == 0)
            #expect(try await count("?client=nobody", administrator) == 0)
            #expect(try await count("?limit=1", administrator) == 1)
            #expect(try await count("", demo) == 1)
            let other = try await server.client.get("/v1/rejections?stream=second", token: demo)
            #expect(other.status == 403)
            let wrong = try await server.client.get("/v1/rejections?steam=x", token: demo)
            #expect(wrong.status == 400)
        }
    }

    @Test("the counts of a stream go with it")
    func deleted() async throws {
        try await TestServer.with { server in
            let demo = try await server.demo()
            _ = try await server.client.post("/event", token: demo, json: "{")
            let administrator = try await server.administrator()
            let gone = try await server.client.send(
                "DELETE", "/v1/streams/demo", token: administrator)
            #expect(gone.status == 204)
            let answer = try await server.client.get("/v1/rejections", token: administrator)
            #expect(items(answer).isEmpty)
        }
    }
}
