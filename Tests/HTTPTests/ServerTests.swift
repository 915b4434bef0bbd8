import Foundation
import HTTP
import Logging
import Synchronization
import Testing

@Suite("a server starts, refuses and stops with care")
struct ServerTests {
    private func server(
        _ adjust: (inout HTTPConfiguration) -> Void
    ) -> HTTPServer {
        var configuration = HTTPConfiguration()
        configuration.port = 0
        adjust(&configuration)
        return HTTPServer(
            configuration: configuration, handler: TestHandler(), logger: Logger(label: "test"))
    }

    @Test(
        "clear text on anything but loopback is refused",
        arguments: ["0.0.0.0", "::", "192.0.2.1", "10.0.0.1"])
    func remote(host: String) async throws {
        let server = server { $0.host = host }
        let error = await #expect(throws: HTTPServerError.self) { _ = try await server.start() }
        guard case .insecureRemote(let named)? = error else {
            Issue.record("\(String(describing: error))")
            return
        }
        #expect(named == host)
        #expect(error?.description.contains("loopback") == true)
        await server.shutdownGracefully(deadlineSeconds: 0)
    }

    @Test("loopback names are accepted", arguments: ["127.0.0.1", "localhost", "127.3.2.1"])
    func loopback(host: String) async throws {
        let server = server { $0.host = host }
        #expect(try await server.start() > 0)
        await server.shutdownGracefully(deadlineSeconds: 0)
    }

    @Test("an operator may allow it, and TLS needs no permission")
    func allowed() async throws {
        try await withTemporaryDirectory { directory in
            let files = try await makeCertificate(in: directory)
            for adjust: (inout HTTPConfiguration) -> Void in [
                { $0.allowInsecureRemote = true }, { $0.tls = files },
            ] {
                let server = server {
                    $0.host = "0.0.0.0"
                    adjust(&$0)
                }
                #expect(try await server.start() > 0)
                await server.shutdownGracefully(deadlineSeconds: 0)
            }
        }
    }

    @Test("what cannot be is told before anything is bound")
    func badConfiguration() async throws {
        let missing = HTTPConfiguration.TLSFiles(
            certificateChainPath: "/nowhere/a", privateKeyPath: "/nowhere/b")
        let cases: [(inout HTTPConfiguration) -> Void] = [
            { $0.bodyBytesMax = 0 }, { $0.idleTimeoutSeconds = -1 }, { $0.port = 70_000 },
            { $0.stallTimeoutSeconds = .nan }, { $0.tls = missing },
            { $0.host = "no such host.invalid" },
        ]
        for adjust in cases {
            let server = server(adjust)
            await #expect(throws: HTTPServerError.self) { _ = try await server.start() }
            await server.shutdownGracefully(deadlineSeconds: 0)
        }
    }

    private final class Counter: Sendable {
        let count = Atomic(0)
    }

    @Test("a late answer to a server that has stopped goes nowhere, and schedules nothing")
    func lateAnswer() async throws {
        let server = server { _ in }
        _ = try await server.start()
        let runs = Counter()
        var isTaken = server.loops[0].execute { runs.count.add(1, ordering: .relaxed) }
        #expect(isTaken)
        try await eventually("it runs") { runs.count.load(ordering: .relaxed) == 1 }
        await server.shutdownGracefully(deadlineSeconds: 0)
        isTaken = server.loops[0].execute { runs.count.add(1, ordering: .relaxed) }
        #expect(!isTaken)
        server.loops[0].submit(ResponseToken(first: 0, second: 1), HTTPResponse(status: 204))
        #expect(runs.count.load(ordering: .relaxed) == 1)
    }

    @Test("what an event loop has taken it runs, also while it stops; the rest it refuses")
    func hopsDuringStop() async throws {
        let server = server { _ in }
        _ = try await server.start()
        let loop = server.loops[0]
        let runs = Counter()
        let taken = await withTaskGroup(of: Int.self) { group in
            for _ in 0..<4 {
                group.addTask {
                    var hops = 0
                    while loop.execute({ runs.count.add(1, ordering: .relaxed) }) {
                        hops += 1
                        // The stop needs a thread too.
                        await Task.yield()
                    }
                    return hops
                }
            }
            group.addTask {
                await server.shutdownGracefully(deadlineSeconds: 0)
                return 0
            }
            var sum = 0
            for await count in group { sum += count }
            return sum
        }
        #expect(runs.count.load(ordering: .relaxed) == taken)
    }

    @Test("a port that is taken, and a second start, are errors")
    func taken() async throws {
        try await withServer { test in
            let second = server { $0.port = test.port }
            await #expect(throws: HTTPServerError.self) { _ = try await second.start() }
            await second.shutdownGracefully(deadlineSeconds: 0)
            await #expect(throws: HTTPServerError.self) { _ = try await test.server.start() }
        }
    }

    @Test("a graceful stop sends GOAWAY twice, finishes what is in flight, and closes everything")
    func gracefulStop() async throws {
        let test = try await withoutStop()
        let program = try startPython(
            """
            from websockets.sync.client import connect as ws
            socket_client = ws(f"ws://127.0.0.1:{PORT}/ws/idle")
            one, kept = connect(), connect()
            one.sendall(b"GET /hold HTTP/1.1\\r\\nHost: a\\r\\n\\r\\n")
            kept.sendall(b"GET /event HTTP/1.1\\r\\nHost: a\\r\\n\\r\\n")
            assert kept.recv(1000)[9:12] == b"204"
            idle = H2()
            assert idle.request(1) == 204
            client = H2()
            client.send(client.headers(1, path="/hold"))
            last = struct.unpack(">I", client.until(GOAWAY)[3][:4])[0]
            # The first GOAWAY refuses nothing: a request that was on its way is still taken.
            client.send(client.headers(3, path="/hold"))
            final = struct.unpack(">I", client.until(GOAWAY)[3][:4])[0]
            print(last == (1 << 31) - 1, final, idle.goaway(), read_all(kept))
            # After the second one nothing is.
            client.send(client.headers(5, path="/event"), frame(PING, 0, 0, b"12345678"))
            client.until(PING)
            sys.stdout.flush()
            try:
                socket_client.recv()
            except Exception as error:
                print(socket_client.protocol.close_code)
            open(sys.argv[2], "w").close()
            print(client.status(1), client.status(3), client.next() is not None, client.until(HEADERS, 5), client.is_over)
            got = read_all(one)
            print(got[9:12].decode(), b"connection: close" in got)
            try:
                connect()
            except ConnectionRefusedError:
                print("refused")
            """, port: test.port, test.sign)
        try await eventually("two are held") { test.handler.heldCount == 2 }
        try await eventually("all are there") { test.server.statistics.connectionsOpen == 5 }
        async let stop: Void = test.server.shutdownGracefully(deadlineSeconds: 100)
        try await eventually("the client has seen both") {
            FileManager.default.fileExists(atPath: test.sign)
        }
        #expect(test.handler.heldCount == 3)
        test.handler.release()
        await stop
        let result = await program.finish()
        try? FileManager.default.removeItem(atPath: test.sign)
        #expect(
            result.output == """
                True 3 (0, True) b''
                1001
                200 200 True None True
                200 True
                refused

                """, "\(result.errors)")
        #expect(test.server.statistics.connectionsOpen == 0)
    }

    private func withoutStop() async throws -> (
        server: HTTPServer, handler: TestHandler, port: Int, sign: String
    ) {
        var configuration = HTTPConfiguration()
        configuration.port = 0
        let handler = TestHandler()
        let server = HTTPServer(
            configuration: configuration, handler: handler, logger: Logger(label: "test"))
        let sign = FileManager.default.temporaryDirectory
            .appendingPathComponent("strm-http-\(UUID().uuidString)").path
        return (server, handler, try await server.start(), sign)
    }

    @Test("what is still in flight at the deadline is closed by force")
    func deadline() async throws {
        try await withServer { test in
            let program = try startPython(
                """
                client = H2()
                client.send(client.headers(1, path="/hold"))
                print(client.status(1), client.is_over)
                """, port: test.port)
            try await eventually("it is held") { test.handler.heldCount == 1 }
            await test.server.shutdownGracefully(deadlineSeconds: 0.2)
            #expect(await program.finish().output == "None True\n")
        }
    }

    @Test("answers to connections that are gone are dropped, also when the slot has a new one")
    func deadTokens() async throws {
        try await withServer { test in
            let first = try startPython(
                """
                client, one = H2(), connect()
                client.send(client.headers(1, path="/hold"))
                one.sendall(b"GET /hold HTTP/1.1\\r\\nHost: a\\r\\n\\r\\n")
                wait_for_test()
                os._exit(0)
                """, port: test.port)
            try await eventually("both are held") { test.handler.heldCount == 2 }
            first.proceed()
            _ = await first.finish()
            // The server reads neither while HTTP/1.1 waits: that one it notices when it answers.
            try await eventually("one is gone") { test.server.statistics.connectionsOpen <= 1 }
            let second = try startPython(
                """
                client = H2().settled()
                print("there", flush=True)
                wait_for_test()
                print(client.request(1), [f[2] for f in client.log if f[0] == HEADERS])
                """, port: test.port)
            try await eventually("the slot is used again") {
                test.server.statistics.connectionsAccepted == 3
            }
            test.handler.release()
            second.proceed()
            let result = await second.finish()
            #expect(result.output == "there\n204 [1]\n", "\(result.errors)")
        }
    }

    @Test("connections that are old are asked to come again")
    func age() async throws {
        try await withServer({ $0.connectionAgeSecondsMax = 0.2 }) { test in
            let output = try await python(
                """
                client = H2()
                print(client.request(1), client.goaway())
                """, port: test.port)
            #expect(output == "204 (0, True)")
        }
    }

    @Test("several event loops serve side by side")
    func loops() async throws {
        try await withServer({ $0.eventLoopThreads = 3 }) { test in
            #expect(test.server.loops.map(\.index) == [0, 1, 2])
            let report = try await run(
                "/usr/bin/h2load",
                ["-n", "3000", "-c", "6", "-m", "16", "http://127.0.0.1:\(test.port)/event"])
            #expect(report.contains("status codes: 3000 2xx"))
            #expect(test.server.statistics.requestsHTTP2 == 3000)
        }
    }
}

@Suite("throughput")
struct ThroughputTests {
    /// Off unless STRM_HTTP_SERVE_SECONDS is set: then a server answers 204 on
    /// STRM_HTTP_SERVE_PORT (default 8099) that long, for a load generator beside it.
    @Test(
        "serves a load generator",
        .enabled(if: ProcessInfo.processInfo.environment["STRM_HTTP_SERVE_SECONDS"] != nil))
    func serve() async throws {
        let environment = ProcessInfo.processInfo.environment
        let seconds = Double(environment["STRM_HTTP_SERVE_SECONDS"] ?? "") ?? 10
        try await withServer({
            $0.port = Int(environment["STRM_HTTP_SERVE_PORT"] ?? "") ?? 8099
        }) { test in
            try await Task.sleep(for: .seconds(seconds))
            let statistics = test.server.statistics
            print("requests: \(statistics.requests), sent: \(statistics.bytesSent)")
            #expect(statistics.protocolErrors == 0)
        }
    }
}
