import Foundation
import Store
import Testing

@testable import Server

@Suite("Dry runs of derived streams on the wire")
struct DryRunRouteTests {
    private static let question = #"{"derivedFrom":"demo","levels":[1,4]}"#

    @Test func `an officer asks about a stream that is not made yet, and sees counts alone`()
        async throws
    {
        try await TestServer.with { server in
            let owner = try await server.demo()
            let dpo = try await server.token(try await server.makeClient(.dpo))
            for (session, consent) in [("s1", [1, 4]), ("s2", [1, 4]), ("s3", [1]), ("s4", [])] {
                let event = TestEvents.event(session: "\(session)-SMCANARY", consent: consent)
                let sent = try await server.client.post("/event", token: owner, json: event)
                #expect(sent.status == 204)
            }
            let answer = try await server.client.post(
                "/v1/dry-runs", token: dpo, json: Self.question)
            #expect(answer.status == 200, "\(answer.text)")
            #expect(answer.json["seenEvents"] as? Int == 4)
            #expect(answer.json["passingEvents"] as? Int == 2)
            #expect(answer.json["droppedWithoutConsent"] as? Int == 1)
            let lacking = answer.json["droppedForLevel"] as? [[String: Int]]
            #expect(lacking == [["level": 1, "events": 1], ["level": 4, "events": 2]])
            let people = answer.json["people"] as? [String: Any]
            #expect(people?["count"] as? Int == 1)
            let group = answer.json["smallestGroup"] as? [String: Any]
            #expect(group?["sequences"] as? Int == 1)
            #expect(group?["fields"] as? [String] == ["session"])
            #expect(!answer.text.contains("CANARY") && !answer.text.contains("shop.test"))
            let streams = try await server.client.get("/v1/streams/demo-1-4", token: dpo)
            #expect(streams.status == 404)
        }
    }

    @Test func `one that exists is asked about by name, since a time`() async throws {
        try await TestServer.with { server in
            let owner = try await server.demo()
            let token = try await server.administrator()
            try await server.makeStream(Self.question)
            _ = try await server.client.post("/event", token: owner, json: TestEvents.event())
            let all = try await server.client.get("/v1/streams/demo-1-4/dry-run", token: token)
            #expect(all.json["passingEvents"] as? Int == 1, "\(all.text)")
            let later = try await server.client.get(
                "/v1/streams/demo-1-4/dry-run?from=2999-01-01T00:00:00Z", token: token)
            #expect(later.json["seenEvents"] as? Int == 0)
            let auditor = try await server.token(try await server.makeClient(.auditor))
            let audit = try await server.client.get(
                "/v1/audit/entries?act=derivedStreamMeasured", token: auditor)
            #expect(audit.text.contains("demo-1-4"), "\(audit.text)")
        }
    }

    @Test func `whoever may not make derived streams may not measure them`() async throws {
        try await TestServer.with { server in
            let owner = try await server.demo()
            let token = try await server.administrator()
            let made = try await server.makeStream(Self.question)
            let reader = try await server.token(made)
            for client in [owner, reader] {
                let posted = try await server.client.post(
                    "/v1/dry-runs", token: client, json: Self.question)
                #expect(posted.status == 403)
                let got = try await server.client.get(
                    "/v1/streams/demo-1-4/dry-run", token: client)
                #expect(got.status == 403)
            }
            for (json, status) in [
                (#"{"derivedFrom":"none","levels":[1]}"#, 404),
                (#"{"derivedFrom":"demo-1-4","levels":[1]}"#, 404),
                (#"{"derivedFrom":"demo"}"#, 400),
                (#"{"derivedFrom":"demo","levels":[1],"from":"yesterday"}"#, 400),
                (
                    #"{"derivedFrom":"demo","levels":[1],"masks":[{"contract":"a/b","field":"c"}]}"#,
                    400
                ),
            ] {
                let answer = try await server.client.post(
                    "/v1/dry-runs", token: token, json: json)
                #expect(answer.status == status, "\(json)")
            }
            let plain = try await server.client.get("/v1/streams/demo/dry-run", token: token)
            #expect(plain.status == 404)
        }
    }
}
