import Foundation
import Testing

extension EndToEnd {
    @Suite("How the command line behaves", .timeLimit(.minutes(4)))
    struct CommandLine {
        private func mode(_ path: String) throws -> Int? {
            let attributes = try FileManager.default.attributesOfItem(atPath: path)
            return (attributes[.posixPermissions] as? NSNumber)?.intValue
        }

        @Test("secrets are kept in files of mode 0600 and appear once, if they are asked for")
        func secretsAreKept() async throws {
            let site = try Deployment()
            let initialised = try await site.expectSuccess("init", "--data", site.data)
            try await site.start()
            let created = try await site.expectSuccess("create", "stream", "demo")
            for name in ["administrator", "demo"] {
                let secret = try site.credential(name).secret
                #expect(secret.count >= 32)
                for finished in [initialised, created] {
                    #expect(!(finished.output + finished.errors).contains(secret))
                }
            }
            let listed = try await site.expectSuccess("credentials", "list", "--output", "json")
            #expect(!listed.output.contains(try site.credential("demo").secret))
            #expect(try mode("\(site.home)/credentials.json") == 0o600)
            #expect(try mode("\(site.data)/keys/master.key") == 0o600)
            #expect(try mode(site.data) == 0o700)
            let shown = try await site.expectSuccess(
                "create", "client", "auditor", "--output", "json")
            #expect(
                try shown.json()["clientSecret"] as? String == site.credential("auditor").secret)
        }

        @Test("a credentials file that others may read is not used")
        func openCredentialsAreRefused() async throws {
            let site = try Deployment()
            try await site.initialise()
            chmod("\(site.home)/credentials.json", 0o644)
            let finished = try await site.strm("list", "streams")
            #expect(finished.status == 78)
            #expect(finished.errors.contains("chmod 600"))
        }

        @Test("init makes nothing if it could not store the administrator's secret")
        func noPlaceForSecrets() async throws {
            let site = try Deployment()
            let file = "\(site.scratch.path)/file"
            try Data("x".utf8).write(to: URL(filePath: file))
            let refused = try await Tool.run(
                Tool.strm, ["init", "--data", site.data],
                environment: ["STRM_HOME": "\(file)/home", "STRM_SERVER": site.url])
            #expect(refused.status == 78)
            #expect(refused.errors.contains("STRM_HOME"), "\(refused.errors)")
            #expect(!FileManager.default.fileExists(atPath: site.data))
            // Put right, the same command is not refused for what the other left.
            try await site.initialise()
        }

        @Test("init shows the administrator's secret if it cannot be stored after all")
        func lateFailure() async throws {
            let site = try Deployment()
            // A command that gives the key, and puts a file in the place of the directory of secrets.
            let (script, key) = ("\(site.scratch.path)/script", "\(site.scratch.path)/key")
            try Data((Data(repeating: 5, count: 32).base64EncodedString() + "\n").utf8)
                .write(to: URL(filePath: key))
            try Data("rm -rf \(site.home); : > \(site.home); cat \(key)\n".utf8)
                .write(to: URL(filePath: script))
            let custody = ["--master-key", "command:/bin/sh \(script)"]
            let failed = try await site.strm(["init", "--data", site.data] + custody)
            #expect(failed.status == 78)
            #expect(failed.errors.contains("shown this once"), "\(failed.errors)")
            let secret = try #require(
                failed.lines.first { $0.hasPrefix("client secret") }?.split(separator: " ").last)
            let client = try #require(
                failed.lines.first { $0.hasPrefix("administrator") }?.split(separator: " ").last)
            try FileManager.default.removeItem(atPath: site.home)
            try Data("cat \(key)\n".utf8).write(to: URL(filePath: script))
            try await site.start()
            try await site.expectSuccess(
                [
                    "credentials", "add", "administrator", "--role", "administrator",
                    "--client-id", String(client), "--client-secret-file", "-",
                ], input: String(secret))
            try await site.expectSuccess("list", "streams")
            let verifier = try #require(
                failed.lines.first { $0.hasPrefix("audit verifier key") }?.split(separator: " ")
                    .last)
            let kept = try await site.expectSuccess("audit", "keys", "--store")
            #expect(kept.errors.contains("on the word of this server alone"))
            #expect(kept.errors.contains(verifier))
        }

        @Test("init writes the path of a key file so that a server finds it from anywhere")
        func relativeKeyFile() async throws {
            let site = try Deployment()
            // It is made where the command runs, in a directory that is gone after it.
            let name = "master-\(UUID().uuidString).key"
            try await site.expectSuccess(
                "init", "--data", site.data, "--master-key", "file:\(name)")
            let text = try Data(contentsOf: URL(filePath: "\(site.data)/strm.json"))
            let settings = try JSONSerialization.jsonObject(with: text) as? [String: Any]
            #expect((settings?["masterKey"] as? String)?.hasPrefix("file:/") == true)
            #expect((settings?["masterKey"] as? String)?.hasSuffix("/\(name)") == true)
        }

        @Test("failures have their own status, and say what to type next")
        func exitStatuses() async throws {
            let site = try Deployment()
            let noCredentials = try await site.strm("list", "streams")
            #expect(noCredentials.status == 77)
            #expect(noCredentials.errors.contains("strm init"))

            try await site.initialise()
            let noServer = try await site.strm("list", "streams")
            #expect(noServer.status == 69)
            #expect(noServer.errors.contains("strm serve"))

            try await site.start()
            let noFile = try await site.strm("create", "contract", "/nonexistent.json")
            #expect(noFile.status == 66)
            let usage = try await site.strm("create", "stream", "x", "--levels", "1")
            #expect(usage.status == 64)
            let missing = try await site.strm("get", "stream", "nowhere")
            #expect(missing.status == 1)
            let mayNot = try await site.strm("listen", "nowhere")
            #expect(mayNot.status == 77)
            #expect(mayNot.errors.contains("strm create stream nowhere"))
        }

        @Test("a client whose secret is wrong, or which was deleted, is not permitted")
        func wrongSecret() async throws {
            let site = try await Deployment.withDemo()
            let client = try site.credential("demo")
            let file = "\(site.scratch.path)/secret"
            try Data("wrong-secret\n".utf8).write(to: URL(filePath: file))
            let wrong = try await site.strm(
                "listen", "demo", "--no-follow", "--client-id", client.id,
                "--client-secret-file", file)
            #expect(wrong.status == 77)

            try await site.expectSuccess("create", "client", "reader", "--scope", "demo-1")
            let reader = try site.credential("reader-demo-1")
            try Data(reader.secret.utf8).write(to: URL(filePath: file))
            try await site.expectSuccess("delete", "client", reader.id)
            let deleted = try await site.strm(
                "listen", "demo-1", "--no-follow", "--client-id", reader.id,
                "--client-secret-file", file)
            #expect(deleted.status == 77)
        }

        @Test("streams and contracts are listed, guarded and deleted as their state allows")
        func lifeOfStreamsAndContracts() async throws {
            let site = try await Deployment.withDemo()
            let cumulative = try await site.expectSuccess(
                "create", "stream", "--derived-from", "demo", "--cumulative", "2", "--output",
                "json")
            #expect(try cumulative.json()["name"] as? String == "demo-c2")
            #expect(try cumulative.json()["levels"] as? [Int] == [0, 1, 2])
            let listed = try await site.expectSuccess("list", "streams")
            for name in ["demo", "demo-1", "demo-c2"] { #expect(listed.output.contains(name)) }

            let guarded = try await site.strm("delete", "stream", "demo")
            #expect(guarded.status == 1)
            #expect(guarded.errors.contains("demo-1"))
            for name in ["demo-1", "demo-c2", "demo"] {
                try await site.expectSuccess("delete", "stream", name)
            }
            #expect(throws: Unexpected.self) { try site.credential("demo") }

            let ref = "example/thermostat/1.0.0"
            try await site.expectSuccess("create", "contract", Tool.contract("thermostat.yaml"))
            let draft = try await site.expectSuccess("get", "contract", ref, "--output", "json")
            #expect(try draft.json()["state"] as? String == "draft")
            for verb in ["review", "approve", "activate"] {
                try await site.expectSuccess(verb, "contract", ref)
            }
            #expect(try await site.strm("delete", "contract", ref).status == 1)
            let archived = try await site.expectSuccess(
                "archive", "contract", ref, "--output", "json")
            #expect(try archived.json()["state"] as? String == "archived")
        }

        @Test("a second init, a second server and a wrong master key are refused, in words")
        func refusedStarts() async throws {
            let site = try Deployment()
            try await site.initialise()
            let again = try await site.strm("init", "--data", site.data)
            #expect(again.status == 78)
            #expect(again.errors.contains("not empty"))

            try await site.start()
            let second = try await site.strm("serve", "--data", site.data, "--port", "0")
            #expect(second.status == 78)
            #expect(second.errors.contains("another process"))
            #expect(await site.stop() == 0)

            let key = "\(site.data)/keys/master.key"
            let original = try Data(contentsOf: URL(filePath: key))
            var wrong = original
            wrong[0] = wrong[0] == UInt8(ascii: "0") ? UInt8(ascii: "1") : UInt8(ascii: "0")
            try wrong.write(to: URL(filePath: key))
            chmod(key, 0o600)
            let locked = try await site.strm("serve", "--data", site.data, "--port", "0")
            #expect(locked.status == 78)
            #expect(locked.errors.lowercased().contains("master key"))
        }

        @Test(
            "serve listens on nothing but loopback unless it is told to, and tells the chosen port")
        func listensOnLoopback() async throws {
            let site = try Deployment()
            try await site.initialise()
            let remote = try await site.strm(
                "serve", "--data", site.data, "--host", "0.0.0.0", "--port", "0")
            #expect(remote.status == 78)

            let server = try Running(
                Tool.strm, ["serve", "--data", site.data, "--port", "0"], in: site.scratch.path)
            let file = "\(site.data)/port"
            #expect(
                await Wait.until(seconds: 30) { FileManager.default.fileExists(atPath: file) })
            let port = try String(contentsOfFile: file, encoding: .utf8)
                .trimmingCharacters(in: .newlines)
            let health = try await Tool.run(
                "/usr/bin/curl", ["-sS", "http://127.0.0.1:\(port)/healthz"])
            #expect(health.output.contains("up"))
            server.signal(SIGTERM)
            #expect(await server.waitForExit(seconds: 30) == 0)
            #expect(!FileManager.default.fileExists(atPath: file))
        }

        @Test("every command explains itself and every shell can complete it")
        func helpAndCompletions() async throws {
            for command in [
                [], ["init"], ["serve"], ["create"], ["create", "stream"], ["create", "contract"],
                ["create", "client"], ["get"], ["list"], ["delete"], ["review"],
                ["approve"], ["reject"], ["activate"], ["archive"], ["reactivate"], ["set"],
                ["contract", "diff"], ["validate"], ["send"], ["simulate"], ["listen"],
                ["rejections"], ["audit", "list"], ["audit", "export"],
                ["audit", "verify"], ["prove"], ["status"], ["credentials", "add"],
            ] {
                let help = try await Tool.run(Tool.strm, command + ["--help"])
                #expect(help.status == 0)
                #expect(help.output.contains("USAGE: strm"))
                #expect(help.output.split(separator: "\n").allSatisfy { $0.count <= 100 })
            }
            for shell in ["bash", "zsh", "fish"] {
                let script = try await Tool.run(
                    Tool.strm, ["--generate-completion-script", shell])
                #expect(script.status == 0)
                #expect(script.output.contains("simulate"))
            }
        }
    }
}
