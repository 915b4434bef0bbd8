import Foundation
import Testing

extension EndToEnd {
    @Suite("Clients that are not ours", .timeLimit(.minutes(5)))
    struct RealClients {
        private static let event = """
            {"strmMeta":{"eventContractRef":"example/clickstream/1.0.0","consentLevels":[0,1]},\
            "producerSessionId":"visit-1","url":"https://shop.example.com/","eventType":"v",\
            "referrer":"","userAgent":"x","conversion":0,\
            "customer":{"email":"a@example.com","country":"NL"},"abTests":[]}
            """

        @Test(
            "Python: httpx sends 1,000 events over HTTP/2, websockets reads them derived"
        )
        func python() async throws {
            let site = try await Deployment.withDemo()
            let token = try await site.token("demo")
            let sent = try await Tool.run(
                Tool.python, [Tool.script("send_httpx.py"), site.url, token, "1000"])
            #expect(sent.status == 0, "\(sent.errors)")
            #expect(try sent.json()["statuses"] as? [String: Int] == ["204": 1000])
            #expect(try sent.json()["versions"] as? [String] == ["HTTP/2"])

            let read = try await Tool.run(
                Tool.python,
                [
                    Tool.script("read_websocket.py"), site.url,
                    try await site.token("demo-1"), "1000",
                ])
            #expect(read.status == 0, "\(read.errors)")
            let events = try read.lines.map {
                try JSONSerialization.jsonObject(with: Data($0.utf8)) as? [String: Any] ?? [:]
            }
            let wanted = Set((0..<1000).map { "httpx-\($0)" })
            #expect(Set(Load.identifiers(events)) == wanted)
            #expect(
                events.allSatisfy {
                    (value($0, "producerSessionId") as? String)?.hasPrefix("visit-") == true
                })
        }

        @Test(
            "curl: HTTP/1.1, HTTP/2 with prior knowledge, the older token endpoints, and long-poll")
        func curl() async throws {
            let site = try await Deployment.withDemo()
            let token = try await site.token("demo")
            for (flag, version) in [("--http1.1", "1.1"), ("--http2-prior-knowledge", "2")] {
                let reply = try await Tool.run(
                    "/usr/bin/curl",
                    [
                        "-sS", flag, "-w", "%{http_code} %{http_version}", "-H",
                        "authorization: Bearer \(token)", "-d", Self.event, "\(site.url)/event",
                    ])
                #expect(reply.output == "204 \(version)")
            }
            let chunked = try await Tool.run(
                "/usr/bin/curl",
                [
                    "-sS", "-w", "%{http_code}", "-H", "authorization: Bearer \(token)", "-H",
                    "transfer-encoding: chunked", "-H", "expect: 100-continue", "-d",
                    Self.event, "\(site.url)/event",
                ])
            #expect(chunked.output == "204")

            let client = try site.credential("demo")
            let older = try await Tool.run(
                "/usr/bin/curl",
                [
                    "-sS", "-H", "content-type: application/json", "-d",
                    """
                    {"billingId":"x","clientId":"\(client.id)","clientSecret":"\(client.secret)"}
                    """, "\(site.url)/auth",
                ])
            let olderToken = try older.json()["idToken"] as? String ?? ""
            let polled = try await Tool.run(
                "/usr/bin/curl",
                [
                    "-sS", "-H", "authorization: Bearer \(olderToken)",
                    "\(site.url)/v1/streams/demo/events?wait=5",
                ])
            #expect(polled.lines.count == 3)
        }

        @Test(
            "curl and strm over TLS: HTTP/2 by ALPN; an untrusted certificate is refused"
        )
        func tls() async throws {
            let site = try Deployment(isSecure: true)
            try await site.initialise()
            let certificate = "\(site.scratch.path)/certificate.pem"
            let key = "\(site.scratch.path)/key.pem"
            let made = try await Tool.run(
                "/usr/bin/openssl",
                [
                    "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256",
                    "-nodes", "-days", "2", "-subj", "/CN=127.0.0.1", "-addext",
                    "subjectAltName=IP:127.0.0.1", "-keyout", key, "-out", certificate,
                ])
            #expect(made.status == 0)
            chmod(key, 0o600)
            try await site.start(["--tls-certificate", certificate, "--tls-key", key])
            let trust = ["--ca-file", certificate]
            try await site.definePurposes(0...4, trust)
            for command in [
                ["create", "contract", Tool.contract("clickstream.json"), "--activate"],
                ["create", "stream", "demo"],
                ["simulate", "demo", "--rate", "0", "--count", "20"],
            ] {
                try await site.expectSuccess(command + trust)
            }
            let token = try await site.token("demo", ["--cacert", certificate])
            let reply = try await Tool.run(
                "/usr/bin/curl",
                [
                    "-sS", "--cacert", certificate, "--http2", "-w",
                    "%{http_code} %{http_version}", "-H", "authorization: Bearer \(token)",
                    "-d", Self.event, "\(site.url)/event",
                ])
            #expect(reply.output == "204 2")
            for extra in [["--no-follow"], ["--web-socket", "--limit", "21"]] {
                let listened = try await site.expectSuccess(
                    ["listen", "demo", "--from", "0"] + extra + trust)
                #expect(listened.lines.count == 21)
            }
            let untrusted = try await site.strm("status")
            #expect(untrusted.status == 69)
            #expect(untrusted.errors.contains("--ca-file"))
        }

        @Test(
            "h2load: 10,000 requests on 8 connections of 64 streams are all answered 204 and stored"
        )
        func h2load() async throws {
            let site = try await Deployment.withDemo()
            let body = "\(site.scratch.path)/event.json"
            try Data(Self.event.utf8).write(to: URL(filePath: body))
            let loaded = try await Tool.run(
                "/usr/bin/h2load",
                [
                    "-n", "10000", "-c", "8", "-m", "64", "-d", body, "-H",
                    "authorization: Bearer \(try await site.token("demo"))", "\(site.url)/event",
                ])
            #expect(loaded.output.contains("10000 succeeded, 0 failed, 0 errored"))
            #expect(loaded.output.contains("10000 2xx"))
            #expect(try await site.nextOffset("demo") == 10_000)
        }

        /// Two clients, because no role may use every route: an administrator manages and reads no
        /// events, a stream's client sends and reads.
        @Test(
            "schemathesis finds nothing that contradicts /openapi.yaml",
            arguments: [
                ("administrator", "--exclude-path-regex", "^/(ws|events?)$"),
                ("demo", "--include-path-regex", "^/events?$|/events$|/commit$|^/oauth2|^/auth"),
            ])
        func openAPI(client: String, option: String, paths: String) async throws {
            let site = try await Deployment.withDemo()
            let schemathesis =
                URL(filePath: Tool.python).deletingLastPathComponent().path + "/schemathesis"
            let tested = try await Tool.run(
                schemathesis,
                [
                    "run", "\(site.url)/openapi.yaml", "--url", site.url, option, paths,
                    "--header", "Authorization: Bearer \(try await site.token(client))",
                    "--phases", "examples,coverage,fuzzing", "--max-examples", "15", "--seed",
                    "1", "--request-timeout", "20", "--no-color", "--suppress-health-check",
                    "too_slow",
                    // No generator hits a contract by chance: what the interface's schema allows
                    // for an event, or for a contract, more precise rules refuse, rightly.
                    "--exclude-checks", "positive_data_acceptance",
                ], deadlineSeconds: 280)
            #expect(tested.status == 0, "\(tested.output.suffix(6_000))\(tested.errors)")
            #expect(site.server?.isRunning == true)
        }
    }
}
