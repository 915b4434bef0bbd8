import Foundation
import Store
import Testing

@testable import Server

@Suite("Replaying kept refused events")
struct ReplayTests {
    private static let path = "/v1/streams/demo/rejections"
    private static let later = "test/visit/1.1.0"

    /// A stream that keeps, and three events of a contract that is not registered yet.
    private func refused(_ server: TestServer) async throws -> String {
        try await server.makeContract()
        let sender = try await server.token(
            try await server.makeStream("{\"name\":\"demo\",\"keepsRejections\":true}"))
        let lines = ["a", "b", "c"].map { TestEvents.event(session: $0, ref: Self.later) }
        let sent = try await server.client.post(
            "/events", token: sender, json: lines.joined(separator: "\n"))
        #expect(sent.slug == "batch-refused")
        return sender
    }

    /// Registers the contract that the events name.
    private func mend(_ server: TestServer) async throws {
        try await server.makeContract(
            TestEvents.contract.replacing(
                "\"version\":\"1.0.0\"", with: "\"version\":\"1.1.0\""))
    }

    private func replay(
        _ server: TestServer, _ body: String, _ token: String? = nil
    ) async throws -> TestClient.Response {
        var caller = token
        if caller == nil { caller = try await server.administrator() }
        return try await server.client.post("\(Self.path)/replay", token: caller, json: body)
    }

    private func outcomes(_ response: TestClient.Response) -> [String?] {
        (response.json["results"] as? [[String: Any]] ?? []).map { $0["outcome"] as? String }
    }

    private func events(_ server: TestServer, _ token: String) async throws -> String? {
        try await server.client.get("/v1/streams/demo/events", token: token)
            .header("strm-events")
    }

    @Test(
        "what was refused is an event once its contract is there, and readers of its levels see it")
    func accepted() async throws {
        try await TestServer.with { server in
            let sender = try await refused(server)
            let reader = try await server.token(
                try await server.makeStream("{\"derivedFrom\":\"demo\",\"levels\":[1,4]}"))
            let early = try await replay(server, "{\"offsets\":[0]}")
            #expect(outcomes(early) == ["refused"])
            let results = early.json["results"] as? [[String: Any]]
            let problem = results?.first?["problem"] as? [String: String]
            #expect(problem?["rule"] == "contract-ref")
            #expect(problem?["place"] == "/strmMeta/eventContractRef")
            try await mend(server)
            let done = try await replay(server, "{\"offsets\":[0,2]}")
            #expect(done.status == 200, "\(done.text)")
            #expect(outcomes(done) == ["accepted", "accepted"])
            #expect(done.json["accepted"] as? Int == 2)
            #expect(!done.text.contains("SMCANARY"))
            let read = try await server.client.get("/v1/streams/demo-1-4/events", token: reader)
            #expect(read.header("strm-events") == "2")
            #expect(read.text.contains("SMCANARY"))
            #expect(read.text.contains("\"session\":\"c\""))
            #expect(try await events(server, sender) == "2")
            let listed = try await server.client.get(Self.path, token: sender)
            let items = listed.json["items"] as? [[String: Any]] ?? []
            #expect(items.map { $0["isReplayed"] as? Bool } == [true, false, true])
        }
    }

    @Test("a second replay does nothing, also after a restart")
    func once() async throws {
        try await TestServer.with { server in
            let sender = try await refused(server)
            try await mend(server)
            let administrator = server.initial.administrator
            #expect(
                outcomes(try await replay(server, "{}")) == Array(repeating: "accepted", count: 3))
            #expect(outcomes(try await replay(server, "{}")).isEmpty)
            let again = try await replay(server, "{\"offsets\":[1,1,9]}")
            #expect(outcomes(again) == ["already-replayed", "gone"])
            #expect(try await events(server, sender) == "3")
            let owner = try await server.makeClient(.streamOwner, scope: "demo")
            try await server.stop()
            let restarted = try await TestServer(server.directory, server.initial)
            let token = try await restarted.token(
                administrator.clientID, administrator.clientSecret)
            let third = try await replay(restarted, "{\"offsets\":[0,1,2]}", token)
            #expect(outcomes(third) == Array(repeating: "already-replayed", count: 3))
            #expect(try await events(restarted, try await restarted.token(owner)) == "3")
            try await restarted.stop()
        }
    }

    @Test("a filter names a contract and a time, and goes on where it stopped")
    func filtered() async throws {
        let clock = TestClock()
        try await TestServer.with(clock: clock) { server in
            let sender = try await refused(server)
            clock.advance(seconds: 60)
            _ = try await server.client.post(
                "/event", token: sender, json: TestEvents.event(url: "x"))
            try await mend(server)
            let since = clock.read()
            let late = try await replay(server, "{\"from\":\(since)}")
            #expect(outcomes(late) == ["refused"])
            let known = try await replay(server, "{\"contract\":\"\(TestEvents.ref)\"}")
            #expect(outcomes(known) == ["refused"])
            let first = try await replay(server, "{\"limit\":2}")
            #expect(outcomes(first) == ["accepted", "accepted"])
            let cursor = try #require(first.json["nextCursor"] as? String)
            let second = try await replay(server, "{\"limit\":2,\"cursor\":\"\(cursor)\"}")
            #expect(outcomes(second) == ["accepted", "refused"])
            #expect(second.json["nextCursor"] is NSNull)
        }
    }

    @Test("what an erased person had sent is not replayed, nor anything of theirs with a fence")
    func erased() async throws {
        let clock = TestClock()
        try await TestServer.with(clock: clock) { server in
            let sender = try await refused(server)
            // They are kept when the list answers.
            _ = try await server.client.get(Self.path, token: sender)
            let dpo = try await server.token(try await server.makeClient(.dpo))
            let asked = try await server.client.post(
                "/v1/subjects/erasures", token: dpo,
                json: "{\"subject\":\"SMCANARY@example.org\",\"fence\":true}")
            #expect(asked.status == 202, "\(asked.text)")
            clock.advance(seconds: 120)
            _ = try await server.client.post(
                "/events", token: sender, json: TestEvents.event(session: "d", ref: Self.later))
            try await mend(server)
            let done = try await replay(server, "{}")
            #expect(outcomes(done) == Array(repeating: "refused", count: 4))
            #expect(done.json["accepted"] as? Int == 0)
            #expect(done.json["refused"] as? Int == 4)
            let results = done.json["results"] as? [[String: Any]] ?? []
            let slugs = results.map { result in
                (result["problem"] as? [String: String])?["type"]?.split(separator: "/").last
            }
            #expect(
                slugs == ["subject-erased", "subject-erased", "subject-erased", "subject-fenced"])
        }
    }

    @Test("a replay is on record before and after, and counts no new refusals")
    func recorded() async throws {
        try await TestServer.with { server in
            _ = try await refused(server)
            _ = try await replay(server, "{}")
            let administrator = try await server.administrator()
            let entries = try await server.client.get(
                "/v1/audit/entries?act=rejectionsReplayed", token: administrator)
            let items = entries.json["items"] as? [[String: Any]] ?? []
            #expect(
                items.map { ($0["detail"] as? [String: String])?["phase"] } == ["begun", "ended"])
            #expect((items.last?["detail"] as? [String: String])?["refused"] == "3")
            #expect(items.allSatisfy { $0["events"] as? Int == 3 })
            #expect(items.allSatisfy { $0["offsets"] as? [Int] == [0, 2] })
            let counts = try await server.client.get("/v1/rejections", token: administrator)
            #expect(counts.json["total"] as? Int == 3)
            let listed = try await server.client.get(Self.path, token: administrator)
            #expect((listed.json["items"] as? [Any])?.count == 3)
        }
    }

    @Test("nothing is replayed that cannot be recorded, and a failed commit leaves no mark")
    func failures() async throws {
        let gate = CommitGate()
        try await TestServer.with(gate: gate) { server in
            _ = try await refused(server)
            try await mend(server)
            let administrator = try await server.administrator()
            let before = try await server.client.get(Self.path, token: administrator)
            #expect((before.json["items"] as? [Any])?.count == 3)
            gate.breakWrites()
            let failed = try await replay(server, "{}", administrator)
            #expect(failed.status == 503)
            let listed = try await server.client.get(Self.path, token: administrator)
            let items = listed.json["items"] as? [[String: Any]] ?? []
            #expect(items.allSatisfy { $0["isReplayed"] as? Bool == false })
        }
    }

    @Test("a body in Avro binary is replayed with the schema that its request named")
    func binary() async throws {
        try await TestServer.with { server in
            let sender = try await refused(server)
            // strmMeta (ref, four nulls, one consent level), session, email, url.
            let text = { (text: String) -> [UInt8] in
                [UInt8(text.utf8.count * 2)] + Array(text.utf8)
            }
            let event =
                text(Self.later) + [0, 0, 0, 0, 2, 2, 0] + text("avro") + text("a@b.c")
                + text("https://shop.test/")
            let sent = try await server.client.send(
                "POST", "/event", token: sender,
                headers: [
                    "strm-schema-ref": Self.later,
                    "strm-serialization-type": "application/x-avro-binary",
                ], body: event)
            #expect(sent.slug == "unknown-schema")
            try await mend(server)
            let done = try await replay(server, "{\"offsets\":[3]}")
            #expect(outcomes(done) == ["accepted"], "\(done.text)")
            let read = try await server.client.get("/v1/streams/demo/events", token: sender)
            #expect(read.json["url"] as? String == "https://shop.test/")
        }
    }

    static let wrong = [
        "{\"offsets\":[]}", "{\"offsets\":[-1]}", "{\"offsets\":[1],\"limit\":1}",
        "{\"limit\":0}", "{\"limit\":1001}", "{\"cursor\":\"x\"}", "{\"from\":\"now\"}",
        "{\"from\":-1}", "{\"all\":true}",
    ]

    @Test("a request that is not exact is refused, and replays nothing", arguments: wrong)
    func malformed(_ body: String) async throws {
        try await TestServer.with { server in
            let sender = try await refused(server)
            try await mend(server)
            let answer = try await replay(server, body)
            #expect(answer.status == 400, "\(answer.text)")
            #expect(try await events(server, sender) == "0")
        }
    }
}
