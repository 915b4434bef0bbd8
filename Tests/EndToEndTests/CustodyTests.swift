import Foundation
import Testing

extension EndToEnd {
    @Suite("Custody of the master key", .timeLimit(.minutes(3)))
    struct Custody {
        private static let missing = ["--master-key", "environment:STRM_TEST_NEVER_SET"]

        @Test("a server that starts without its key waits for strm keys unseal, and is whole then")
        func unseal() async throws {
            let site = try await Deployment.withDemo()
            try await site.expectSuccess("simulate", "demo", "--count", "20")
            let before = try await site.events("demo-1").count
            #expect(await site.stop() == 0)
            try await site.start(Self.missing)
            let refused = try await site.strm("status")
            #expect(refused.status == 75)
            #expect(refused.errors.contains("next: strm keys unseal"), "\(refused.errors)")
            let wrong = try await site.strm(
                "keys", "unseal", input: Data(repeating: 9, count: 32).base64EncodedString())
            #expect(wrong.status == 77, "\(wrong.errors)")
            let file = "\(site.data)/keys/master.key"
            let key = try String(contentsOfFile: file, encoding: .utf8)
            var opened = try await site.strm("keys", "unseal", "--key-file", file)
            // A key is tried once a second.
            if opened.status == 75 {
                _ = await Wait.until(seconds: 1.1) { false }
                opened = try await site.strm("keys", "unseal", "--key-file", file)
            }
            #expect(opened.status == 0, "\(opened.errors)")
            #expect(try await site.events("demo-1").count == before)
            let again = try await site.strm("keys", "unseal", "--key-file", "/nonexistent")
            #expect(again.status == 0)
            #expect(again.errors.contains("is not sealed"))
            let acts = try await site.expectSuccess(
                "audit", "list", "--act", "serverUnsealed", "--output", "json")
            #expect(acts.output.contains("\"wrongKeys\" : \"1\""), "\(acts.output)")
            #expect(await site.stop() == 0)
            #expect(!site.logs.contains(key.dropLast(2)))
            #expect(site.logs.contains("a wrong master key was given"))
        }

        @Test("SIGTERM ends a sealed server, and it kept nothing")
        func stopSealed() async throws {
            let site = try Deployment()
            try await site.initialise()
            try await site.start(Self.missing)
            #expect(await site.stop() == 0)
            try await site.start()
            #expect(await site.stop() == 0)
        }

        @Test("strm keys status, and a master key that moves while the server runs and stands")
        func moves() async throws {
            let site = try await Deployment.withDemo()
            try await site.expectSuccess("simulate", "demo", "--count", "20")
            let before = try await site.events("demo-1").count
            let status = try await site.expectSuccess("keys", "status")
            #expect(status.output.contains("master key"), "\(status.output)")
            let second = "\(site.scratch.path)/second.key"
            let moved = try await site.expectSuccess(
                "keys", "rotate-master", "--to", "file:\(second)")
            #expect(moved.errors.contains("\"masterKey\": \"file:\(second)\""), "\(moved.errors)")
            let inUse = try await site.strm(
                "keys", "rotate-master", "--offline", "--data", site.data, "--to",
                "command:/bin/cat \(second)")
            #expect(inUse.status == 78)
            #expect(await site.stop() == 0)
            // The setting still names the first file, which is not the key any more.
            let refused = try await site.strm("serve", "--data", site.data, "--port", "0")
            #expect(refused.status == 78)
            #expect(refused.errors.contains("it is not the master key of this keyring"))
            try await site.start(["--master-key", "file:\(second)"])
            #expect(try await site.events("demo-1").count == before)
        }
    }
}
