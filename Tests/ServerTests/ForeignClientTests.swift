import Foundation
import Testing

@testable import Server

@Suite("Clients that are not ours")
struct ForeignClientTests {
    @Test("httpx sends over HTTP/2 and websockets follows a derived stream, also what comes later")
    func httpxAndWebSockets() async throws {
        try await TestServer.with { server in
            let sender = try await server.demo()
            let reader = try await server.token(
                try await server.makeStream("{\"derivedFrom\":\"demo\",\"levels\":[1,4]}"))
            let output = try await Python.run(
                "follow.py",
                [String(server.client.port), sender, reader, TestEvents.event()])
            let seen = try #require(
                try JSONSerialization.jsonObject(with: Data(output.utf8)) as? [String: Any])
            #expect(seen["statuses"] as? [Int] == [204])
            #expect(seen["version"] as? String == "HTTP/2")
            #expect(seen["frames"] as? Int == 51)
            #expect(seen["emails"] as? [String] == ["SMCANARY@example.org"])
            #expect(seen["refused"] as? [Int] == [401, 400, 400, 401])
        }
    }

    @Test("an open WebSocket ends when its client is deleted, also if nothing is sent")
    func revokedWhileOpen() async throws {
        try await TestServer.with { server in
            _ = try await server.demo()
            let credentials = try await server.makeStream(
                "{\"derivedFrom\":\"demo\",\"levels\":[1]}")
            let reader = try await server.token(credentials)
            let administrator = try await server.administrator()
            let output = try await Python.run(
                "follow.py", ["revoked", String(server.client.port), reader]
            ) {
                let deleted = try await server.client.send(
                    "DELETE", "/v1/clients/\(credentials.id)", token: administrator)
                #expect(deleted.status == 204)
            }
            #expect(output.contains("{\"code\": 1008}"))
        }
    }

    @Test("curl speaks HTTP/2 with prior knowledge and HTTP/1.1 to the same routes")
    func curl() async throws {
        try await TestServer.with { server in
            let token = try await server.demo()
            for version in ["--http2-prior-knowledge", "--http1.1"] {
                let process = Process()
                process.executableURL = URL(filePath: "/usr/bin/curl")
                process.arguments = [
                    version, "-s", "-o", "/dev/null", "-w", "%{http_code} %{http_version}",
                    "-H", "Authorization: Bearer \(token)", "--data-binary", TestEvents.event(),
                    "http://127.0.0.1:\(server.client.port)/event",
                ]
                let output = Pipe()
                process.standardOutput = output
                try process.run()
                let data = await withCheckedContinuation { continuation in
                    Thread.detachNewThread {
                        continuation.resume(
                            returning: output.fileHandleForReading.readDataToEndOfFile())
                    }
                }
                process.waitUntilExit()
                let expected = version == "--http1.1" ? "204 1.1" : "204 2"
                #expect(String(decoding: data, as: UTF8.self) == expected)
            }
        }
    }
}
