import Foundation
import HTTP
import Testing

@Suite("HTTP/2 is spoken by the book")
struct HTTP2Tests {
    @Test("requests of one connection are answered in any order, once each")
    func anyOrder() async throws {
        try await withServer { test in
            let program = try startPython(
                """
                client = H2()
                client.send(client.headers(1, path="/hold"), client.headers(3, path="/twice"))
                print(client.status(3))
                client.send(client.headers(5, path="/hold"))
                print(client.status(1), client.until(DATA, 1)[3], client.status(5), client.until(DATA, 5)[3])
                print(client.request(7), client.request(9, path="/inject"))
                """, port: test.port)
            try await eventually("both are held") { test.handler.heldCount == 2 }
            test.handler.release()
            let result = await program.finish()
            #expect(result.output == "204\n200 b'0' 200 b'1'\n204 500\n", "\(result.errors)")
        }
    }

    @Test("a :scheme that does not match is no error")
    func scheme() async throws {
        try await withServer { test in
            let output = try await python(
                "client = H2()\nprint(client.request(1, scheme='https'), client.request(3))",
                port: test.port)
            #expect(output == "204 204")
        }
    }

    @Test("the announced settings are the configured limits")
    func settings() async throws {
        try await withServer { test in
            let output = try await python(
                """
                got = H2().until(SETTINGS)[3]
                print({struct.unpack(">HI", got[i:i+6]) for i in range(0, len(got), 6)} ==
                      {(3, 128), (4, (1 << 20) + 65536), (6, 16384), (9, 1)})
                """, port: test.port)
            #expect(output == "True")
        }
    }

    @Test("a body over the limit gets 413 and the connection stays usable")
    func bodyTooLarge() async throws {
        try await withServer({ $0.bodyBytesMax = 10_000 }) { test in
            let output = try await python(
                """
                client = H2()
                client.send(client.headers(1, [("content-length", "10001")], end=False))
                print(client.status(1), struct.unpack(">I", client.until(RST, 1)[3])[0])
                client.send(client.headers(3, end=False), frame(DATA, 0, 3, b"x" * 9000),
                            frame(DATA, 0, 3, b"x" * 1001))
                print(client.status(3), struct.unpack(">I", client.until(RST, 3)[3])[0])
                client.send(frame(DATA, 1, 3, b"x" * 1000))
                client.send(client.headers(5, end=False), frame(DATA, 0, 5, b"x" * 9000),
                            frame(DATA, 1, 5, b"x" * 1000))
                print(client.status(5), client.request(7))
                """, port: test.port)
            #expect(output == "413 0\n413 0\n204 204")
            #expect(test.server.statistics.incompleteBodyBytes == 0)
        }
    }

    @Test("the window of a connection comes back, whatever becomes of the bodies")
    func connectionWindow() async throws {
        try await withServer { test in
            let output = try await python(
                """
                import httpx
                with httpx.Client(http1=False, http2=True, timeout=100) as client:
                    for i in range(40):
                        size = (1 << 20) + (i % 2)
                        got = client.post(f"http://127.0.0.1:{PORT}/event", content=b"x" * size)
                        assert got.status_code == (413 if i % 2 else 204), got
                print("done")
                """, port: test.port)
            #expect(output == "done")
        }
    }

    @Test(
        "too many or too large header fields get 431, a header bomb too; the next request is served"
    )
    func headerLimits() async throws {
        try await withServer { test in
            let output = try await python(
                """
                client = H2()
                print(client.request(1, extra=[(f"x-{i}", "y" * 1000) for i in range(17)]))
                print(client.request(3, extra=[(f"x-{i}", "y") for i in range(101)]))
                # A reference of one byte stands for 3,000: 10,000 of them fill one frame.
                client.send(client.headers(5, [("x-bomb", "z" * 3000)]))
                print(client.status(5))
                block = client.block()
                reference = client.encoder.encode([("x-bomb", "z" * 3000)])
                block += reference * 10000
                client.send(frame(HEADERS, 5, 7, block))
                print(len(reference), client.status(7), client.request(9))
                """, port: test.port)
            #expect(output == "431\n431\n204\n1 431 204")
        }
    }

    @Test("unknown methods get 501, unknown expectations 417")
    func unknown() async throws {
        try await withServer { test in
            let output = try await python(
                """
                client = H2()
                print(client.request(1, method="BREW"))
                client.send(client.headers(3, [("expect", "tea")], end=False))
                print(client.status(3), client.request(5))
                """, port: test.port)
            #expect(output == "501\n417 204")
        }
    }

    @Test("malformed requests lose their stream or connection, and never reach the handler")
    func malformed() async throws {
        try await withServer { test in
            let output = try await python(
                """
                def attempt(*headers, data=None):
                    client = H2().settled()
                    block = client.encoder.encode(list(headers))
                    client.send(frame(HEADERS, 4 if data else 5, 1, block))
                    if data:
                        client.send(frame(DATA, 1, 1, data))
                    client.send(frame(PING, 0, 0, b"12345678"))
                    while (got := client.next()) is not None:
                        if got[0] in (RST, GOAWAY): return "refused"
                        if got[0] == HEADERS: return "answered"
                    return "refused"
                good = [(":method", "POST"), (":scheme", "http"), (":authority", "a"), (":path", "/echo")]
                print({
                    attempt(*good[:3]), attempt(*good[1:]), attempt(*good, (":path", "/echo")),
                    attempt(*good, (":status", "200")), attempt(*good, ("X-Upper", "a")),
                    attempt(*good, ("connection", "close")), attempt(*good, ("te", "gzip")),
                    attempt(*good, ("transfer-encoding", "chunked")),
                    attempt(*good, ("content-length", "5"), data=b"four"),
                    attempt(*good, ("content-length", "-1"), data=b"four"),
                    attempt(*good, ("x-a", "line\\nbreak")), attempt(("x-first", "a"), *good),
                    attempt(*good[:3], (":path", "echo")), attempt(*good[:3], (":path", "")),
                })
                print(attempt(*good))
                """, port: test.port)
            #expect(output == "{'refused'}\nanswered")
            #expect(test.handler.requests.count == 1)
        }
    }

    @Test("one stream more than allowed is refused")
    func streamLimit() async throws {
        try await withServer({ $0.streamsPerConnectionMax = 4 }) { test in
            let program = try startPython(
                """
                # Before the client can know the limit: only the fifth is refused.
                client = H2()
                client.send(*[client.headers(i, path="/hold") for i in (1, 3, 5, 7, 9)])
                print(struct.unpack(">I", client.until(RST, 9)[3])[0])
                print({client.status(i) for i in (1, 3, 5, 7)}, client.request(11))
                # Who has acknowledged the limit and breaks it loses the connection.
                client = H2().settled()
                client.send(*[client.headers(i, path="/hold") for i in (1, 3, 5, 7, 9)])
                print(client.goaway())
                """, port: test.port)
            try await eventually("four are held") { test.handler.heldCount == 4 }
            try await eventually("the fifth was seen") {
                test.server.statistics.protocolErrors >= 1
            }
            test.handler.release()
            let result = await program.finish()
            #expect(result.output == "7\n{200} 204\n(1, True)\n", "\(result.errors)")
        }
    }

    @Test("a client that cancels is forgotten, and the late answer is dropped")
    func cancel() async throws {
        try await withServer { test in
            let program = try startPython(
                """
                client = H2()
                client.send(client.headers(1, path="/hold"), frame(RST, 0, 1, b"\\0\\0\\0\\x08"))
                client.send(client.headers(3, path="/hold"))
                print(client.status(3), [f[2] for f in client.log if f[0] == HEADERS])
                """, port: test.port)
            try await eventually("both are held") { test.handler.heldCount == 2 }
            try await eventually("the reset is seen") { test.server.statistics.streamResets == 1 }
            test.handler.release()
            #expect(await program.finish().output == "200 [3]\n")
        }
    }
}
