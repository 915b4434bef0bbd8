import Foundation
import Testing

extension EndToEnd {
    @Suite("The whole story, by the command line", .timeLimit(.minutes(4)))
    struct WholeStory {
        @Test("from init to audit verify: events go in, only what may be read comes out")
        func wholeStory() async throws {
            let site = try await Deployment.withDemo()

            // The same seed gives the events that simulate sends: what was sent, in clear.
            let sent = try await site.expectSuccess(
                "simulate", "--dry-run", "--count", "300", "--seed", "11")
            let simulated = try await site.expectSuccess(
                "simulate", "demo", "--rate", "0", "--count", "300", "--seed", "11", "--output",
                "json")
            #expect(try simulated.json()["stored"] as? Int == 300)
            let plain = try sent.lines.map {
                try JSONSerialization.jsonObject(with: Data($0.utf8)) as? [String: Any] ?? [:]
            }

            let sealed = try await site.events("demo")
            #expect(sealed.count == 300)
            for event in sealed {
                #expect(isSealed(value(event, "producerSessionId")))
                #expect(isSealed(value(event, "customer", "email")))
            }

            let opened = try await site.events("demo-1")
            let consenting = plain.filter { consent($0).contains(1) }
            #expect(!consenting.isEmpty && consenting.count < 300)
            #expect(opened.count == consenting.count)
            let sessionsSent = consenting.compactMap { value($0, "producerSessionId") as? String }
            let sessionsRead = opened.compactMap { value($0, "producerSessionId") as? String }
            #expect(sessionsSent.sorted() == sessionsRead.sorted())
            for event in opened {
                #expect(isSealed(value(event, "customer", "email")))
            }

            try await auditTells(site, released: opened.count)
        }

        private func consent(_ event: [String: Any]) -> [Int] {
            value(event, "strmMeta", "consentLevels") as? [Int] ?? []
        }

        /// The audit log names the release; it exports, verifies, and a changed byte shows.
        private func auditTells(_ site: Deployment, released: Int) async throws {
            try await site.expectSuccess("create", "client", "auditor")
            let listed = try await site.expectSuccess(
                "audit", "list", "--act", "release", "--derived-stream", "demo-1", "--output",
                "json")
            let entries = try listed.json()["items"] as? [[String: Any]] ?? []
            let reader = try site.credential("demo-1")
            #expect(entries.allSatisfy { $0["client"] as? String == reader.id })
            #expect(entries.compactMap { $0["events"] as? Int }.reduce(0, +) == released)
            #expect(entries.allSatisfy { ($0["fields"] as? [String]) == ["producerSessionId"] })

            let export = "\(site.scratch.path)/audit"
            try await site.expectSuccess("audit", "export", export)
            await site.stop()  // verify asks nothing of the server
            let verified = try await site.expectSuccess(
                "audit", "verify", export, "--output", "json")
            #expect(try verified.json()["intact"] as? Bool == true)

            let entriesFile = try firstEntriesFile(export)
            var bytes = try Data(contentsOf: URL(filePath: entriesFile))
            bytes[bytes.count / 2] ^= 1
            try bytes.write(to: URL(filePath: entriesFile))
            let tampered = try await site.strm("audit", "verify", export, "--output", "json")
            #expect(tampered.status == 1)
            #expect(try tampered.json()["intact"] as? Bool == false)
        }

        private func firstEntriesFile(_ export: String) throws -> String {
            let root = "\(export)/tile/entries"
            let names = FileManager.default.enumerator(atPath: root)?.compactMap { $0 as? String }
            for name in (names ?? []).sorted() {
                var isDirectory: ObjCBool = false
                let path = "\(root)/\(name)"
                if FileManager.default.fileExists(atPath: path, isDirectory: &isDirectory),
                    !isDirectory.boolValue
                {
                    return path
                }
            }
            throw Unexpected("no entries were exported")
        }

        @Test("events survive a graceful stop, and the audit log grows on from where it was")
        func survivesRestart() async throws {
            let site = try await Deployment.withDemo()
            try await site.expectSuccess("simulate", "demo", "--rate", "0", "--count", "50")
            let before = "\(site.scratch.path)/before"
            try await site.expectSuccess("audit", "export", before)
            #expect(await site.stop() == 0)
            try await site.start()
            #expect(try await site.events("demo").count == 50)
            let after = "\(site.scratch.path)/after"
            try await site.expectSuccess("audit", "export", after)
            let verified = try await site.expectSuccess(
                "audit", "verify", after, "--older", "\(before)/checkpoint", "--output", "json")
            #expect((try verified.json()["consistentSizes"] as? [Int])?.count == 1)
        }

        @Test("listen follows by long-poll and by WebSocket until its limit")
        func follows() async throws {
            let site = try await Deployment.withDemo()
            let readers = try [[], ["--web-socket"]].map { extra in
                try Running(
                    Tool.strm, ["listen", "demo-1", "--from", "0", "--limit", "40"] + extra,
                    environment: site.environment, in: site.scratch.path)
            }
            try await site.expectSuccess(
                "simulate", "demo", "--rate", "0", "--count", "40", "--consent", "0-1:1")
            for reader in readers {
                #expect(await reader.waitForExit(seconds: 30) == 0)
                #expect(reader.output.split(separator: "\n").count == 40)
            }
        }

        @Test("a named consumer goes on from its committed place")
        func consumerGoesOn() async throws {
            let site = try await Deployment.withDemo()
            try await site.expectSuccess("simulate", "demo", "--rate", "0", "--count", "30")
            let first = try await site.expectSuccess(
                "listen", "demo", "--consumer", "c", "--from", "0", "--limit", "10")
            let second = try await site.expectSuccess(
                "listen", "demo", "--consumer", "c", "--no-follow")
            #expect(first.lines.count == 10)
            #expect(second.lines.count == 20)
            #expect(Set(first.lines).isDisjoint(with: second.lines))
        }

        @Test(
            "send tells each refused line and why, never its value; the rest is stored"
        )
        func refusals() async throws {
            let site = try await Deployment.withDemo()
            var lines = try await site.expectSuccess(
                "simulate", "--dry-run", "--count", "5", "--seed", "3"
            ).lines
            lines[2] = lines[2].replacing("https://", with: "ftp://SMCANARY")
            let sent = try await site.strm(
                "send", "demo", input: lines.joined(separator: "\n") + "\n")
            #expect(sent.status == 1)
            #expect(sent.output.contains("4 stored, 1 refused"))
            #expect(sent.errors.contains("line 3"))
            #expect(sent.errors.contains("/url"))
            #expect(!sent.errors.contains("SMCANARY"))
            #expect(try await site.events("demo").count == 4)
        }
    }
}
