import Foundation
import HTTP
import Testing

@Suite("HTTP/1.1 is spoken by the book")
struct HTTP1Tests {
    /// What is sent, in Python's bytes syntax, and the first line that must come back.
    static let table: [(String, String)] = [
        ("GET /echo HTTP/1.1\\r\\nHost: a\\r\\nConnection: close\\r\\n\\r\\n", "200"),
        ("GET http://b.c/echo HTTP/1.1\\r\\nHost: a\\r\\nConnection: close\\r\\n\\r\\n", "200"),
        ("GET /echo HTTP/1.0\\r\\n\\r\\n", "200"),
        ("OPTIONS * HTTP/1.1\\r\\nHost: a\\r\\nConnection: close\\r\\n\\r\\n", "404"),
        // No host, or two.
        ("GET /echo HTTP/1.1\\r\\n\\r\\n", "400"),
        ("GET /echo HTTP/1.1\\r\\nHost: a\\r\\nHost: b\\r\\n\\r\\n", "400"),
        // Two framings: request smuggling.
        (
            "POST /echo HTTP/1.1\\r\\nHost: a\\r\\nContent-Length: 4\\r\\n"
                + "Transfer-Encoding: chunked\\r\\n\\r\\n0\\r\\n\\r\\n", "400"
        ),
        (
            "POST /echo HTTP/1.1\\r\\nHost: a\\r\\nTransfer-Encoding: chunked\\r\\n"
                + "Content-Length: 4\\r\\n\\r\\n0\\r\\n\\r\\n", "400"
        ),
        (
            "POST /echo HTTP/1.1\\r\\nHost: a\\r\\nContent-Length: 4\\r\\n"
                + "Content-Length: 5\\r\\n\\r\\nabcde", "400"
        ),
        ("POST /echo HTTP/1.1\\r\\nHost: a\\r\\nContent-Length: -4\\r\\n\\r\\n", "400"),
        ("POST /echo HTTP/1.1\\r\\nHost: a\\r\\nContent-Length: +4\\r\\n\\r\\nabcd", "400"),
        ("POST /echo HTTP/1.1\\r\\nHost: a\\r\\nContent-Length: 0x4\\r\\n\\r\\nabcd", "400"),
        ("POST /echo HTTP/1.1\\r\\nHost: a\\r\\nContent-Length : 4\\r\\n\\r\\nabcd", "400"),
        (
            "POST /echo HTTP/1.1\\r\\nHost: a\\r\\nTransfer-Encoding: chunked\\r\\n\\r\\nzz\\r\\n",
            "400"
        ),
        ("GET /echo HTTP/1.1\\r\\nHost: a\\r\\n X: folded\\r\\n\\r\\n", "400"),
        ("GET /echo HTTP/1.1\\r\\nHost: a\\r\\nX: a\\x00b\\r\\n\\r\\n", "400"),
        ("GET echo HTTP/1.1\\r\\nHost: a\\r\\n\\r\\n", "400"),
        ("GET  HTTP/1.1\\r\\nHost: a\\r\\n\\r\\n", "400"),
        ("hello\\r\\n\\r\\n", "400"),
        ("\\x16\\x03\\x01\\x02\\x00\\x01\\x00", "400"),
        ("PRI * HTTP/2.0\\r\\n\\r\\nXX\\r\\n\\r\\n", "400"),
        // Too much.
        ("POST /echo HTTP/1.1\\r\\nHost: a\\r\\nContent-Length: 9999999\\r\\n\\r\\n", "413"),
        (
            "POST /echo HTTP/1.1\\r\\nHost: a\\r\\nContent-Length: 99999999999999999999\\r\\n\\r\\n",
            "4"
        ),
        ("GET /echo HTTP/1.1\\r\\nHost: a\\r\\nX: ' + 'x' * 20000 + '\\r\\n\\r\\n", "431"),
        ("GET /echo HTTP/1.1\\r\\nHost: a\\r\\n' + 'X: y\\r\\n' * 101 + '\\r\\n", "431"),
        ("GET /' + 'x' * 20000 + ' HTTP/1.1\\r\\nHost: a\\r\\n\\r\\n", "431"),
        // Unknown.
        ("BREW /echo HTTP/1.1\\r\\nHost: a\\r\\n\\r\\n", "4"),
        ("PROPFIND /echo HTTP/1.1\\r\\nHost: a\\r\\nConnection: close\\r\\n\\r\\n", "501"),
        ("CONNECT a:1 HTTP/1.1\\r\\nHost: a\\r\\n\\r\\n", "501"),
        (
            "POST /echo HTTP/1.1\\r\\nHost: a\\r\\nTransfer-Encoding: gzip, chunked\\r\\n\\r\\n"
                + "0\\r\\n\\r\\n", "501"
        ),
        (
            "POST /echo HTTP/1.1\\r\\nHost: a\\r\\nExpect: tea\\r\\nContent-Length: 1\\r\\n\\r\\n",
            "417"
        ),
        // The handler's own faults.
        ("GET /inject HTTP/1.1\\r\\nHost: a\\r\\nConnection: close\\r\\n\\r\\n", "500"),
        ("GET /twice HTTP/1.1\\r\\nHost: a\\r\\nConnection: close\\r\\n\\r\\n", "204"),
    ]

    @Test("each request of the table gets its one answer, and the connection ends")
    func answers() async throws {
        try await withServer { test in
            let rows = Self.table.map { "('\($0.0)').encode('latin-1')" }.joined(separator: ",\n")
            let output = try await python(
                "for row in [\(rows)]:\n    got = talk(row)\n"
                    + "    print(got[9:12].decode(), got.count(b'HTTP/1.1 '), b'forged' in got)",
                port: test.port)
            let lines = output.split(separator: "\n").map(String.init)
            #expect(lines.count == Self.table.count)
            for (line, row) in zip(lines, Self.table) {
                let parts = line.split(separator: " ")
                #expect(
                    parts.first?.hasPrefix(row.1) == true && parts[1] == "1" && parts[2] == "False",
                    "\(row.0.prefix(100)) gave \(line)")
            }
        }
    }

    @Test("pipelined requests are answered in order, also when the first one takes longest")
    func pipelining() async throws {
        try await withServer { test in
            let program = try startPython(
                """
                sock = connect()
                ask = "GET %s HTTP/1.1\\r\\nHost: a\\r\\n%s\\r\\n"
                paths = ["/hold"] + [f"/echo?{i}" for i in range(1500)]
                sock.sendall("".join(ask % (p, "") for p in paths).encode())
                sock.sendall((ask % ("/echo?last", "Connection: close\\r\\n")).encode())
                got = read_all(sock).decode()
                import re
                print(re.findall("x-query: (.*)\\r", got) == [str(i) for i in range(1500)] + ["last"])
                print(got.split("\\r\\n\\r\\n")[1][:1], got.count("HTTP/1.1 200"))
                """, port: test.port)
            try await eventually("the first request is held") { test.handler.heldCount == 1 }
            #expect(test.server.statistics.requestsHTTP1 == 1)
            test.handler.release()
            let result = await program.finish()
            #expect(result.output == "True\n0 1502\n", "\(result.errors)")
        }
    }

    @Test("a connection is kept for further requests, and closed when the client wants")
    func keepAlive() async throws {
        try await withServer { test in
            let output = try await python(
                """
                import http.client
                client = http.client.HTTPConnection("127.0.0.1", PORT)
                for i in range(20):
                    client.request("POST", "/echo", body=iter([b"a", b"", b"b" * i]), encode_chunked=True)
                    got = client.getresponse()
                    assert got.status == 200 and got.read() == b"a" + b"b" * i
                client.request("GET", "/echo", headers={"Connection": "close"})
                got = client.getresponse()
                print(got.getheader("connection"), got.read() == b"")
                old = talk(b"GET /echo HTTP/1.0\\r\\nConnection: keep-alive\\r\\n\\r\\n"
                           b"GET /echo HTTP/1.0\\r\\n\\r\\n")
                print(old.count(b" 200 "), old.lower().count(b"connection: keep-alive"))
                """, port: test.port)
            #expect(output == "close True\n2 1")
            #expect(test.server.statistics.connectionsAccepted == 2)
        }
    }

    @Test("a body over the limit gets 413, even when its length was not announced")
    func bodyTooLarge() async throws {
        try await withServer({ $0.bodyBytesMax = 1000 }) { test in
            let output = try await python(
                """
                head = b"POST /echo HTTP/1.1\\r\\nHost: a\\r\\n"
                chunk = b"1f4\\r\\n" + b"x" * 500 + b"\\r\\n"
                chunked = head + b"Transfer-Encoding: chunked\\r\\nConnection: close\\r\\n\\r\\n"
                print(talk(chunked + chunk * 2 + b"0\\r\\n\\r\\n")[9:12].decode())
                print(talk(chunked + chunk * 3 + b"0\\r\\n\\r\\n")[9:12].decode())
                print(talk(chunked + chunk * 100)[9:12].decode())
                print(talk(head + b"Expect: 100-continue\\r\\nContent-Length: 1001\\r\\n\\r\\n")[9:12].decode())
                """, port: test.port)
            #expect(output == "200\n413\n413\n413")
        }
    }

    @Test("an answer before the close reaches a slow reader whole")
    func slowReader() async throws {
        try await withServer({ $0.lingerSeconds = 0.01 }) { test in
            let output = try await python(
                """
                sock = socket.socket()
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 8192)
                sock.connect(("127.0.0.1", PORT))
                sock.sendall(b"GET /big HTTP/1.1\\r\\nHost: a\\r\\nConnection: close\\r\\n\\r\\n")
                count = 0
                while got := sock.recv(32768):
                    count += len(got)
                    time.sleep(0.002)
                print(count > \(TestHandler.bigBytes))
                """, port: test.port)
            #expect(output == "True")
        }
    }

    @Test("trailers count as header fields")
    func trailers() async throws {
        try await withServer { test in
            let output = try await python(
                """
                head = (b"POST /echo HTTP/1.1\\r\\nHost: a\\r\\nConnection: close\\r\\n"
                        b"Transfer-Encoding: chunked\\r\\n\\r\\n1\\r\\nx\\r\\n0\\r\\n")
                print(talk(head + b"x-sum: 1\\r\\n\\r\\n")[9:12].decode())
                print(talk(head + b"x-sum: " + b"1" * 20000 + b"\\r\\n\\r\\n")[9:12].decode())
                """, port: test.port)
            #expect(output == "200\n431")
        }
    }

    @Test("bodies that are incomplete share one budget; beyond it is 503")
    func bodyBudget() async throws {
        try await withServer({
            $0.bodyBytesMax = 1000
            $0.incompleteBodyBytesMaxTotal = 1500
        }) { test in
            let output = try await python(
                """
                head = b"POST /echo HTTP/1.1\\r\\nHost: a\\r\\nContent-Length: 1000\\r\\n\\r\\n"
                first, second = connect(), connect()
                first.sendall(head + b"x" * 900)
                probe = connect()
                probe.sendall(b"GET /echo HTTP/1.1\\r\\nHost: a\\r\\nConnection: close\\r\\n\\r\\n")
                read_all(probe)
                second.sendall(head + b"y" * 900)
                print(second.recv(100)[9:12].decode())
                first.sendall(b"x" * 100)
                print(first.recv(100)[9:12].decode())
                """, port: test.port)
            #expect(output == "503\n200")
            #expect(test.server.statistics.incompleteBodyBytes == 0)
        }
    }
}
