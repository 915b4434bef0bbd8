import Foundation
import HTTP
import Logging
import Store
import Synchronization
import Testing
import Vault

@testable import Server

@Suite("Operating the server")
struct OperationsTests {
    /// A line of the Prometheus text format: name, labels, value.
    nonisolated(unsafe) static let sample =
        /([a-z_:]+)(\{([a-z]+="([^"\\\n]|\\.)*",?)*\})? (-?[0-9.e+-]+|\+Inf|NaN)/

    @Test("health, readiness and liveness answer without a token")
    func health() async throws {
        try await TestServer.with { server in
            for path in ["/healthz", "/readyz", "/is-alive"] {
                let answer = try await server.client.get(path)
                #expect(answer.status == 200)
                #expect(answer.header("content-type") == "application/json")
                let head = try await server.client.send("HEAD", path)
                #expect(head.status == 200)
                #expect(head.body.isEmpty)
            }
        }
    }

    @Test("the metrics are well-formed Prometheus text, each metric with HELP and TYPE once")
    func metrics() async throws {
        try await TestServer.with { server in
            let token = try await server.demo()
            for _ in 0..<3 {
                _ = try await server.client.post("/event", token: token, json: TestEvents.event())
            }
            let answer = try await server.client.get("/metrics")
            #expect(answer.header("content-type") == "text/plain; version=0.0.4; charset=utf-8")
            var types: [String: String] = [:]
            var samples: Set<String> = []
            for line in answer.text.split(separator: "\n") {
                if let match = line.wholeMatch(of: /# TYPE ([a-z_:]+) (counter|gauge|histogram)/) {
                    #expect(types.updateValue(String(match.2), forKey: String(match.1)) == nil)
                } else if !line.hasPrefix("# HELP ") {
                    let match = try #require(
                        line.wholeMatch(
                            of:
                                Self.sample
                        ), "\(line)")
                    let name = String(match.1)
                    let base = ["_bucket", "_sum", "_count"].reduce(name) {
                        types[name] == nil && $0.hasSuffix($1) ? String($0.dropLast($1.count)) : $0
                    }
                    #expect(types[base] != nil, "\(line)")
                    #expect(samples.insert(line.split(separator: " ").dropLast().joined()).inserted)
                }
            }
            #expect(answer.text.contains("\nstrm_ingest_events_total 3\n"))
            #expect(answer.text.contains("\nstrm_committed_events_total 3\n"))
            #expect(answer.text.contains("\nstrm_engine_write_stopped 0\n"))
            #expect(answer.text.contains("strm_engine_memory_bytes{use=\"block-cache\"} "))
            #expect(answer.text.contains("\nstrm_ready 1\n"))
            #expect(answer.text.contains("\nstrm_keyring_failed 0\n"))
            #expect(answer.text.contains("\nstrm_erasure_ledger_failed 0\n"))
            #expect(answer.text.contains("strm_commit_seconds_bucket{le=\"+Inf\"}"))
        }
    }

    @Test("labels, help and special values are escaped as the format says")
    func prometheusEscaping() {
        var page = PrometheusText()
        page.metric("m", .gauge, "a\\b\nc")
        page.sample("m", ["l": "\"x\"\\\n"], .infinity)
        page.sample("m", [:], .nan)
        page.histogram("h", "help", buckets: [(1, 2), (.infinity, 3)], sum: 4.5)
        #expect(
            page.text == """
                # HELP m a\\\\b\\nc
                # TYPE m gauge
                m{l="\\"x\\"\\\\\\n"} +Inf
                m NaN
                # HELP h help
                # TYPE h histogram
                h_bucket{le="1"} 2
                h_bucket{le="+Inf"} 5
                h_sum 4.5
                h_count 5

                """)
    }

    @Test("an unknown path is 404, a wrong method 405 with Allow, a wrong content type 415")
    func wrongRequests() async throws {
        try await TestServer.with { server in
            let token = try await server.administrator()
            for path in [
                "/", "/nothing", "/event/", "//event", "/v1/streams/a/b", "/v1/%ff", "/EVENT",
            ] {
                #expect(try await server.client.get(path, token: token).status == 404, "\(path)")
            }
            for (method, path, allow) in [
                ("GET", "/event", "POST"), ("DELETE", "/event", "POST"), ("PUT", "/events", "POST"),
                ("POST", "/healthz", "GET, HEAD"), ("PATCH", "/v1/streams/x", "GET, HEAD, DELETE"),
                ("OPTIONS", "/v1/streams", "GET, HEAD, POST"), ("GET", "/oauth2/token", "POST"),
            ] {
                let answer = try await server.client.send(method, path, token: token)
                #expect(answer.status == 405, "\(method) \(path)")
                #expect(answer.header("allow") == allow, "\(method) \(path)")
                #expect(answer.slug == "method-not-allowed")
            }
            for (path, type) in [
                ("/v1/streams", "text/plain"), ("/v1/clients", "application/xml"),
                ("/v1/contracts", "text/html"), ("/auth", "application/x-www-form-urlencoded"),
            ] {
                let answer = try await server.client.post(
                    path, token: token, json: "{}", type: type)
                #expect(answer.status == 415, "\(path)")
                #expect(answer.slug == "unsupported-media-type")
            }
        }
    }

    @Test("the OpenAPI document has exactly the routes of the table, and no dangling reference")
    func openAPI() async throws {
        try await TestServer.with { server in
            let answer = try await server.client.get("/openapi.yaml")
            #expect(answer.header("content-type") == "application/yaml")
            let document = try OpenAPI.load(answer.text)
            #expect(document.danglingReferences == [])
            // As the routes have it: null is the same as missing.
            #expect(document.optionalsWithoutNull == [])
            let served = try await Self.routes(server)
            #expect(document.operations == served)
            for (operation, statuses) in document.statuses {
                #expect(statuses.contains { $0.hasPrefix("2") || $0 == "101" }, "\(operation)")
                let isSecured = document.securedOperations.contains(operation)
                #expect(!isSecured || statuses.contains("401"), "\(operation)")
            }
        }
    }

    /// The table itself, from an engine over a directory of its own.
    private static func routes(_ server: TestServer) async throws -> Set<String> {
        let directory = server.directory + "-table"
        defer { try? FileManager.default.removeItem(atPath: directory) }
        _ = try await Installation.initialise(InitOptions(dataDirectory: directory))
        let settings = try ServerSettings.load(directory: directory, environment: [:])
        let logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
        let engine = try Engine(
            settings: settings, clock: SystemClock.milliseconds, vaultClock: .system, logger: logger
        )
        let authority = Authority(tokens: engine.tokens, catalog: engine.catalog)
        let webSocket = WebSocketRoute(
            authority: authority, query: engine.query, connectionsMax: 1,
            runner: RequestRunner(limit: 1, cancelsOnStop: true), clock: engine.clock,
            logger: logger)
        let names = RouteTable.routes(engine, webSocket).map {
            "\($0.method.rawValue) \($0.template.replacing("...", with: ""))"
        }
        await engine.close()
        return Set(names)
    }

    @Test("a log line is one line whatever its metadata hold, as text and as JSON")
    func logging() throws {
        let lines = Mutex<[String]>([])
        for format in [LogSettings.Format.text, .json] {
            var settings = try ServerSettings.load(directory: "/nonexistent", environment: [:]).log
            settings.format = format
            let logger = Logger(label: "strm") { label in
                StreamLogHandler(label: label, settings: settings, clock: { 0 }) { line in
                    lines.withLock { $0.append(String(decoding: line, as: UTF8.self)) }
                }
            }
            logger.notice("stream made", metadata: ["stream": "a\"b\nc"])
            logger.debug("not shown")
        }
        let written = lines.withLock { $0 }
        #expect(
            written == [
                "1970-01-01T00:00:00.000Z NOTICE stream made stream=\"a\\\"b\\nc\"\n",
                "{\"time\":\"1970-01-01T00:00:00.000Z\",\"level\":\"notice\",\"logger\":\"strm\","
                    + "\"message\":\"stream made\",\"stream\":\"a\\\"b\\nc\"}\n",
            ])
    }

    @Test("an initialised directory is refused, and what init makes is open to its owner only")
    func initialise() async throws {
        try await TestServer.with { server in
            await #expect(throws: InstallationError.notEmpty(directory: server.directory)) {
                try await Installation.initialise(InitOptions(dataDirectory: server.directory))
            }
            for path in ["", "/strm.json", "/keys", "/keys/master.key"] {
                let attributes = try FileManager.default.attributesOfItem(
                    atPath: server.directory + path)
                let mode = try #require(attributes[.posixPermissions] as? Int)
                #expect(mode & 0o077 == 0, "\(path)")
            }
        }
    }

    @Test("init that cannot have its master key leaves nothing that refuses the next")
    func initialiseAgain() async throws {
        let directory = NSTemporaryDirectory() + "init-\(UUID().uuidString)"
        defer { try? FileManager.default.removeItem(atPath: directory) }
        let none = MasterKeyCustody.file(directory + "-none/master.key")
        for custody in [none, .environment("STRM_TEST_NO_SUCH_KEY"), .command(["/bin/false"])] {
            await #expect(throws: VaultError.self) {
                try await Installation.initialise(
                    InitOptions(dataDirectory: directory, masterKey: custody))
            }
            #expect(try FileManager.default.contentsOfDirectory(atPath: directory).isEmpty)
        }
        _ = try await Installation.initialise(InitOptions(dataDirectory: directory))
        #expect(FileManager.default.fileExists(atPath: directory + "/keys/master.key"))
    }

    @Test("start and stop are in the audit log, and a second process is refused")
    func startAndStop() async throws {
        try await TestServer.with { server in
            await #expect(throws: (any Error).self) {
                _ = try await TestServer(server.directory, server.initial)
            }
            try await server.stop()
            let again = try await TestServer(server.directory, server.initial)
            let entries = try await again.client.get(
                "/v1/audit/entries", token: try await again.administrator())
            let acts = (entries.json["items"] as? [[String: Any]] ?? []).map {
                $0["act"] as? String
            }
            #expect(
                acts.prefix(4) == [
                    "clientCreated", "serverStarted", "serverStopped", "serverStarted",
                ])
            try await again.stop()
        }
    }

    @Test("a stop ends waiting long-polls at once and finishes what is in flight")
    func gracefulStop() async throws {
        try await TestServer.with { server in
            let token = try await server.demo()
            async let waiting = server.client.get("/v1/streams/demo/events?wait=60", token: token)
            // Seen in the metrics: it waits.
            while try await !server.client.get("/metrics").text.contains("strm_readers_waiting 1") {
            }
            try await server.stop()
            let answer = try await waiting
            #expect(answer.status == 503)
            #expect(answer.header("retry-after") != nil)
        }
    }
}
