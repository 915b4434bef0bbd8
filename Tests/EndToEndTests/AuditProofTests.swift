import Foundation
import Testing

extension EndToEnd {
    @Suite("The audit log is proven to strangers", .timeLimit(.minutes(5)))
    struct AuditProofs {
        /// The first key, as whoever ran `strm init` has it.
        private static func pinnedKey(_ site: Deployment) throws -> String {
            let data = FileManager.default.contents(atPath: "\(site.home)/credentials.json")
            let document = try JSONSerialization.jsonObject(with: data ?? Data()) as? [String: Any]
            let servers = document?["servers"] as? [String: Any]
            let server = servers?[site.url] as? [String: Any]
            guard let key = server?["auditVerifierKey"] as? String else {
                throw Unexpected("no verifier key is stored")
            }
            return key
        }

        private static func python(_ arguments: [String]) async throws -> Finished {
            try await Tool.run(
                Tool.python, ["\(Tool.root)/Examples/audit/verify_audit.py"] + arguments,
                environment: Companion.environment)
        }

        private static func proof(
            _ site: Deployment, _ name: String, _ arguments: [String]
        ) async throws -> String {
            let finished = try await site.expectSuccess(["audit"] + arguments)
            let path = "\(site.scratch.path)/\(name)"
            try Data(finished.output.utf8).write(to: URL(filePath: path))
            return path
        }

        @Test(
            "an export with two changes of the key is verified by the key of init, by two programs")
        func rotations() async throws {
            let site = try Deployment()
            try await site.initialise()
            try await site.start()
            let key = try Self.pinnedKey(site)
            let first = "\(site.scratch.path)/first"
            let second = "\(site.scratch.path)/second"
            try await site.expectSuccess("audit", "export", first)
            for _ in 0..<2 {
                try await site.expectSuccess("keys", "rotate-signing", "--overlap-days", "0")
            }
            let inclusion = try await Self.proof(site, "inclusion", ["prove-entry", "1"])
            let old = try String(contentsOfFile: "\(first)/checkpoint", encoding: .utf8)
                .split(separator: "\n")[1]
            let consistency = try await Self.proof(
                site, "consistency", ["prove-consistency", String(old)])
            try await site.expectSuccess("audit", "export", second)
            await site.stop()

            // From here on nothing runs: files and the key of init.
            let verified = try await site.expectSuccess(
                "audit", "verify", second, "--older", "\(first)/checkpoint")
            #expect(verified.output.contains("intact"))
            let independent = try await Self.python([
                "--key", key, "--older", "\(first)/checkpoint", second,
            ])
            #expect(independent.status == 0, "\(independent.output)\(independent.errors)")
            #expect(independent.output.contains("3 keys, 1 of 1 older checkpoints fit"))
            // The first state, handed out as if it were today's, is refused by who kept the second.
            for (status, program) in [
                (
                    try await site.strm(
                        "audit", "verify", first, "--older", "\(second)/checkpoint"
                    ).status, "strm"
                ),
                (
                    try await Self.python([
                        "--key", key, "--older", "\(second)/checkpoint", first,
                    ]).status, "Python"
                ),
            ] { #expect(status == 1, "\(program)") }

            try await site.expectSuccess(
                "audit", "verify-proof", inclusion, "--export", second)
            try await site.expectSuccess(
                "audit", "verify-proof", consistency, "--export", second, "--older",
                "\(first)/checkpoint")
            let rotations = ["1", "2"].flatMap { ["--rotation", "\(second)/rotations/\($0)"] }
            for arguments in [
                ["--proof", inclusion],
                ["--update", consistency, "--older", "\(first)/checkpoint"],
            ] {
                let finished = try await Self.python(["--key", key] + rotations + arguments)
                #expect(finished.status == 0, "\(finished.output)\(finished.errors)")
            }
            // Without the proofs of the changes nothing leads from the first key to the one that
            // signed; the machine that changed the key knows both.
            let lost = try await site.strm("audit", "verify-proof", inclusion, "--key", key)
            #expect(lost.status == 1)
            #expect(lost.errors.contains("which does not follow from yours"))
            try await site.expectSuccess("audit", "verify-proof", inclusion)
            let bare = "\(site.scratch.path)/bare"
            try FileManager.default.copyItem(atPath: second, toPath: bare)
            try FileManager.default.removeItem(atPath: "\(bare)/rotations")
            let unproven = try await site.strm("audit", "verify", bare, "--key", key)
            #expect(unproven.status == 1)
            #expect(unproven.errors.contains("which does not follow from yours"))
            #expect(verified.output.contains("signed by"))
            try await Self.expectsKnowledge(site, first: first, bare: bare, key: key)
        }

        /// The machine that changed the key keeps the proofs, and a stranger's believes no export that
        /// brings its own key.
        private static func expectsKnowledge(
            _ site: Deployment, first: String, bare: String, key: String
        ) async throws {
            try await site.expectSuccess("audit", "verify", bare)
            let early = try await site.expectSuccess("audit", "verify", first, "--output", "json")
            #expect(try early.json()["intact"] as? Bool == true)
            #expect(try early.json()["changedSince"] is Int)
            #expect(try early.json()["keyFromExport"] as? Bool == false)
            #expect(early.errors.contains("from before it changed its key"))
            // The same without its proofs, as a file of an earlier release is: all keys must be there.
            let listed = "\(site.scratch.path)/keys"
            let newest = try String(contentsOfFile: "\(bare)/verifier-key", encoding: .utf8)
            try "\(key)\n\(newest)".write(toFile: listed, atomically: true, encoding: .utf8)
            let older = try await site.strm("audit", "verify", first, "--key", listed)
            #expect(older.status == 1)
            #expect(older.output.contains("no proof of a change of the key leads to it"))
            try FileManager.default.removeItem(atPath: "\(site.home)/credentials.json")
            let own = try await site.strm("audit", "verify", first, "--output", "json")
            #expect(own.status == 1)
            #expect(try own.json()["intact"] as? Bool == false)
            #expect(try own.json()["keyFromExport"] as? Bool == true)
            #expect(own.errors.contains("--trust-export-key"))
            try await site.expectSuccess("audit", "verify", first, "--trust-export-key")
        }

        @Test("Go's packages verify the export of a real server, and notice one changed byte")
        func go() async throws {
            let site = try Deployment()
            try await site.initialise()
            try await site.start()
            let first = "\(site.scratch.path)/first"
            let second = "\(site.scratch.path)/second"
            try await site.expectSuccess("audit", "export", first)
            // More than one full tile.
            for _ in 0..<300 { _ = try await site.token("administrator") }
            try await site.expectSuccess("audit", "export", second)
            await site.stop()
            let program = "\(site.scratch.path)/check_log"
            let source = "\(Tool.root)/Tests/AuditProofTests/Support/check_log/check_log.go"
            let built = try await Tool.run(
                "/usr/bin/env", ["go", "build", "-o", program, source],
                environment: [
                    "PATH": "/usr/local/go/bin:/usr/local/bin:/usr/bin:/bin", "GO111MODULE": "off",
                    "GOPATH": "/usr/share/gocode",
                    "GOCACHE": "\(Tool.root)/.build/go-cache",
                ], deadlineSeconds: 300)
            try #require(built.status == 0, "\(built.errors)")
            let arguments = ["-older", "\(first)/checkpoint", try Self.pinnedKey(site), second]
            let checked = try await Tool.run(program, arguments)
            #expect(checked.status == 0, "\(checked.output)\(checked.errors)")
            #expect(checked.output.contains("\"intact\":true"))
            let tile = URL(filePath: "\(second)/tile/entries/000")
            var bytes = try Data(contentsOf: tile)
            bytes[bytes.count - 2] ^= 1
            try bytes.write(to: tile)
            let changed = try await Tool.run(program, arguments)
            #expect(changed.status == 1, "\(changed.output)")
        }

        @Test(
            "an export is not written over one of another history, and what cannot be read is told")
        func exportOverFork() async throws {
            let site = try Deployment()
            let other = try Deployment()
            for some in [site, other] {
                try await some.initialise()
                try await some.start()
            }
            let export = "\(site.scratch.path)/export"
            try await other.expectSuccess("audit", "export", export)
            await other.stop()
            let before = try Data(contentsOf: URL(filePath: "\(export)/checkpoint"))
            let refused = try await site.strm("audit", "export", export)
            #expect(refused.status == 1)
            #expect(refused.errors.contains("fork") && refused.errors.contains("backup"))
            #expect(try Data(contentsOf: URL(filePath: "\(export)/checkpoint")) == before)
            let own = "\(site.scratch.path)/own"
            for _ in 0..<2 { try await site.expectSuccess("audit", "export", own) }
            let keys = try await site.expectSuccess("audit", "keys")
            #expect(keys.output.contains(try Self.pinnedKey(site)))
            let typo = try await site.strm("audit", "verify", "\(own)-typo")
            #expect(typo.status == 66)
            #expect(typo.errors.contains("own-typo"))
            let noKey = try await site.strm("audit", "verify", own, "--key", "no-such-file")
            #expect(noKey.status == 66)
            #expect(noKey.errors.contains("no file and no verifier key"))
            await site.stop()
        }

        private static func witnessed(_ site: Deployment) async throws -> [String: Any] {
            let token = try await site.token("administrator")
            let reply = try await Tool.run(
                "/usr/bin/curl",
                ["-sS", "-H", "authorization: Bearer \(token)", "\(site.url)/v1/audit/witnesses"])
            let items = try reply.json()["items"] as? [[String: Any]]
            return items?.first { $0["name"] as? String == "url" } ?? [:]
        }

        /// Asks until it holds.
        private static func waits(
            for site: Deployment, _ condition: ([String: Any]) -> Bool
        ) async throws -> [String: Any] {
            var item: [String: Any] = [:]
            for _ in 0..<600 {
                item = try await witnessed(site)
                if condition(item) { return item }
                try await Task.sleep(for: .milliseconds(50))
            }
            throw Unexpected("the witness: \(item)")
        }

        @Test("a witness cosigns a log that grows, and refuses its fork and its rolled-back copy")
        func witness() async throws {
            let site = try Deployment()
            try await site.initialise()
            let witness = try await Companion.start(
                "witness.py", ["\(site.scratch.path)/witness", try Self.pinnedKey(site)],
                in: site.scratch.path)
            let key = witness.greeting["key"] as? String ?? ""
            let settings = [
                "STRM_AUDIT_WITNESS_URL": witness.greeting["url"] as? String ?? "",
                "STRM_AUDIT_WITNESS_KEY": key, "STRM_AUDIT_WITNESS_PERIOD_SECONDS": "1",
                "STRM_AUDIT_WITNESS_ALLOW_INSECURE_ENDPOINT": "true",
                "STRM_AUDIT_WITNESS_ALLOW_PRIVATE_ADDRESSES": "true",
            ]
            try await site.start(environment: settings)
            let first = try await Self.waits(for: site) { $0["confirmedSize"] is Int }
            #expect(first["isVerified"] as? Bool == true)
            let metrics = try MetricsPage.read(port: site.port)
            #expect(metrics["strm_audit_outside_verified{kind=\"url\"}"] == 1)
            let age = try #require(
                metrics["strm_audit_outside_confirmation_age_seconds{kind=\"url\"}"])
            #expect(age < 60)
            let seen = try #require(first["confirmedSize"] as? Int)
            await site.stop()

            // Tomorrow's copy of the data directory, keys, watermark and all.
            let files = FileManager.default
            let copy = site.data + ".copy"
            try files.copyItem(atPath: site.data, toPath: copy)

            try await site.start(environment: settings)
            // The new key cosigned within the overlap, too: the witness knows the first one alone.
            try await site.expectSuccess("keys", "rotate-signing")
            let grown = try await Self.waits(for: site) {
                ($0["confirmedSize"] as? Int ?? 0) > seen + 2
            }
            let note = "\(site.scratch.path)/cosigned"
            try Data(((grown["checkpoint"] as? String) ?? "").utf8).write(to: URL(filePath: note))
            let export = "\(site.scratch.path)/export"
            try await site.expectSuccess("audit", "export", export)
            let checked = try await Self.python([
                "--key", try Self.pinnedKey(site), "--witness", key, "--older", note, export,
            ])
            #expect(checked.status == 0, "\(checked.output)\(checked.errors)")
            let last = try #require(try await Self.witnessed(site)["confirmedSize"] as? Int)
            await site.stop()

            try files.moveItem(atPath: site.data, toPath: site.data + ".real")
            try files.moveItem(atPath: copy, toPath: site.data)
            try await Self.expectFork(site, settings, seen: last)

            // The real log is still the one that the witness follows.
            try files.removeItem(atPath: site.data)
            try files.moveItem(atPath: site.data + ".real", toPath: site.data)
            try await site.start(environment: settings)
            _ = try await Self.waits(for: site) {
                $0["isOtherHistory"] as? Bool == false
                    && ($0["confirmedSize"] as? Int ?? 0) > last
            }
            await site.stop()
        }

        /// The data directory is older than what the witness saw, and then, grown longer, another
        /// log.
        private static func expectFork(
            _ site: Deployment, _ settings: [String: String], seen: Int
        ) async throws {
            try await site.start(environment: settings)
            let older = try await waits(for: site) { $0["isOtherHistory"] as? Bool == true }
            #expect((older["failure"] as? String)?.contains("it has seen") == true)
            // Each token is one entry more.
            for _ in 0..<(seen + 2) { _ = try await site.token("administrator") }
            let fork = try await waits(for: site) {
                ($0["failure"] as? String)?.contains("other first") == true
            }
            #expect(fork["isOtherHistory"] as? Bool == true)
            // Nothing is held back by it.
            let metrics = try await Tool.run("/usr/bin/curl", ["-sS", "\(site.url)/metrics"])
            #expect(metrics.output.contains("strm_audit_outside_other_history{kind=\"url\"} 1"))
            #expect(metrics.output.contains("strm_ready 1"))
            await site.stop()
            #expect(site.logs.contains("a place outside holds another audit log"))
        }
    }
}
