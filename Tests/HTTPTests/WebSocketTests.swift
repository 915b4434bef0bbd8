import Foundation
import HTTP
import Testing

@Suite("WebSockets")
struct WebSocketTests {
    @Test("text goes both ways, whole or in fragments, with pings between")
    func echo() async throws {
        try await withServer { test in
            let output = try await python(
                """
                from websockets.sync.client import connect as ws
                with ws(f"ws://127.0.0.1:{PORT}/ws/echo?x=1", max_size=None) as client:
                    for text in ["", "a", "ü" * 63, "b" * 126, "c" * 65535, "d" * 65536, "e" * (1 << 20)]:
                        client.send(text)
                        assert client.recv() == text, len(text)
                    client.send(["frag", "men", "", "ted"])
                    assert client.ping(b"hello").wait(60)
                    print(client.recv())
                    for i in range(500):
                        client.send(str(i))
                    assert [client.recv() for i in range(500)] == [str(i) for i in range(500)]
                print(client.protocol.close_code)
                """, port: test.port)
            #expect(output == "fragmented\n1000")
            #expect(test.server.statistics.webSocketsAccepted == 1)
            try await eventually("it is closed") { test.server.statistics.webSocketsOpen == 0 }
        }
    }

    @Test("lines are one frame each, and the end of the service closes with 1000")
    func lines() async throws {
        try await withServer { test in
            let output = try await python(
                """
                from websockets.sync.client import connect as ws
                client = ws(f"ws://127.0.0.1:{PORT}/ws/lines")
                print(list(client), client.protocol.close_code)
                """, port: test.port)
            #expect(output == "['one', 'two', 'three'] 1000")
        }
    }

    @Test("it works over TLS and after an ordinary request on the same connection")
    func elsewhere() async throws {
        try await withTemporaryDirectory { directory in
            let files = try await makeCertificate(in: directory)
            try await withServer({ $0.tls = files }) { test in
                let output = try await python(
                    """
                    from websockets.sync.client import connect as ws
                    context = ssl.create_default_context(cafile=sys.argv[2])
                    sock = context.wrap_socket(connect(), server_hostname="localhost")
                    sock.sendall(b"GET /event HTTP/1.1\\r\\nHost: a\\r\\n\\r\\n")
                    got = b""
                    while b"\\r\\n\\r\\n" not in got: got += sock.recv(1)
                    client = ws("ws://localhost/ws/echo", sock=sock)
                    client.send("x")
                    print(client.recv())
                    """, port: test.port, files.certificateChainPath)
                #expect(output == "x")
            }
        }
    }

    @Test("a handshake that the handler rejects, or that is bad, gets an ordinary answer")
    func rejected() async throws {
        try await withServer { test in
            let output = try await python(
                """
                from websockets.sync.client import connect as ws
                from websockets.exceptions import InvalidStatus
                try:
                    ws(f"ws://127.0.0.1:{PORT}/ws/nowhere")
                except InvalidStatus as error:
                    print(error.response.status_code, bytes(error.response.body))
                base = b"GET /ws/echo HTTP/1.1\\r\\nHost: a\\r\\nUpgrade: websocket\\r\\nConnection: Upgrade\\r\\n"
                key = b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\\r\\n"
                print(talk(base + key + b"Sec-WebSocket-Version: 8\\r\\n\\r\\n")[9:12].decode())
                print(talk(base + b"Sec-WebSocket-Version: 13\\r\\n\\r\\n")[9:12].decode())
                print(talk(b"GET /event HTTP/1.1\\r\\nHost: a\\r\\nUpgrade: h2c\\r\\nConnection: Upgrade\\r\\n\\r\\n")[9:12].decode())
                print(talk(base.replace(b"/ws/echo", b"/ws/nowhere") + key +
                           b"Sec-WebSocket-Version: 13\\r\\n\\r\\n")[9:12].decode())
                """, port: test.port)
            #expect(output == "403 b'no'\n400\n400\n204\n403")
            #expect(test.server.statistics.webSocketsAccepted == 0)
        }
    }

    /// Frames that a client must not send, masked unless said otherwise, and the code they get.
    static let rules: [(name: String, frames: String, code: Int)] = [
        ("unmasked", #"b"\x81\x01a""#, 1002),
        ("reserved bit", #"ws_frame(0x80 | 0x40 | 1, b"a")"#, 1002),
        ("reserved opcode", #"ws_frame(0x80 | 3, b"a")"#, 1002),
        ("continuation of nothing", #"ws_frame(0x80, b"a")"#, 1002),
        ("text inside a text", #"ws_frame(1, b"a") + ws_frame(0x81, b"b")"#, 1002),
        ("fragmented ping", #"ws_frame(9, b"a")"#, 1002),
        ("long ping", #"ws_frame(0x89, b"a" * 126)"#, 1002),
        ("invalid UTF-8", #"ws_frame(0x81, b"\xc3\x28")"#, 1007),
        ("UTF-8 cut off", #"ws_frame(1, b"\xe2\x82") + ws_frame(0x80, b"")"#, 1007),
        ("a message too big", #"ws_frame(1, b"a" * 600) + ws_frame(0x80, b"a" * 600)"#, 1009),
        ("a frame too big", #"ws_frame(0x81, b"a" * 1001)"#, 1009),
        ("a ping flood", #"ws_frame(0x89, b"") * 300"#, 1008),
        ("close with a bad code", #"ws_frame(0x88, b"\x03\xed")"#, 1002),
        ("close with half a code", #"ws_frame(0x88, b"\x03")"#, 1002),
        ("close with bad text", #"ws_frame(0x88, b"\x03\xe8\xff")"#, 1007),
        ("close", #"ws_frame(0x88, b"\x03\xe8bye")"#, 1000),
        ("close without a code", #"ws_frame(0x88, b"")"#, 1000),
        (
            "UTF-8 split between fragments",
            #"ws_frame(1, b"\xe2\x82") + ws_frame(0x80, b"\xac") + ws_frame(0x88, b"\x0b\xb8")"#,
            1000
        ),
    ]

    @Test("each broken rule closes with its code")
    func rules() async throws {
        try await withServer({ $0.webSocketMessageBytesMax = 1000 }) { test in
            let rows = Self.rules.map(\.frames).joined(separator: ",\n")
            let output = try await python(
                webSocketPrelude + """
                    for frames in [\(rows)]:
                        sock = handshake("/ws/idle")
                        sock.sendall(frames)
                        frames = ws_frames(read_all(sock))
                        print(*[int.from_bytes(body[:2], "big") for opcode, body in frames if opcode == 8])
                    """, port: test.port)
            let lines = output.split(separator: "\n", omittingEmptySubsequences: false)
            #expect(lines.count == Self.rules.count)
            for (line, rule) in zip(lines, Self.rules) {
                #expect(line == "\(rule.code)", "\(rule.name)")
            }
        }
    }

    @Test("a reader that never reads is closed with 1013, and costs bounded memory")
    func neverReads() async throws {
        try await withServer({
            $0.webSocketStallTimeoutSeconds = 0.3
            $0.lingerSeconds = 60
        }) { test in
            let program = try startPython(
                webSocketPrelude + """
                    sock = handshake("/ws/push", receive=4096)
                    wait_for_test()
                    got = read_all(sock)
                    frames = ws_frames(got)
                    opcode, body = frames[-1]
                    print(opcode, int.from_bytes(body[:2], "big"), {len(b) for o, b in frames if o == 1})
                    """, port: test.port)
            try await eventually("its sender is told") { !test.handler.webSocketEnds.isEmpty }
            #expect(test.handler.webSocketEnds == [.tooSlow])
            // Far less than was offered: the cap, one chunk, and what the kernel buffers.
            #expect(test.server.statistics.bytesSent < 16 << 20)
            program.proceed()
            let result = await program.finish()
            #expect(result.output == "8 1013 {100000}\n", "\(result.errors)")
        }
    }

    @Test("a client whose messages nobody takes is not read further")
    func inputIsBounded() async throws {
        try await withServer { test in
            let program = try startPython(
                webSocketPrelude + """
                    sock = handshake("/ws/echo", receive=4096)
                    sock.settimeout(1)
                    sent, message = 0, ws_frame(0x81, b"x" * 60000)
                    try:
                        while sent < 100_000_000:
                            sent += sock.send(message)
                    except TimeoutError:
                        pass
                    print(sent < 50_000_000)
                    """, port: test.port)
            let result = await program.finish()
            #expect(result.output == "True\n", "\(result.errors)")
            #expect(test.server.statistics.bytesReceived < 50_000_000)
        }
    }

    @Test("a service is cancelled when its client leaves, and a stop waits for those that run")
    func cancelled() async throws {
        try await withServer { test in
            let first = try startPython(
                webSocketPrelude + "sock = handshake('/ws/sleep')\nwait_for_test()\n",
                port: test.port)
            let second = try startPython(
                webSocketPrelude + "sock = handshake('/ws/sleep')\nread_all(sock)\n",
                port: test.port)
            try await eventually("both run") { test.server.statistics.webSocketsOpen == 2 }
            first.proceed()
            #expect(await first.finish().status == 0)
            try await eventually("one is told") { test.handler.cancelledServices == 1 }
            await test.server.shutdownGracefully(deadlineSeconds: 100)
            #expect(test.handler.cancelledServices == 2)
            #expect(await second.finish().status == 0)
        }
    }

    @Test("silent clients are pinged, and closed when they stay silent")
    func pings() async throws {
        try await withServer({ $0.webSocketPingSeconds = 0.1 }) { test in
            let output = try await python(
                webSocketPrelude + """
                    sock = handshake("/ws/idle")
                    print({opcode for opcode, body in ws_frames(read_all(sock))})
                    """, port: test.port)
            #expect(output == "{9}")
            #expect(test.server.statistics.timeouts == 1)
        }
    }
}

let webSocketPrelude = #"""
    def handshake_request(path):
        return (f"GET {path} HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n").encode()

    def handshake(path, receive=None):
        sock = socket.socket()
        if receive:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive)
        sock.settimeout(100)
        sock.connect(("127.0.0.1", PORT))
        sock.sendall(handshake_request(path))
        head = b""
        while not head.endswith(b"\r\n\r\n"):
            head += sock.recv(1)
        assert b" 101 " in head and b"s3pPLMBiTxaQ9kYGzzhZRbK+xOo=" in head, head
        return sock

    def ws_frame(first, payload):
        size = len(payload)
        length = (bytes([0x80 | size]) if size < 126 else b"\xfe" + struct.pack(">H", size) if size < 65536
                  else b"\xff" + struct.pack(">Q", size))
        mask = b"\1\2\3\4"
        key = (mask * (size // 4 + 1))[:size]
        body = (int.from_bytes(payload, "big") ^ int.from_bytes(key, "big")).to_bytes(size, "big")
        return bytes([first]) + length + mask + body

    def ws_frames(data):
        frames = []
        while len(data) >= 2:
            size, start = data[1], 2
            if size == 126: size, start = int.from_bytes(data[2:4], "big"), 4
            elif size == 127: size, start = int.from_bytes(data[2:10], "big"), 10
            frames.append((data[0] & 15, data[start:start + size]))
            data = data[start + size:]
        return frames

    """#
