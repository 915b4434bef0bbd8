import Store
import Testing

@testable import Server

@Suite("Dry runs of sending")
struct DryRunTests {
    @Test("a dry run answers an event as the real request does, with a header that says so")
    func sameAnswers() async throws {
        try await TestServer.with { server in
            let token = try await server.demo()
            let events = EventRouteTests.refusedEvents.map(\.event) + [TestEvents.event()]
            for event in events {
                let dry = try await server.client.post(
                    "/event?dryRun=true", token: token, json: event)
                let real = try await server.client.post("/event", token: token, json: event)
                #expect(dry.status == real.status)
                #expect(dry.text == real.text)
                #expect(dry.header("strm-dry-run") == "true")
                #expect(real.header("strm-dry-run") == nil)
            }
        }
    }

    @Test("a dry run of a batch gives the real result, line by line")
    func batches() async throws {
        try await TestServer.with { server in
            let token = try await server.demo()
            let mixed = [TestEvents.event(), TestEvents.event(url: "x"), "nonsense"]
            for body in [mixed.joined(separator: "\n"), "{}", ""] {
                let dry = try await server.client.post(
                    "/events?dryRun=true", token: token, json: body)
                let real = try await server.client.post("/events", token: token, json: body)
                #expect(dry.status == real.status)
                #expect(dry.text == real.text)
                #expect(dry.header("strm-dry-run") == "true")
            }
        }
    }

    @Test("a dry run stores nothing, makes no key, counts nothing and leaves no audit entry")
    func withoutTrace() async throws {
        try await TestServer.with { server in
            let token = try await server.demo()
            let administrator = try await server.administrator()
            func audit() async throws -> String {
                try await server.client.get("/v1/audit/checkpoint", token: administrator).text
                    .split(separator: "\n")[1].description
            }
            let before = try await audit()
            for event in [TestEvents.event(), TestEvents.event(url: "x")] {
                for path in ["/event", "/events"] {
                    _ = try await server.client.post(
                        "\(path)?dryRun=true", token: token, json: event)
                }
            }
            #expect(try await audit() == before)
            let metrics = try await server.client.get("/metrics").text
            #expect(metrics.contains("\nstrm_keys_made_total 0\n"))
            #expect(metrics.contains("\nstrm_committed_events_total 0\n"))
            #expect(!metrics.contains("strm_ingest_refused_total{"))
            #expect(!metrics.contains("strm_events_refused_total{"))
            let read = try await server.client.get("/v1/streams/demo/events", token: token)
            #expect(read.header("strm-events") == "0")
        }
    }

    @Test("a dry run needs the token and the role of the real request")
    func permissions() async throws {
        try await TestServer.with { server in
            _ = try await server.demo()
            let event = TestEvents.event()
            let without = try await server.client.post("/event?dryRun=true", json: event)
            #expect(without.status == 401)
            #expect(without.header("strm-dry-run") == "true")
            let reader = try await server.token(
                try await server.makeClient(.reader, scope: "demo"))
            let forbidden = try await server.client.post(
                "/event?dryRun=true", token: reader, json: event)
            #expect(forbidden.status == 403)
        }
    }

    static let wrong = [
        "dryRun=yes", "dryRun", "dryRun=", "dryRun=true&dryRun=true", "dryrun=true", "x=1",
        "dryRun=TRUE", "dryRun=true&x=1", "%", "dryRun=%ff",
    ]

    @Test("every other query is refused, so that a misspelt dry run stores nothing")
    func wrongQueries() async throws {
        try await TestServer.with { server in
            let token = try await server.demo()
            for query in Self.wrong {
                for path in ["/event", "/events"] {
                    let sent = try await server.client.post(
                        "\(path)?\(query)", token: token, json: TestEvents.event())
                    #expect(sent.status == 400, "\(query)")
                    #expect(sent.slug == "invalid-request", "\(query)")
                    let without = try await server.client.post("\(path)?\(query)", json: "{}")
                    #expect(without.status == 401)
                }
            }
            let read = try await server.client.get("/v1/streams/demo/events", token: token)
            #expect(read.header("strm-events") == "0")
        }
    }

    @Test("an empty query and dryRun=false are the real request")
    func realOnes() async throws {
        try await TestServer.with { server in
            let token = try await server.demo()
            for path in ["/event?", "/event?dryRun=false", "/event?dry%52un=false"] {
                let sent = try await server.client.post(
                    path, token: token, json: TestEvents.event())
                #expect(sent.status == 204)
                #expect(sent.header("strm-dry-run") == nil)
            }
            let read = try await server.client.get("/v1/streams/demo/events", token: token)
            #expect(read.header("strm-events") == "3")
        }
    }
}
