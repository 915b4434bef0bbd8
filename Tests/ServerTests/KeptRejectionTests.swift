import Foundation
import Store
import Testing

@testable import Server

@Suite("Kept refused events")
struct KeptRejectionTests {
    private static let canary = "SMCANARY"
    private static let path = "/v1/streams/demo/rejections"

    /// Contract, stream `demo` that keeps, and a token that sends to it and reads it.
    private func keeping(_ server: TestServer, rest: String = "") async throws -> String {
        try await server.makeContract()
        return try await server.token(
            try await server.makeStream("{\"name\":\"demo\",\"keepsRejections\":true\(rest)}"))
    }

    private func dpo(_ server: TestServer) async throws -> String {
        try await server.token(try await server.makeClient(.dpo))
    }

    private func items(_ response: TestClient.Response) -> [[String: Any]] {
        response.json["items"] as? [[String: Any]] ?? []
    }

    private func show(
        _ offset: Int, _ server: TestServer, _ token: String
    ) async throws -> TestClient.Response {
        try await server.client.post(
            "\(Self.path)/show", token: token, json: "{\"offset\":\(offset)}")
    }

    /// A body that breaks the contract's rule for `url`.
    private func bad(_ text: String = canary) -> String { TestEvents.event(url: text) }

    @Test("what was refused is listed with who, what and where, and without its body")
    func listed() async throws {
        try await TestServer.with { server in
            let sender = try await keeping(server)
            _ = try await server.client.post("/event", token: sender, json: bad())
            _ = try await server.client.post(
                "/events", token: sender, json: "nonsense\n" + TestEvents.event() + "\n" + bad())
            let listed = try await server.client.get(Self.path, token: sender)
            #expect(listed.status == 200, "\(listed.text)")
            let rows = items(listed)
            #expect(rows.map { $0["offset"] as? Int } == [0, 1, 2])
            #expect(rows.map { $0["rule"] as? String } == ["regex", "json", "regex"])
            #expect(rows.map { $0["place"] as? String } == ["/url", "", "/url"])
            #expect(rows.map { $0["contract"] as? String } == [TestEvents.ref, "", TestEvents.ref])
            #expect(rows.first?["bytes"] as? Int == bad().utf8.count)
            #expect(rows.allSatisfy { ($0["client"] as? String)?.isEmpty == false })
            #expect(rows.allSatisfy { $0["isReplayed"] as? Bool == false })
            #expect(listed.json["nextCursor"] is NSNull)
            #expect(!listed.text.contains(Self.canary))
            #expect(
                try await server.client.get("/metrics").text.contains(
                    "strm_rejections_kept_total{stream=\"demo\"} 3\n"))
        }
    }

    @Test("pages follow each other by their cursor, and begin where they are asked to")
    func pages() async throws {
        let clock = TestClock()
        try await TestServer.with(clock: clock) { server in
            let sender = try await keeping(server)
            for _ in 0..<3 {
                _ = try await server.client.post("/event", token: sender, json: bad())
                clock.advance(seconds: 60)
            }
            let first = try await server.client.get("\(Self.path)?limit=2", token: sender)
            #expect(items(first).count == 2)
            let cursor = try #require(first.json["nextCursor"] as? String)
            let second = try await server.client.get(
                "\(Self.path)?limit=2&cursor=\(cursor)", token: sender)
            #expect(items(second).map { $0["offset"] as? Int } == [2])
            let late = try await server.client.get(
                "\(Self.path)?from=\(clock.read() - 90_000)", token: sender)
            #expect(items(late).map { $0["offset"] as? Int } == [2])
            for query in ["cursor=x", "cursor=-1", "limit=0", "limit=1001", "to=1"] {
                let wrong = try await server.client.get("\(Self.path)?\(query)", token: sender)
                #expect(wrong.status == 400, "\(query)")
            }
        }
    }

    @Test("a DPO sees the body as it was sent, and the audit log says so before it leaves")
    func shown() async throws {
        try await TestServer.with { server in
            let sender = try await keeping(server)
            let dpo = try await dpo(server)
            _ = try await server.client.post("/event", token: sender, json: bad())
            _ = try await server.client.send(
                "POST", "/event", token: sender, body: Array("{\"a\":\"".utf8) + [0xFF, 0x22, 0x7D])
            let text = try await show(0, server, dpo)
            #expect(text.status == 200, "\(text.text)")
            #expect(text.json["body"] as? String == bad())
            #expect(text.json["encoding"] as? String == "utf-8")
            #expect(text.header("cache-control") == "no-store")
            let binary = try await show(1, server, dpo)
            #expect(binary.json["encoding"] as? String == "base64")
            let body = Data(base64Encoded: binary.json["body"] as? String ?? "")
            #expect(body == Data(Array("{\"a\":\"".utf8) + [0xFF, 0x22, 0x7D]))
            let entries = try await server.client.get(
                "/v1/audit/entries?act=rejectionShown", token: dpo)
            let entry = try #require(items(entries).first)
            #expect(items(entries).count == 2)
            #expect(entry["offsets"] as? [Int] == [0, 0])
            #expect(entry["stream"] as? String == "demo")
            #expect(entry["contracts"] as? [String] == [TestEvents.ref])
            #expect(!entries.text.contains(Self.canary))
            let none = try await show(7, server, dpo)
            #expect(none.status == 404)
        }
    }

    @Test("nothing is shown if the audit entry cannot be written")
    func notShownUnrecorded() async throws {
        let gate = CommitGate()
        try await TestServer.with(gate: gate) { server in
            let sender = try await keeping(server)
            let dpo = try await dpo(server)
            _ = try await server.client.post("/event", token: sender, json: bad())
            #expect(items(try await server.client.get(Self.path, token: sender)).count == 1)
            gate.breakWrites()
            let shown = try await show(0, server, dpo)
            #expect(shown.status == 503)
            #expect(!shown.text.contains(Self.canary))
        }
    }

    @Test("a refusal is answered although it cannot be kept")
    func refusedAllTheSame() async throws {
        let gate = CommitGate()
        try await TestServer.with(gate: gate) { server in
            let sender = try await keeping(server)
            gate.breakWrites()
            let sent = try await server.client.post("/event", token: sender, json: bad())
            #expect(sent.status == 400)
            let listed = try await server.client.get(Self.path, token: sender)
            #expect(items(listed).isEmpty)
            #expect((listed.json["notKept"] as? [String: Int])?["failed"] == 1)
        }
    }

    @Test("no file of the server holds a word of a refused event in clear")
    func sealedOnDisk() async throws {
        try await TestServer.with { server in
            let sender = try await keeping(server)
            for body in [bad(), "{\"\(Self.canary)\":1}", Self.canary] {
                _ = try await server.client.post("/event", token: sender, json: body)
            }
            let dry = try await server.client.post(
                "/event?dryRun=true", token: sender, json: bad())
            #expect(dry.status == 400)
            #expect(items(try await server.client.get(Self.path, token: sender)).count == 3)
            _ = try await show(0, server, try await dpo(server))
            var searched = 0
            let files = try #require(
                FileManager.default.enumerator(atPath: server.directory)?.allObjects as? [String])
            for file in files {
                guard
                    let data = FileManager.default.contents(atPath: "\(server.directory)/\(file)")
                else { continue }
                searched += data.count
                #expect(data.range(of: Data(Self.canary.utf8)) == nil, "\(file)")
            }
            // The bodies are there, sealed.
            #expect(searched > 3 * bad().utf8.count)
        }
    }

    @Test("streams, derived streams and their figures know nothing of what was refused")
    func invisible() async throws {
        try await TestServer.with { server in
            let sender = try await keeping(server)
            try await server.definePurposes(0...63)
            let reader = try await server.token(
                try await server.makeStream("{\"derivedFrom\":\"demo\",\"cumulative\":63}"))
            for _ in 0..<3 {
                _ = try await server.client.post("/event", token: sender, json: bad())
            }
            #expect(items(try await server.client.get(Self.path, token: sender)).count == 3)
            let sealed = try await server.client.get("/v1/streams/demo/events", token: sender)
            #expect(sealed.header("strm-events") == "0")
            let opened = try await server.client.get("/v1/streams/demo-c63/events", token: reader)
            #expect(opened.header("strm-events") == "0")
            #expect(opened.header("strm-dropped") == "0")
            let status = try await server.client.get(
                "/v1/status", token: try await server.administrator())
            let streams = status.json["streams"] as? [[String: Any]] ?? []
            #expect(streams.first?["nextOffset"] as? Int == 0)
            for (path, token) in [(Self.path, reader), ("/v1/streams/demo-c63/rejections", reader)]
            {
                let refused = try await server.client.get(path, token: token)
                #expect(refused.status == 403, "\(path)")
            }
            let derived = try await server.client.get(
                "/v1/streams/demo-c63/rejections", token: try await dpo(server))
            #expect(derived.status == 409)
        }
    }

    @Test("a stream keeps nothing unless it is asked to, and no more once it is told to stop")
    func decided() async throws {
        try await TestServer.with { server in
            let sender = try await server.demo()
            let dpo = try await dpo(server)
            func send() async throws -> Int {
                let sent = try await server.client.post("/event", token: sender, json: bad())
                #expect(sent.status == 400)
                return items(try await server.client.get(Self.path, token: dpo)).count
            }
            func decide(_ keeps: Bool) async throws {
                let answer = try await server.client.send(
                    "PUT", Self.path, token: dpo, body: Array("{\"keeps\":\(keeps)}".utf8))
                #expect(answer.status == 204)
                let stream = try await server.client.get("/v1/streams/demo", token: dpo)
                #expect(stream.json["keepsRejections"] as? Bool == keeps)
            }
            #expect(try await send() == 0)
            try await decide(true)
            #expect(try await send() == 1)
            try await decide(true)
            #expect(try await send() == 2)
            try await decide(false)
            #expect(try await send() == 2)
            for act in ["rejectionKeepingStarted", "rejectionKeepingStopped"] {
                let entries = try await server.client.get(
                    "/v1/audit/entries?act=\(act)", token: dpo)
                #expect(items(entries).isEmpty == false)
            }
        }
    }

    @Test("a flood is kept in part only, and what was not kept is counted by its reason")
    func bounded() async throws {
        let clock = TestClock()
        let settings = [
            "rejections.perSecondMax": "2", "rejections.bodyBytesMax": "1024",
            "rejections.bytesPerHourMax": "1024", "tokens.accessSeconds": "86400",
        ]
        try await TestServer.with(settings, clock: clock) { server in
            let sender = try await keeping(server)
            func send(_ body: String, _ count: Int = 1) async throws {
                let lines = Array(repeating: body, count: count).joined(separator: "\n")
                _ = try await server.client.post("/events", token: sender, json: lines)
            }
            // Two a second.
            try await send("x", 5)
            clock.advance(seconds: 1)
            try await send(String(repeating: "y", count: 1_025))
            // 1,024 bytes an hour, of which two are used up.
            try await send(String(repeating: "z", count: 1_023))
            try await send(String(repeating: "z", count: 1_022))
            let listed = try await server.client.get(Self.path, token: sender)
            #expect(items(listed).map { $0["bytes"] as? Int } == [1, 1, 1_022])
            let notKept = listed.json["notKept"] as? [String: Int]
            #expect(notKept == ["rate": 4, "too-large": 1])
            clock.advance(seconds: 3_600)
            try await send("x")
            #expect(items(try await server.client.get(Self.path, token: sender)).count == 4)
            #expect(
                try await server.client.get("/metrics").text.contains(
                    "strm_rejections_not_kept_total{stream=\"demo\",reason=\"rate\"} 4\n"))
        }
    }

    @Test("what is kept expires with the retention of its stream")
    func expires() async throws {
        let clock = TestClock()
        try await TestServer.with(clock: clock) { server in
            let sender = try await keeping(server, rest: ",\"retentionDays\":1")
            let dpo = try await server.makeClient(.dpo)
            _ = try await server.client.post("/event", token: sender, json: bad())
            #expect(items(try await server.client.get(Self.path, token: sender)).count == 1)
            clock.advance(seconds: 86_401)
            let fresh = try await server.token(dpo)
            #expect(items(try await server.client.get(Self.path, token: fresh)).isEmpty)
            #expect(try await show(0, server, fresh).status == 404)
        }
    }

    @Test("a deleted stream takes what it kept with it, and a new one of its name has none")
    func deleted() async throws {
        try await TestServer.with { server in
            let sender = try await keeping(server)
            _ = try await server.client.post("/event", token: sender, json: bad())
            let administrator = try await server.administrator()
            let gone = try await server.client.send(
                "DELETE", "/v1/streams/demo", token: administrator)
            #expect(gone.status == 204)
            #expect(try await server.client.get(Self.path, token: administrator).status == 404)
            _ = try await server.makeStream("{\"name\":\"demo\",\"keepsRejections\":true}")
            #expect(items(try await server.client.get(Self.path, token: administrator)).isEmpty)
        }
    }

    @Test("a restart keeps what was kept")
    func restarted() async throws {
        try await TestServer.with { server in
            _ = try await keeping(server)
            let owner = try await server.makeClient(.streamOwner, scope: "demo")
            let officer = try await server.makeClient(.dpo)
            let sender = try await server.token(owner)
            _ = try await server.client.post("/event", token: sender, json: bad())
            try await server.stop()
            let again = try await TestServer(server.directory, server.initial)
            let token = try await again.token(owner)
            _ = try await again.client.post("/event", token: token, json: bad())
            let listed = try await again.client.get(Self.path, token: token)
            #expect(items(listed).map { $0["offset"] as? Int } == [0, 1])
            let shown = try await show(0, again, try await again.token(officer))
            #expect(shown.json["body"] as? String == bad())
            try await again.stop()
        }
    }
}
