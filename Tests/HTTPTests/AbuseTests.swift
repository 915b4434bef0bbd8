import Foundation
import HTTP
import Testing

@Suite("hostile clients are cut off, and others are served meanwhile")
struct AbuseTests {
    /// Each sends its flood on `client` and must be told ENHANCE_YOUR_CALM (11) and closed.
    static let floods: [(name: String, script: String)] = [
        (
            "rapid reset",
            """
            for i in range(1, 2000, 2):
                client.send(client.headers(i) + frame(RST, 0, i, b"\\0\\0\\0\\x08"))
            """
        ),
        ("pings", #"client.send(*[frame(PING, 0, 0, b"12345678")] * 300)"#),
        ("settings", #"client.send(*[frame(SETTINGS, 0, 0)] * 300)"#),
        (
            "priorities",
            #"client.send(*[frame(PRIORITY, 0, 1, b"\0\0\0\3\1")] * 300)"#
        ),
        (
            "empty data",
            """
            client.send(client.headers(1, end=False), *[frame(DATA, 0, 1)] * 3)
            """
        ),
        (
            "resets that the server is made to send",
            """
            for i in range(1, 600, 2):
                if i > 1 and client.until(RST) is None: break
                client.send(client.headers(i, path="/hold", end=False) + frame(WINDOW, 0, i, b"\\x7f\\xff\\xff\\xff"))
            """
        ),
    ]

    @Test("a flood is answered with ENHANCE_YOUR_CALM", arguments: floods.indices)
    func flood(index: Int) async throws {
        let flood = Self.floods[index]
        try await withServer { test in
            let output = try await python(
                "client = H2().settled()\n\(flood.script)\nprint(*client.goaway())\n"
                    + "print(H2().request(1))",
                port: test.port)
            #expect(output == "11 True\n204", "\(flood.name)")
            #expect(test.server.statistics.protocolErrors >= 1)
        }
    }

    @Test("less than the limit of each is no offence")
    func belowLimits() async throws {
        try await withServer { test in
            let output = try await python(
                """
                client = H2().settled()
                client.send(*[frame(PING, 0, 0, b"12345678")] * 190)
                for i in range(1, 390, 2):
                    client.send(client.headers(i) + frame(RST, 0, i, b"\\0\\0\\0\\x08"))
                client.send(client.headers(401, end=False), frame(DATA, 0, 401), frame(DATA, 1, 401, b"x"))
                print(client.status(401))
                """, port: test.port)
            #expect(output == "204")
        }
    }

    @Test("the sixth CONTINUATION ends the connection, five do not")
    func continuations() async throws {
        try await withServer { test in
            let output = try await python(
                """
                for count in (5, 6):
                    client = H2().settled()
                    block = client.block()
                    parts = [frame(CONTINUATION, 4 if i == count - 1 else 0, 1, block if i == 0 else b"")
                             for i in range(count)]
                    client.send(frame(HEADERS, 1, 1), *parts)
                    got = client.until(HEADERS)
                    print(got is not None, client.is_over)
                """, port: test.port)
            #expect(output == "True False\nFalse True")
        }
    }

    @Test("a response that waits for a window too long loses its stream, not the connection")
    func zeroWindow() async throws {
        try await withServer({ $0.stallTimeoutSeconds = 0.2 }) { test in
            let output = try await python(
                """
                client = H2(settings={4: 0})
                client.send(client.headers(1, method="GET", path="/big"))
                print(client.status(1), client.until(RST, 1)[3][3])
                print(client.request(3))
                """, port: test.port)
            #expect(output == "200 11\n204")
            #expect(test.server.statistics.timeouts == 1)
        }
    }

    @Test("answers that nobody takes are bounded in memory, and the room comes back")
    func heldAnswers() async throws {
        try await withServer({ $0.responseBytesMaxTotal = 6 << 20 }) { test in
            let output = try await python(
                """
                client = H2(settings={4: 0})
                client.send(client.headers(1, method="GET", path="/big"))
                print(client.status(1))
                client.send(client.headers(3, method="GET", path="/big"))
                print(client.status(3))
                client.send(frame(RST, 0, 1, struct.pack(">I", 8)))
                client.send(client.headers(5, method="GET", path="/big"))
                print(client.status(5))
                """, port: test.port)
            #expect(output == "200\n503\n200")
        }
    }

    @Test("a client that does not read is closed, and costs little memory")
    func neverReads() async throws {
        try await withServer({ $0.stallTimeoutSeconds = 0.3 }) { test in
            let program = try startPython(
                """
                sock = socket.socket()
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
                sock.connect(("127.0.0.1", PORT))
                client = H2(settings={4: (1 << 31) - 1}, sock=sock)
                client.send(frame(WINDOW, 0, 0, b"\\x7f\\0\\0\\0"))
                client.send(*[client.headers(i, method="GET", path="/big") for i in range(1, 200, 2)])
                one = connect()
                one.sendall(b"GET /big HTTP/1.1\\r\\nHost: a\\r\\n\\r\\n")
                wait_for_test()
                """, port: test.port)
            try await eventually("both are closed") { test.server.statistics.timeouts == 2 }
            try await eventually("both are gone") { test.server.statistics.connectionsOpen == 0 }
            // 100 bodies of 5 MiB were asked for; what left is what kernel and cap can hold.
            #expect(test.server.statistics.bytesSent < 32 << 20)
            program.proceed()
            #expect(await program.finish().status == 0)
        }
    }

    @Test("slow heads and silent connections are closed")
    func slowHeads() async throws {
        try await withServer({ $0.headerTimeoutSeconds = 0.2 }) { test in
            let output = try await python(
                """
                print(talk(b"GET /echo HTTP/1.1\\r\\nHost: a\\r\\nX-Slow: ")[9:12].decode())
                print(talk(b""), talk(PREFACE[:10]))
                client = H2().settled()
                client.send(frame(HEADERS, 1, 1, client.block()))
                print(client.goaway())
                """, port: test.port)
            #expect(output == "408\nb'' b''\n(11, True)")
            #expect(test.server.statistics.timeouts == 4)
        }
    }

    @Test("slow bodies get 408; on HTTP/2 the connection stays usable")
    func slowBodies() async throws {
        try await withServer({ $0.bodyGraceSeconds = 0.2 }) { test in
            let output = try await python(
                """
                print(talk(b"POST /echo HTTP/1.1\\r\\nHost: a\\r\\nContent-Length: 9\\r\\n\\r\\nabc")[9:12].decode())
                client = H2()
                client.send(client.headers(1, end=False), frame(DATA, 0, 1, b"abc"))
                print(client.status(1), client.request(3))
                """, port: test.port)
            #expect(output == "408\n408 204")
        }
    }

    @Test("a TLS handshake that does not come is cut off")
    func slowHandshake() async throws {
        try await withTemporaryDirectory { directory in
            let files = try await makeCertificate(in: directory)
            try await withServer({
                $0.tls = files
                $0.tlsHandshakeTimeoutSeconds = 0.2
            }) { test in
                let output = try await python(
                    "print(talk(b''), talk(b'\\x16\\x03\\x01\\x02\\x00\\x01\\x00'))",
                    port: test.port)
                #expect(output == "b'' b''")
                #expect(test.server.statistics.timeouts == 2)
            }
        }
    }

    @Test("idle connections are closed, but not while a request waits for its answer")
    func idle() async throws {
        try await withServer({ $0.idleTimeoutSeconds = 0.2 }) { test in
            let program = try startPython(
                """
                waiting = [connect(), H2()]
                waiting[0].sendall(b"GET /hold HTTP/1.1\\r\\nHost: a\\r\\n\\r\\n")
                waiting[1].send(waiting[1].headers(1, path="/hold"))
                client = H2()
                print(client.request(1), client.goaway())
                one = connect()
                one.sendall(b"GET /event HTTP/1.1\\r\\nHost: a\\r\\n\\r\\n")
                print(read_all(one)[9:12].decode(), flush=True)
                wait_for_test()
                print(waiting[0].recv(100)[9:12].decode(), waiting[1].status(1))
                """, port: test.port)
            try await eventually("two wait") { test.handler.heldCount == 2 }
            try await eventually("two idle ones are closed") {
                test.server.statistics.timeouts == 2
            }
            try await eventually("only they are left") {
                test.server.statistics.connectionsOpen == 2
            }
            test.handler.release()
            program.proceed()
            let result = await program.finish()
            #expect(result.output == "204 (0, True)\n204\n200 200\n", "\(result.errors)")
        }
    }

    @Test("connections beyond the limits are closed at once; a place that gets free is given again")
    func connectionLimits() async throws {
        for isTotal in [true, false] {
            try await withServer({
                if isTotal { $0.connectionsMax = 3 } else { $0.connectionsPerAddressMax = 3 }
            }) { test in
                let program = try startPython(
                    """
                    kept = [H2() for _ in range(3)]
                    print([client.request(1) for client in kept])
                    print(talk(PREFACE), flush=True)
                    kept.pop().sock.close()
                    wait_for_test()
                    print(H2().request(1))
                    """, port: test.port)
                try await eventually("one is refused") {
                    test.server.statistics.connectionsRefused == 1
                }
                try await eventually("one is closed") {
                    test.server.statistics.connectionsOpen == 2
                }
                program.proceed()
                let result = await program.finish()
                #expect(result.output == "[204, 204, 204]\nb''\n204\n", "\(result.errors)")
            }
        }
    }
}
