import Foundation
import Testing

@testable import Server

@Suite("Sending and reading events over HTTP")
struct EventRouteTests {
    @Test("an accepted event is answered with 204 and read back sealed by its stream's client")
    func acceptedAndSealed() async throws {
        try await TestServer.with { server in
            let token = try await server.demo()
            let sent = try await server.client.post(
                "/event", token: token, json: TestEvents.event())
            #expect(sent.status == 204)
            #expect(sent.body.isEmpty)
            let read = try await server.client.get("/v1/streams/demo/events", token: token)
            #expect(read.status == 200)
            #expect(read.header("content-type") == "application/x-ndjson")
            #expect(read.header("strm-events") == "1")
            #expect(read.json["url"] as? String == "https://shop.test/")
            #expect(!read.text.contains("SMCANARY"))
            #expect(!read.text.contains("session-1"))
        }
    }

    @Test("a derived stream opens the fields of its levels, and that release is in the audit log")
    func derivedAndAudited() async throws {
        try await TestServer.with { server in
            let sender = try await server.demo()
            let reader = try await server.token(
                try await server.makeStream("{\"derivedFrom\":\"demo\",\"levels\":[1,4]}"))
            for consent in [[1, 4], [1], []] {
                let event = TestEvents.event(consent: consent)
                #expect(
                    try await server.client.post("/event", token: sender, json: event).status == 204
                )
            }
            let read = try await server.client.get("/v1/streams/demo-1-4/events", token: reader)
            #expect(read.header("strm-events") == "1")
            #expect(read.header("strm-dropped") == "2")
            #expect(read.json["email"] as? String == "SMCANARY@example.org")
            let entries = try await server.client.get(
                "/v1/audit/entries?act=release&derivedStream=demo-1-4",
                token: try await server.administrator())
            let items = entries.json["items"] as? [[String: Any]] ?? []
            #expect(items.count == 1)
            #expect(items.first?["fields"] as? [String] == ["email", "session"])
            #expect(items.first?["events"] as? Int == 1)
            #expect(!entries.text.contains("SMCANARY"))
        }
    }

    static let refusedEvents: [(event: String, slug: String, pointer: String, rule: String)] = [
        ("{", "malformed-body", "", "json"),
        ("{\"strmMeta\":", "malformed-body", "", "json"),
        (TestEvents.event(url: "ftp://x"), "contract-violation", "/url", "regex"),
        (TestEvents.event(session: ""), "contract-violation", "/session", "key-field-empty"),
        (
            TestEvents.event(ref: "no/such/1.0.0"), "unknown-contract",
            "/strmMeta/eventContractRef", "contract-ref"
        ),
        (
            TestEvents.event().replacingOccurrences(of: "\"url\"", with: "\"uri\""),
            "schema-violation", "/uri", "unknown-field"
        ),
        (
            TestEvents.event().replacingOccurrences(of: "\"session-1\"", with: "7"),
            "schema-violation", "/session", "type"
        ),
    ]

    @Test("a refused event gets 400 with pointer, rule and expectation, never its value")
    func refused() async throws {
        try await TestServer.with { server in
            let token = try await server.demo()
            for refusal in Self.refusedEvents {
                let sent = try await server.client.post("/event", token: token, json: refusal.event)
                #expect(sent.status == 400, "\(refusal)")
                #expect(sent.header("content-type") == "application/problem+json")
                #expect(sent.slug == refusal.slug, "\(refusal.rule): \(sent.text)")
                #expect(sent.json["pointer"] as? String == refusal.pointer, "\(refusal.rule)")
                #expect(sent.json["rule"] as? String == refusal.rule, "\(sent.text)")
                #expect((sent.json["expected"] as? String)?.isEmpty == false)
                #expect(!sent.text.contains("SMCANARY"))
            }
            let metrics = try await server.client.get("/metrics")
            #expect(
                metrics.text.contains(
                    "strm_ingest_refused_total{type=\"contract-violation\",rule=\"regex\"} 1"))
        }
    }

    @Test("the schema header must name the contract's schema, under its new and its older name")
    func schemaHeader() async throws {
        try await TestServer.with { server in
            let token = try await server.demo()
            let body = Array(TestEvents.event().utf8)
            for (header, value, status, slug) in [
                ("strm-schema-ref", "test/visit/1.0.0", 204, ""),
                ("strm-schema-id", "test/visit/1.0.0", 204, ""),
                ("strm-schema-ref", "test/other/1.0.0", 400, "unknown-schema"),
                ("strm-serialization-type", "application/json", 204, ""),
                ("strm-serialization-type", "text/xml", 415, "unsupported-media-type"),
            ] {
                let sent = try await server.client.send(
                    "POST", "/event", token: token, headers: [header: value], body: body)
                #expect(sent.status == status, "\(header): \(value) \(sent.text)")
                #expect(sent.slug == slug)
            }
        }
    }

    @Test("a batch says which lines were refused, and the others are durable when it is answered")
    func batch() async throws {
        try await TestServer.with { server in
            let token = try await server.demo()
            let lines = [
                TestEvents.event(), "", TestEvents.event(url: "x"), "nonsense",
                TestEvents.event(session: "b"),
            ].joined(separator: "\n")
            let sent = try await server.client.post(
                "/events", token: token, json: lines, type: "application/x-ndjson")
            #expect(sent.status == 200)
            #expect(sent.json["accepted"] as? Int == 2)
            let refused = sent.json["refused"] as? [[String: Any]] ?? []
            #expect(refused.map { $0["line"] as? Int } == [3, 4])
            #expect(refused.first?["rule"] as? String == "regex")
            #expect(refused.first?["pointer"] as? String == "/url")
            let read = try await server.client.get("/v1/streams/demo/events", token: token)
            #expect(read.header("strm-events") == "2")
        }
    }

    @Test("a batch of which nothing is accepted is a 400 with every line; an empty one is a 200")
    func hopelessBatch() async throws {
        try await TestServer.with { server in
            let token = try await server.demo()
            let sent = try await server.client.post("/events", token: token, json: "{}\n[]")
            #expect(sent.status == 400)
            #expect(sent.slug == "batch-refused")
            #expect((sent.json["refused"] as? [Any])?.count == 2)
            let empty = try await server.client.post("/events", token: token, json: "\n\n")
            #expect(empty.status == 200)
            #expect(empty.json["accepted"] as? Int == 0)
        }
    }

    @Test("a full queue answers 503 with Retry-After at once, and what was queued is stored")
    func overload() async throws {
        let gate = CommitGate()
        try await TestServer.with(["limits.queueEventsMax": "16"], gate: gate) { server in
            let token = try await server.demo()
            func send() async throws -> TestClient.Response {
                try await server.client.post("/event", token: token, json: TestEvents.event())
            }
            #expect(try await send().status == 204)
            gate.close()
            try await withThrowingTaskGroup(of: TestClient.Response.self) { group in
                group.addTask { try await send() }
                while gate.waiting == 0 { await Task.yield() }
                // The queue takes 16, or what one tick of one loop brought: not 64 over two loops.
                for _ in 0..<64 { group.addTask { try await send() } }
                var answers: [TestClient.Response] = []
                while answers.isEmpty { answers += try await [group.next()].compactMap { $0 } }
                #expect(gate.waiting == 1)
                #expect(answers[0].status == 503)
                let lines = Array(repeating: TestEvents.event(), count: 17).joined(separator: "\n")
                let batch = try await server.client.post("/events", token: token, json: lines)
                #expect(batch.status == 503)
                #expect(batch.json["accepted"] as? Int == 0)
                answers.append(batch)
                gate.open()
                for try await answer in group { answers.append(answer) }
                let turnedAway = answers.filter { $0.status == 503 }
                for answer in turnedAway {
                    #expect(answer.slug == "overloaded")
                    #expect((answer.header("retry-after").flatMap(Int.init) ?? 0) >= 1)
                }
                let stored = answers.count { $0.status == 204 }
                #expect(stored + turnedAway.count == 66)
                let read = try await server.client.get("/v1/streams/demo/events", token: token)
                #expect(read.header("strm-events") == String(stored + 1))
            }
        }
    }

    @Test("after a failed write everything that writes is 503, and readiness and metrics say so")
    func poisoned() async throws {
        let gate = CommitGate()
        try await TestServer.with(gate: gate) { server in
            let token = try await server.demo()
            #expect(
                try await server.client.post("/event", token: token, json: TestEvents.event())
                    .status == 204)
            gate.breakWrites()
            for path in ["/event", "/events", "/event"] {
                let sent = try await server.client.post(
                    path, token: token, json: TestEvents.event())
                #expect(sent.status == 503)
                #expect(sent.slug == "unavailable")
                #expect(sent.header("retry-after") != nil)
            }
            let ready = try await server.client.get("/readyz")
            #expect(ready.status == 503)
            #expect(ready.slug == "not-ready")
            #expect(try await server.client.get("/healthz").status == 200)
            let metrics = try await server.client.get("/metrics").text
            #expect(metrics.contains("\nstrm_store_poisoned 1\n"))
            #expect(metrics.contains("\nstrm_ready 0\n"))
            let login = try await server.client.form(
                "/oauth2/token", "grant_type=client_credentials&client_id=x&client_secret=y")
            #expect(login.status == 503)
        }
    }

    @Test("a long-poll returns as soon as an event comes, and goes on behind its cursor")
    func longPoll() async throws {
        try await TestServer.with { server in
            let token = try await server.demo()
            let empty = try await server.client.get("/v1/streams/demo/events", token: token)
            let cursor = try #require(empty.header("strm-next-cursor"))
            #expect(empty.header("strm-events") == "0")
            async let waiting = server.client.get(
                "/v1/streams/demo/events?wait=30&cursor=\(cursor)", token: token)
            #expect(
                try await server.client.post("/event", token: token, json: TestEvents.event())
                    .status
                    == 204)
            let read = try await waiting
            #expect(read.header("strm-events") == "1")
            let next = try #require(read.header("strm-next-cursor"))
            let behind = try await server.client.get(
                "/v1/streams/demo/events?cursor=\(next)", token: token)
            #expect(behind.header("strm-events") == "0")
        }
    }

    @Test("a named consumer goes on where it has committed")
    func consumer() async throws {
        try await TestServer.with { server in
            let token = try await server.demo()
            for name in ["a", "b", "c"] {
                _ = try await server.client.post(
                    "/event", token: token, json: TestEvents.event(session: name))
            }
            let path = "/v1/streams/demo/events?consumer=billing&limit=2"
            let first = try await server.client.get(path, token: token)
            #expect(first.header("strm-events") == "2")
            let cursor = try #require(first.header("strm-next-cursor"))
            let committed = try await server.client.post(
                "/v1/streams/demo/consumers/billing/commit", token: token,
                json: "{\"cursor\":\"\(cursor)\"}")
            #expect(committed.status == 204)
            let second = try await server.client.get(path, token: token)
            #expect(second.header("strm-events") == "1")
            #expect(
                try await server.client.get("/metrics").text.contains(
                    "strm_consumer_lag_events{stream=\"demo\""))
        }
    }

    static let queryMistakes: [(query: String, parameter: String)] = [
        ("limit=0", "limit"), ("limit=10001", "limit"), ("limit=+5", "limit"), ("limit=", "limit"),
        ("wait=61", "wait"), ("wait=-1", "wait"), ("wait=nan", "wait"), ("from=yesterday", "from"),
        ("to=2026-02-30T00:00:00Z", "to"), ("keyLink=abc", "keyLink"), ("limt=5", "query"),
        ("limit=1&limit=2", "limit"), ("cursor=%ff", "query"), ("cursor=x", "cursor"),
        ("consumer=a%20b", "query"),
    ]

    @Test("a query parameter that is not exact is a 400 that names it")
    func badQueries() async throws {
        try await TestServer.with { server in
            let token = try await server.demo()
            for bad in Self.queryMistakes {
                let read = try await server.client.get(
                    "/v1/streams/demo/events?\(bad.query)", token: token)
                #expect(read.status == 400, "\(bad.query)")
                #expect(
                    read.json["parameter"] as? String == bad.parameter, "\(bad.query) \(read.text)")
            }
        }
    }
}
