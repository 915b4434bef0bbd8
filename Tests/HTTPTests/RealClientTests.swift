import Foundation
import HTTP
import Testing

@Suite("real clients are served")
struct RealClientTests {
    @Test("curl posts an event over HTTP/2 with prior knowledge and over HTTP/1.1, on one port")
    func curlOnBothVersions() async throws {
        try await withServer { test in
            let url = "http://127.0.0.1:\(test.port)/event"
            let form = "%{http_code} %{http_version}"
            let second = try await curl("--http2-prior-knowledge", "-d", "{}", "-w", form, url)
            let first = try await curl("--http1.1", "-d", "{}", "-w", form, url)
            #expect(second == "204 2")
            #expect(first == "204 1.1")
            let statistics = test.server.statistics
            #expect(statistics.requestsHTTP1 == 1)
            #expect(statistics.requestsHTTP2 == 1)
        }
    }

    @Test(
        "a handler sees the same request on both versions",
        arguments: [("--http2-prior-knowledge", "2"), ("--http1.1", "1.1")])
    func sameView(option: String, version: String) async throws {
        try await withServer { test in
            let answer = try await curl(
                option, "-i", "-d", "hello", "-H", "Strm-Schema-Ref: a/b/1", "-H",
                "Strm-Schema-Id: old", "-H", "Strm-Serialization-Type: application/json", "-H",
                "Authorization: Bearer t", "-H", "Content-Type: text/x", "-H", "Accept: */json",
                "-H", "X-Other: kept", "http://127.0.0.1:\(test.port)/echo?a=1&b=%20")
            for expected in [
                "x-version: \(version)", "x-method: POST", "x-path: /echo", "x-query: a=1&b=%20",
                "x-host: 127.0.0.1:\(test.port)", "x-authorization: Bearer t",
                "x-content-type: text/x", "x-accept: */json", "x-schema-ref: a/b/1",
                "x-schema-id: old", "x-serialization: application/json", "x-address: 127.0.0.1",
                "content-length: 5", "x-tls: false",
            ] {
                #expect(answer.lowercased().contains(expected.lowercased()), "\(expected)")
            }
            #expect(answer.lowercased().contains("date: "))
            #expect(answer.hasSuffix("hello"))
            #expect(test.handler.requests.first?.header("x-other") == "kept")
            #expect(
                test.handler.requests.first?.headers.contains { $0.name.hasPrefix(":") } == false)
        }
    }

    @Test(
        "a chunked upload and one of 100-continue arrive whole",
        arguments: [
            ["--http1.1", "-H", "Transfer-Encoding: chunked"],
            ["--http1.1", "-H", "Expect: 100-continue"],
            ["--http2-prior-knowledge", "-H", "Expect: 100-continue"],
            ["--http2-prior-knowledge", "-H", "Content-Length:"],
        ])
    func uploads(options: [String]) async throws {
        try await withTemporaryDirectory { directory in
            let sent = Data((0..<300_000).map { UInt8(truncatingIfNeeded: $0 &* 7) })
            let (from, to) = (
                directory.appendingPathComponent("in"), directory.appendingPathComponent("out")
            )
            try sent.write(to: from)
            try await withServer { test in
                let trace = try await run(
                    "/usr/bin/curl",
                    ["-sSv", "--stderr", "-", "--data-binary", "@\(from.path)", "-o", to.path]
                        + options + ["http://127.0.0.1:\(test.port)/echo"])
                #expect(try Data(contentsOf: to) == sent)
                if options.contains("Expect: 100-continue") {
                    #expect(trace.contains("< HTTP/1.1 100") || trace.contains("< HTTP/2 100"))
                }
            }
        }
    }

    @Test("over TLS, ALPN chooses HTTP/2 or HTTP/1.1, and nothing below TLS 1.2 is spoken")
    func tls() async throws {
        try await withTemporaryDirectory { directory in
            let files = try await makeCertificate(in: directory)
            try await withServer({ $0.tls = files }) { test in
                let url = "https://localhost:\(test.port)/echo"
                let base = [
                    "-sS", "--cacert", files.certificateChainPath, "--resolve",
                    "localhost:\(test.port):127.0.0.1", "-i", "-d", "x",
                ]
                let second = try await run("/usr/bin/curl", base + ["--http2", url])
                #expect(second.hasPrefix("HTTP/2 200"))
                #expect(second.contains("x-tls: true"))
                let first = try await run("/usr/bin/curl", base + ["--http1.1", url])
                #expect(first.hasPrefix("HTTP/1.1 200"))
                let without = try await run("/usr/bin/curl", base + ["--no-alpn", url])
                #expect(without.hasPrefix("HTTP/1.1 200"))
                let old = try Program("/usr/bin/curl", base + ["--tls-max", "1.1", url])
                #expect(await old.finish().status != 0)
                #expect(test.server.statistics.protocolErrors >= 1)
            }
        }
    }

    @Test("h2load gets 1,000 answers of 2xx", arguments: [false, true])
    func h2load(isTLS: Bool) async throws {
        try await withTemporaryDirectory { directory in
            let body = directory.appendingPathComponent("body")
            try Data(repeating: UInt8(ascii: "x"), count: 435).write(to: body)
            let files = isTLS ? try await makeCertificate(in: directory) : nil
            try await withServer({ $0.tls = files }) { test in
                let url = "http\(isTLS ? "s" : "")://127.0.0.1:\(test.port)/event"
                let report = try await run(
                    "/usr/bin/h2load", ["-n", "1000", "-c", "4", "-m", "32", "-d", body.path, url])
                #expect(report.contains("status codes: 1000 2xx, 0 3xx, 0 4xx, 0 5xx"))
                #expect(test.server.statistics.requestsHTTP2 == 1000)
            }
        }
    }

    @Test("httpx speaks both versions")
    func httpx() async throws {
        try await withServer { test in
            let output = try await python(
                """
                import httpx
                for h1 in (True, False):
                    with httpx.Client(http1=h1, http2=not h1) as client:
                        url = f"http://127.0.0.1:{PORT}"
                        for i in range(3):
                            got = client.post(url + f"/echo?{i}", content=b"abc" * i)
                            assert got.status_code == 200 and got.content == b"abc" * i
                            assert got.headers["x-query"] == str(i)
                        assert client.get(url + "/nothing").status_code == 404
                        got = client.head(url + "/echo", params={"h": 1})
                        assert got.status_code == 200 and got.content == b""
                        print(got.http_version, client.put(url + "/event").status_code)
                """, port: test.port)
            #expect(output == "HTTP/1.1 204\nHTTP/2 204")
        }
    }

    @Test(
        "a response of five megabytes arrives whole, whatever the windows",
        arguments: ["--http2-prior-knowledge", "--http1.1"])
    func bigResponse(option: String) async throws {
        try await withTemporaryDirectory { directory in
            let to = directory.appendingPathComponent("out")
            try await withServer { test in
                let base = "http://127.0.0.1:\(test.port)"
                _ = try await curl(option, "--limit-rate", "20M", "-o", to.path, base + "/big")
                #expect(try Data(contentsOf: to) == Data(test.handler.big))
                let head = try await curl(option, "-I", base + "/big")
                #expect(head.contains("content-length: \(TestHandler.bigBytes)"))
            }
        }
    }

    @Test("windows of 1,000 bytes carry the same five megabytes")
    func smallWindows() async throws {
        try await withServer { test in
            let output = try await python(
                """
                import hashlib
                client = H2(settings={4: 1000})
                client.send(client.headers(1, method="GET", path="/big"),
                            client.headers(3, method="GET", path="/echo"))
                assert client.status(1) == 200
                print(hashlib.sha256(client.body(1)).hexdigest() != "", len(client.log) > 5000)
                """, port: test.port)
            #expect(output == "True True")
            #expect(test.server.statistics.bytesSent > TestHandler.bigBytes)
        }
    }
}

/// A certificate for localhost and its key, made by openssl.
func makeCertificate(in directory: URL) async throws -> HTTPConfiguration.TLSFiles {
    let (certificate, key) = (directory.path + "/certificate.pem", directory.path + "/key.pem")
    _ = try await run(
        "/usr/bin/openssl",
        [
            "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
            "-keyout", key, "-out", certificate, "-days", "2", "-subj", "/CN=localhost",
            "-addext", "subjectAltName=DNS:localhost",
        ])
    return HTTPConfiguration.TLSFiles(certificateChainPath: certificate, privateKeyPath: key)
}
