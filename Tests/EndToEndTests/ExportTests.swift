import Foundation
import Testing

extension EndToEnd {
    @Suite("Exports to buckets", .timeLimit(.minutes(5)))
    struct Exports {
        private func event(_ number: Int, consent: String) -> String {
            """
            {"strmMeta":{"eventContractRef":"example/clickstream/1.0.0",\
            "consentLevels":[\(consent)]},\
            "producerSessionId":"visit-\(number % 7)",\
            "url":"https://shop.example.com/\(number)","eventType":"page_view",\
            "referrer":"","userAgent":"x","conversion":0,\
            "customer":{"email":"ada.\(number)@example.com","country":"NL"},"abTests":[]}
            """
        }

        private func send(
            _ numbers: Range<Int>, consent: String = "0,1", to site: ExportSite
        ) async throws {
            let lines = numbers.map { event($0, consent: consent) }
            try await site.deployment.expectSuccess(
                "send", "demo", input: lines.joined(separator: "\n"))
        }

        /// With the connector `lake`.
        private func withConnector() async throws -> ExportSite {
            let site = try await ExportSite.start()
            let made = try await site.connects("lake", as: site.store.writer)
            #expect(made.status == 0, "\(made.errors)")
            return site
        }

        private func batches(_ site: ExportSite, _ exporter: String) async throws -> Int {
            try await site.status(exporter)["batches"] as? Int ?? -1
        }

        private func events(_ path: String) throws -> [[String: Any]] {
            let text = try String(contentsOfFile: path, encoding: .utf8)
            return try text.split(separator: "\n").map { line in
                let event = try JSONSerialization.jsonObject(with: Data(line.utf8))
                guard let event = event as? [String: Any] else { throw Unexpected("no object") }
                return event
            }
        }

        @Test("the checker of exports notices 29 kinds of damage")
        func checkerCanFail() async throws {
            let tested = try await ExportChecker.run(["--self-test"])
            #expect(tested.status == 0, "\(tested.output)\(tested.errors)")
            #expect(tested.output.contains("\"damages\": 29"))
        }

        @Test("files hold each event once: sealed of a stream, open of a derived stream, on record")
        func story() async throws {
            let site = try await withConnector()
            try await site.exports(
                "demo", to: "lake", "--name", "all", "--path-prefix", "team", "--compress", "gzip")
            try await site.exports(
                "demo-1", to: "lake", "--name", "open", "--path-prefix", "team", "--compress",
                "zstd")
            let example = "\(Tool.root)/Examples/events/clickstream.json"
            try await site.deployment.expectSuccess("send", "demo", example)
            // Three waves, so that there are several files; every other event has no consent.
            for wave in 0..<3 {
                let first = wave * 100
                try await send(first..<first + 50, to: site)
                try await send(first + 50..<first + 100, consent: "0", to: site)
                try await site.catchesUp("all", "open")
            }

            let sealed = "\(site.deployment.scratch.path)/sealed"
            let opened = "\(site.deployment.scratch.path)/opened"
            for (stream, exporter, lines) in [("demo", "all", sealed), ("demo-1", "open", opened)] {
                let checked = try await site.checks(
                    stream, exporter: exporter,
                    ["--prefix", "team", "--no-unfinished-uploads", "--lines", lines])
                #expect(checked.status == 0, "\(checked.errors)")
                let status = try await site.status(exporter)
                let summary = try checked.json()
                for count in ["batches", "events", "bytes"] {
                    #expect(summary[count] as? Int == status[count] as? Int)
                }
                #expect(summary["batches"] as? Int ?? 0 >= 3)
                #expect(status["state"] as? String == "running")
            }
            let all = try events(sealed)
            #expect(all.count == 301)
            for event in all {
                #expect(isSealed(value(event, "producerSessionId")))
                #expect(isSealed(value(event, "customer", "email")))
            }
            let open = try events(opened)
            #expect(open.count == 151)
            for event in open {
                let session = value(event, "producerSessionId") as? String
                #expect(session?.hasPrefix("visit-") == true)
                #expect(isSealed(value(event, "customer", "email")))
            }
            try await auditTells(site)
        }

        /// Of each file an entry that names it; of the derived stream's also the releases.
        private func auditTells(_ site: ExportSite) async throws {
            try await site.deployment.expectSuccess("create", "client", "auditor")
            let releases = try await site.audit("release", "--client", "exporter:open")
            #expect(releases.compactMap { $0["events"] as? Int }.reduce(0, +) == 151)
            #expect(
                releases.allSatisfy {
                    $0["derivedStream"] as? String == "demo-1"
                        && $0["fields"] as? [String] == ["producerSessionId"]
                })
            #expect(try await site.audit("release", "--client", "exporter:all").isEmpty)
            for exporter in ["all", "open"] {
                let status = try await site.status(exporter)
                let entries = try await site.audit(
                    "batchExported", "--client", "exporter:\(exporter)")
                #expect(entries.count == status["batches"] as? Int)
                let objects = entries.compactMap { value($0, "detail", "object") as? String }
                #expect(Set(objects).count == entries.count)
                #expect(objects.contains(status["lastObject"] as? String ?? "none"))
            }
            let export = "\(site.deployment.scratch.path)/audit"
            try await site.deployment.expectSuccess("audit", "export", export)
            try await site.deployment.expectSuccess("audit", "verify", export)
        }

        @Test("only what comes after an exporter is exported, unless it is told to take the rest")
        func existingEvents() async throws {
            let site = try await withConnector()
            try await send(0..<20, to: site)
            try await site.exports("demo", to: "lake", "--name", "new", "--path-prefix", "new")
            try await site.exports(
                "demo", to: "lake", "--name", "whole", "--path-prefix", "whole",
                "--include-existing-events")
            try await send(20..<30, to: site)
            try await site.catchesUp("new", "whole")
            let whole = try await site.checks("demo", exporter: "whole", ["--prefix", "whole"])
            #expect(whole.status == 0, "\(whole.errors)")
            let new = try await site.checks(exporter: "new", ["--prefix", "new"])
            #expect(new.status == 0, "\(new.errors)")
            #expect(try new.json()["events"] as? Int == 10)
        }

        @Test("events without consent leave nothing in the bucket of a derived stream")
        func nothingWithoutConsent() async throws {
            let site = try await withConnector()
            try await site.exports("demo-1", to: "lake", "--name", "open")
            try await send(0..<40, consent: "0", to: site)
            try await site.catchesUp("open")
            let status = try await site.status("open")
            #expect(status["batches"] as? Int == 0)
            #expect(status["nextOffsets"] as? [Int] == [40])
            let checked = try await site.checks("demo-1", exporter: "open")
            #expect(checked.status == 0, "\(checked.errors)")
            #expect(try checked.json()["batches"] as? Int == 0)
        }

        @Test("a bucket that cannot be used is refused, and what is missing is named")
        func refusedConnectors() async throws {
            let site = try await ExportSite.start(hasDemo: false)
            let store = site.store
            let mayNot = try await site.connects("watched", as: store.watcher)
            #expect(mayNot.status != 0)
            #expect(mayNot.errors.contains("s3:PutObject"))

            let wrong = S3Store.User(id: store.writer.id, secret: "not-the-secret-of-anybody")
            let unknown = try await site.connects("wrong", as: wrong)
            #expect(unknown.status != 0)
            #expect(unknown.errors.contains("the credentials are refused"))
            #expect(!unknown.errors.contains(wrong.secret))

            let nobody = try FreePort.pick()
            let unreachable = try await site.connects("far", as: store.writer, port: nobody)
            #expect(unreachable.status != 0)
            #expect(unreachable.errors.contains("cannot be reached"))

            let listed = try await site.deployment.expectSuccess(
                "list", "connectors", "--output", "json")
            #expect((try listed.json()["items"] as? [Any])?.isEmpty == true)
        }

        @Test("without the operator's leave no connector reaches the loopback, nor http")
        func endpointsAreGuarded() async throws {
            let site = try await ExportSite.start(hasDemo: false)
            await site.deployment.stop()
            try await site.deployment.start()
            let plain = try await site.connects("lake", as: site.store.writer)
            #expect(plain.status != 0)
            #expect(plain.errors.contains("the endpoint is refused"))
            await site.deployment.stop()
            try await site.deployment.start(
                environment: ["STRM_EXPORTS_ALLOW_INSECURE_ENDPOINTS": "true"])
            let loopback = try await site.connects("lake", as: site.store.writer)
            #expect(loopback.status != 0)
            #expect(loopback.errors.contains("the endpoint is refused"))
        }

        @Test("a role is assumed: what its user may not do itself, the connector may")
        func assumedRole() async throws {
            let site = try await ExportSite.start()
            let store = site.store
            let alone = try await site.connects("alone", as: store.traveller)
            #expect(alone.errors.contains("s3:PutObject"))
            let role = [
                "--role-arn", store.roleARN, "--sts-endpoint", "http://127.0.0.1:\(store.port)",
                "--external-id",
            ]
            let wrong = try await site.connects("wrong", as: store.traveller, role + ["another"])
            #expect(wrong.status != 0)
            #expect(wrong.errors.contains("sts:AssumeRole"))
            let made = try await site.connects(
                "lake", as: store.traveller, role + [store.externalID])
            #expect(made.status == 0, "\(made.errors)")
            try await site.exports("demo", to: "lake", "--name", "all")
            try await send(0..<10, to: site)
            try await site.catchesUp("all")
            let checked = try await site.checks("demo", exporter: "all")
            #expect(checked.status == 0, "\(checked.errors)")
        }

        @Test("pause stops an exporter, resume goes on where it stopped, delete ends it")
        func pauseResumeDelete() async throws {
            let site = try await withConnector()
            // One that runs all the time shows that time enough has passed for the other.
            try await site.exports("demo", to: "lake", "--name", "clock", "--path-prefix", "clock")
            try await site.exports("demo", to: "lake", "--name", "all", "--path-prefix", "all")
            try await send(0..<10, to: site)
            try await site.catchesUp("all", "clock")
            try await site.deployment.expectSuccess("pause", "batch-exporter", "all")
            let before = try await batches(site, "all")
            for wave in 1...2 {
                try await send(wave * 10..<wave * 10 + 10, to: site)
                try await site.catchesUp("clock")
            }
            let paused = try await site.status("all")
            #expect(paused["state"] as? String == "paused")
            #expect(paused["lagEvents"] as? Int == 20)
            #expect(paused["batches"] as? Int == before)

            try await site.deployment.expectSuccess("resume", "batch-exporter", "all")
            try await site.catchesUp("all")
            let whole = try await site.checks("demo", exporter: "all", ["--prefix", "all"])
            #expect(whole.status == 0, "\(whole.errors)")

            let used = try await site.deployment.strm("delete", "connector", "lake")
            #expect(used.status == 1)
            #expect(used.errors.contains("all") && used.errors.contains("clock"))
            try await site.deployment.expectSuccess("delete", "batch-exporter", "all")
            for wave in 3...4 {
                try await send(wave * 10..<wave * 10 + 10, to: site)
                try await site.catchesUp("clock")
            }
            #expect(try await site.deployment.strm("get", "batch-exporter", "all").status == 1)
            let ended = try await site.checks(exporter: "clock", ["--prefix", "all"])
            #expect(ended.status == 0, "\(ended.errors)")
            #expect(try ended.json()["events"] as? Int == 30)
            try await site.deployment.expectSuccess("delete", "batch-exporter", "clock")
            try await site.deployment.expectSuccess("delete", "connector", "lake")
        }

        @Test(
            "a Google bucket with HMAC keys is written by requests that are signed as S3 has them")
        func hmacKeys() async throws {
            let site = try await ExportSite.start()
            let secret = try site.file("hmac", site.store.writer.secret + "\n")
            let arguments = [
                "create", "connector", "lake", "--type", "gcs", "--bucket", "orders", "--endpoint",
                "http://127.0.0.1:\(site.store.port)", "--secret-access-key-file", secret,
                "--access-key-id",
            ]
            let refused = try await site.deployment.strm(arguments + ["AKIAUNKNOWN"])
            #expect(refused.status == 1)
            #expect(refused.errors.contains("the credentials are refused"), "\(refused.errors)")
            try await site.deployment.expectSuccess(arguments + [site.store.writer.id])
            try await site.exports("demo", to: "lake", "--name", "all", "--compress", "gzip")
            try await send(0..<10, to: site)
            try await site.catchesUp("all")
            let checked = try await site.checks("demo", exporter: "all")
            #expect(checked.status == 0, "\(checked.errors)")
        }

        @Test("credentials are replaced while exporters run: only by some that work")
        func rotates() async throws {
            let site = try await withConnector()
            try await site.exports("demo", to: "lake", "--name", "all")
            try await send(0..<10, to: site)
            try await site.catchesUp("all")
            func rotate(_ user: S3Store.User) async throws -> Finished {
                let file = try site.file("secret-\(user.id)", user.secret + "\n")
                return try await site.deployment.strm([
                    "rotate", "connector", "lake", "--access-key-id", user.id,
                    "--secret-access-key-file", file,
                ])
            }
            let refused = try await rotate(site.store.watcher)
            #expect(refused.status == 1)
            #expect(refused.errors.contains("s3:PutObject"))
            try await site.deployment.expectSuccess("test", "connector", "lake")
            let taken = try await rotate(site.store.admin)
            #expect(taken.status == 0, "\(taken.errors)")
            try await send(10..<20, to: site)
            try await site.catchesUp("all")
            let whole = try await site.checks("demo", exporter: "all")
            #expect(whole.status == 0, "\(whole.errors)")
        }

        @Test("a secret is shown by no command, and lies in no file of the data directory or log")
        func secretsStaySecret() async throws {
            let site = try await withConnector()
            try await site.exports("demo", to: "lake", "--name", "all")
            try await send(0..<10, to: site)
            try await site.catchesUp("all")
            // JSON may escape a slash: the longest part without one is looked for.
            let secret = site.store.writer.secret
            let part = secret.split(separator: "/").max { $0.count < $1.count } ?? ""
            #expect(part.count >= 8)
            let commands = [
                ["get", "connector", "lake"], ["get", "connector", "lake", "--output", "json"],
                ["list", "connectors", "--output", "json"], ["test", "connector", "lake"],
                ["get", "batch-exporter", "all", "--output", "json"],
            ]
            for command in commands {
                let shown = try await site.deployment.expectSuccess(command)
                #expect(!(shown.output + shown.errors).contains(part))
            }
            let shown = try await site.deployment.expectSuccess(
                "get", "connector", "lake", "--output", "json")
            #expect(try shown.json()["credentials"] as? String == "access-key")

            let export = "\(site.deployment.scratch.path)/audit"
            try await site.deployment.expectSuccess("audit", "export", export)
            await site.deployment.stop()
            let data = site.deployment.data
            let search = ["-raobF", "-e", String(part)]
            for place in [data, export] {
                let found = try await Tool.run("/bin/grep", search + [place])
                #expect(found.status == 1, "found in \(place)")
            }
            #expect(!site.deployment.logs.contains(part))
            #expect(!site.deployment.logs.isEmpty)
            // The search can find: the same word in a file of the same place.
            try Data(part.utf8).write(to: URL(filePath: "\(data)/control"))
            #expect(try await Tool.run("/bin/grep", search + [data]).status == 0)
        }

        @Test("a local directory is refused unless the operator has set exports.directory")
        func localDirectory() async throws {
            let site = try await ExportSite.start()
            let make = ["create", "connector", "disk", "--type", "local", "--path", "team/orders"]
            let refused = try await site.deployment.strm(make)
            #expect(refused.status != 0)
            #expect(refused.errors.contains("exports.directory"))

            let directory = "\(site.deployment.scratch.path)/exports"
            try FileManager.default.createDirectory(
                atPath: directory, withIntermediateDirectories: false)
            await site.deployment.stop()
            try await site.startServer(["STRM_EXPORTS_DIRECTORY": directory])
            try await site.deployment.expectSuccess(make)
            try await site.exports("demo", to: "disk", "--name", "all", "--compress", "zstd")
            for wave in 0..<2 {
                try await send(wave * 10..<wave * 10 + 10, to: site)
                try await site.catchesUp("all")
            }
            let key = try await site.status("all")["manifestKey"] as? String ?? ""
            let read = try await site.deployment.expectSuccess(
                "listen", "demo", "--from", "0", "--no-follow")
            let checked = try await ExportChecker.run([
                "--key", key, "--directory", "\(directory)/team/orders", "--stream", "demo",
                "--expected", try site.file("expected", read.output),
            ])
            #expect(checked.status == 0, "\(checked.errors)")
            #expect(try checked.json()["batches"] as? Int ?? 0 >= 2)
        }

        @Test("keys leave only if a data protection officer has allowed it, and that is on record")
        func keys() async throws {
            let site = try await withConnector()
            let make = [
                "create", "batch-exporter", "demo", "--connector", "lake", "--name", "keyed",
                "--interval", "1", "--include-keys",
            ]
            let refused = try await site.deployment.strm(make)
            #expect(refused.status != 0)
            #expect(refused.errors.contains("data protection officer"))
            try await site.deployment.expectSuccess("create", "client", "dpo")
            try await site.deployment.expectSuccess("allow", "key-export", "demo")
            try await site.deployment.expectSuccess(make)
            try await send(0..<20, to: site)
            try await site.catchesUp("keyed")
            let checked = try await site.checks("demo", exporter: "keyed")
            #expect(checked.status == 0, "\(checked.errors)")
            #expect(try checked.json()["keys"] as? Int == 7)
            let handed = try await site.audit("keysExported")
            #expect(handed.compactMap { $0["keyLinks"] as? Int }.reduce(0, +) >= 7)

            try await site.deployment.expectSuccess("forbid", "key-export", "demo")
            try await send(20..<30, to: site)
            let isFailing = try await Wait.asking(seconds: 30) {
                try await site.status("keyed")["state"] as? String == "failing"
            }
            #expect(isFailing)
        }

        @Test("the example opens what its keys allow, counts sessions, and draws them")
        func example() async throws {
            let site = try await ExportSite.start()
            let root = "\(site.deployment.scratch.path)/exports"
            try FileManager.default.createDirectory(
                atPath: root, withIntermediateDirectories: false)
            await site.deployment.stop()
            try await site.startServer(["STRM_EXPORTS_DIRECTORY": root])
            try await site.deployment.expectSuccess(
                "create", "connector", "disk", "--type", "local", "--path", "a")
            try await site.deployment.expectSuccess("create", "client", "dpo")
            try await site.deployment.expectSuccess("allow", "key-export", "demo")
            try await site.exports("demo", to: "disk", "--name", "keyed", "--include-keys")
            try await send(0..<30, to: site)
            try await site.catchesUp("keyed")
            let key = try await site.status("keyed")["manifestKey"] as? String ?? ""
            let (events, chart) = ("\(root)/events.jsonl", "\(root)/sessions.png")
            let opened = try await Tool.run(
                Tool.python,
                [
                    "\(Tool.root)/Examples/exports/open_bucket.py", "\(root)/a", "--field",
                    "customer/email", "--field", "producerSessionId", "--manifest-key", key,
                    "--chart", chart, "--events", events,
                ], environment: Companion.environment.merging(["MPLCONFIGDIR": root]) { $1 })
            #expect(opened.status == 0, "\(opened.errors)")
            #expect(opened.output.contains("30 events"), "\(opened.output)")
            #expect(opened.output.contains("60 opened, 0 sealed, 0 plain, 0 damaged"))
            let text = try String(contentsOfFile: events, encoding: .utf8)
            #expect(text.contains("ada.29@example.com") && text.contains("\"visit-6\""))
            let image = try Data(contentsOf: URL(filePath: chart))
            #expect(image.starts(with: [0x89, 0x50, 0x4E, 0x47]))
        }
    }
}
