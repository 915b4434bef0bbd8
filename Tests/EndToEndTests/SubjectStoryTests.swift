import Foundation
import Testing

extension EndToEnd {
    /// A person writes to the company: first what do you know of me and who has it, then erase me.
    @Suite("A person's requests, from the letter to the receipt", .timeLimit(.minutes(4)))
    struct SubjectStory {
        private static let jane = "jane.SMCANARY@example.com"
        private static let joe = "joe.SMCANARY@example.com"
        @Test("links, access, erasure and receipt, with a reader and an exporter that had it")
        func story() async throws {
            let site = try Deployment()
            try await site.initialise()
            try await starts(site)
            try await prepares(site)
            let dpo = try await Person.with(["dpo"], at: site)
            try await isReceived(site)
            try await isAsked(dpo)
            let receipt = try await isErased(dpo, site)
            try await isProven(receipt, site)
            try await comesAgain(dpo, site)
            _ = await site.stop()
            #expect(!site.logs.contains("SMCANARY"))
            try leavesNothing(site)
        }

        private func starts(_ site: Deployment) async throws {
            try await site.start(environment: [
                "STRM_EXPORTS_DIRECTORY": "\(site.scratch.path)/buckets",
                "STRM_EXPORTS_INTERVAL_SECONDS_MIN": "1",
            ])
        }

        private func prepares(_ site: Deployment) async throws {
            try FileManager.default.createDirectory(
                atPath: "\(site.scratch.path)/buckets/lake", withIntermediateDirectories: true)
            try await Signup.prepare(site)
            for levels in ["1", "1,2"] {
                try await site.expectSuccess(
                    "create", "stream", "--derived-from", "signups", "--levels", levels,
                    "--approve")
            }
            try await site.expectSuccess(
                "create", "connector", "lake", "--type", "local", "--path", "lake")
            try await site.expectSuccess(
                "create", "batch-exporter", "signups-1-2", "--connector", "lake", "--name",
                "all", "--interval", "1")
            try await site.expectSuccess(
                "send", "signups",
                input: [
                    Signup.event("s1", Self.jane, "pro"), Signup.event("s2", Self.joe, "free"),
                    Signup.event("s1", Self.jane, "team"),
                    // A device that both use.
                    Signup.event("s3", Self.jane, "pro"), Signup.event("s3", Self.joe, "pro"),
                ].joined(separator: "\n"))
        }

        /// One reads the addresses, another takes everything to a bucket.
        private func isReceived(_ site: Deployment) async throws {
            let emails = try await site.events("signups-1").compactMap { $0["email"] as? String }
            #expect(emails == [Self.jane, Self.joe, Self.jane, Self.jane, Self.joe])
            let isDone = try await Wait.asking(seconds: 60) {
                let status = try await site.expectSuccess(
                    "get", "batch-exporter", "all", "--output", "json"
                ).json()
                return status["lagEvents"] as? Int == 0
            }
            #expect(isDone)
        }

        private func isAsked(_ dpo: Person) async throws {
            let links = try await dpo.expects(
                ["subject", "links", "--output", "json"], input: Self.jane + "\n"
            ).json()
            #expect((links["items"] as? [Any])?.count == 2)

            let held = try await dpo.expects("subject", "access", input: Self.jane).json()
            let events = try #require(held["events"] as? [[String: Any]])
            let plans = events.compactMap { ($0["event"] as? [String: Any])?["plan"] as? String }
            #expect(plans == ["pro", "team", "pro"])
            let counts = held["passedOver"] as? [String: Int]
            #expect(counts?["otherPeople"] == 1)
            #expect((held["purposes"] as? [Any])?.count == 3)
            #expect((held["consents"] as? [Any])?.count == 1)
            let told = held["recipients"] as? [String: Any]
            let recipients = try #require(told?["recipients"] as? [[String: Any]])
            #expect(
                Set(recipients.compactMap { $0["derivedStream"] as? String })
                    == ["signups-1", "signups-1-2"])
            let two = try await dpo.does(
                ["subject", "access"], input: Self.jane + "\n" + Self.joe + "\n")
            #expect(two.status == 66)
        }

        private func isErased(_ dpo: Person, _ site: Deployment) async throws -> String {
            let printed = try await dpo.expects(
                ["subject", "erase", "--reference", "case-17", "--now"], input: Self.jane
            ).output
            let file = "\(site.scratch.path)/receipt.json"
            try Data(printed.utf8).write(to: URL(filePath: file))
            for event in try await site.events("signups-1") {
                let email = event["email"] as? String ?? ""
                #expect(email == Self.joe || !email.contains("SMCANARY"))
            }
            // Joe's own session is open; on the device that they shared his event is lost too.
            let emails = try await site.events("signups-1").compactMap { $0["email"] as? String }
            #expect(emails.filter { $0 == Self.joe }.count == 1)
            let held = try await dpo.expects("subject", "access", input: Self.jane).json()
            #expect((held["events"] as? [Any])?.isEmpty == true)
            return file
        }

        /// By ours, and by a program that shares no code with it.
        private func isProven(_ receipt: String, _ site: Deployment) async throws {
            let exported = "\(site.scratch.path)/audit"
            try await site.expectSuccess("create", "client", "auditor")
            try await site.expectSuccess("audit", "export", exported)
            let key = "\(exported)/verifier-key"
            let ours = try await site.expectSuccess(
                "subject", "verify-receipt", receipt, "--key", key, "--output", "json"
            ).json()
            #expect(ours["isGenuine"] as? Bool == true)
            let told = try #require(ours["receipt"] as? [String: Any])
            // A default installation: the key file is in the keyring's directory, without an escrow.
            #expect(value(told, "custody", "masterKeyRenewed") as? Bool == true)
            #expect(told["reference"] as? String == "case-17")
            let recipients = (told["recipients"] as? [String: Any])?["items"]
            let items = try #require(recipients as? [[String: Any]])
            let exporter = try #require(items.first { $0["exporter"] as? String == "all" })
            let objects = exporter["objects"] as? [String] ?? []
            #expect(!objects.isEmpty)
            for object in objects {
                #expect(
                    FileManager.default.fileExists(
                        atPath: "\(site.scratch.path)/buckets/lake/\(object)"), "\(object)")
            }
            let reader = try #require(items.first { $0["derivedStream"] as? String == "signups-1" })
            #expect(reader["fields"] as? [String] == ["email"])
            #expect(reader["events"] as? Int == 4)
            #expect(items.contains { $0["act"] as? String == "subjectAccessed" })
            let destroyed = told["destroyed"] as? [String: Any]
            #expect(destroyed?["dataKeys"] as? Int == 2)
            #expect(destroyed?["sharedDataKeys"] as? Int == 1)

            let log = "\(site.scratch.path)/log"
            try await site.expectSuccess("audit", "export", log)
            let verifier = "\(Tool.root)/Examples/audit/verify_receipt.py"
            let theirs = try await Tool.run(
                Tool.python, [verifier, receipt, key, "--entries", log])
            #expect(theirs.status == 0, "\(theirs.output)\(theirs.errors)")
            #expect(theirs.output.contains("genuine"))
            #expect(theirs.output.contains("their tree and its signature"))
            try await isNotProven(receipt, key, verifier, site)
        }

        /// Neither takes a receipt in which a number was changed.
        private func isNotProven(
            _ receipt: String, _ key: String, _ verifier: String, _ site: Deployment
        ) async throws {
            let text = try String(contentsOfFile: receipt, encoding: .utf8)
            let forged = "\(site.scratch.path)/forged.json"
            let changed = text.replacingOccurrences(of: "\"dataKeys\":2", with: "\"dataKeys\":3")
            #expect(changed != text)
            try Data(changed.utf8).write(to: URL(filePath: forged))
            let ours = try await site.strm("subject", "verify-receipt", forged, "--key", key)
            #expect(ours.status == 1)
            #expect(ours.errors.contains("NOT GENUINE"))
            let theirs = try await Tool.run(Tool.python, [verifier, forged, key])
            #expect(theirs.status == 1)
            #expect(theirs.errors.hasPrefix("NOT GENUINE"))
            // Whoever wrote the file does not write the verdict.
            let escape = text.replacingOccurrences(
                of: "\u{2014} streammachine.dev/receipts ",
                with: "\u{2014} \\u001b[2K\\rgenuine\\u001b[8m ")
            #expect(escape != text)
            try Data(escape.utf8).write(to: URL(filePath: forged))
            for program in [
                try await Tool.run(Tool.python, [verifier, forged, key]),
                try await site.strm("subject", "verify-receipt", forged, "--key", key),
            ] {
                #expect(program.status == 1)
                #expect(!(program.output + program.errors).contains("\u{1B}"))
            }
        }

        private func comesAgain(_ dpo: Person, _ site: Deployment) async throws {
            let again = try await dpo.expects(["subject", "erase", "--now"], input: Self.jane)
            #expect(again.output.contains("case-17"))
            try await site.expectSuccess(
                "send", "signups", input: Signup.event("s1", Self.jane, "new"))
            let emails = try await site.events("signups-1").compactMap { $0["email"] as? String }
            #expect(emails.last == Self.jane)
            #expect(emails.filter { $0 == Self.jane }.count == 1)

            try await dpo.expects(["subject", "erase", "--fence"], input: Self.jane)
            let refused = try await site.strm(
                "send", "signups", input: Signup.event("s1", Self.jane, "newer"))
            #expect(refused.status != 0)
            let told = refused.output + refused.errors
            #expect(told.contains("fence") && !told.contains("SMCANARY"))
            let listed = try await dpo.reads("subject", "erasures")
            #expect((listed["items"] as? [Any])?.count == 2)
            let lifted = try await dpo.expects(["subject", "lift-fence"], input: Self.jane)
            #expect(lifted.output.contains("signups"))
        }

        /// Neither the keyring's directory, where ledger and receipts lie, nor anything else but the
        /// bucket names a person.
        private func leavesNothing(_ site: Deployment) throws {
            let mark = Data("SMCANARY".utf8)
            let files = FileManager.default.enumerator(atPath: site.data)
            var count = 0
            while let name = files?.nextObject() as? String {
                guard let content = FileManager.default.contents(atPath: "\(site.data)/\(name)")
                else { continue }
                count += 1
                #expect(content.range(of: mark) == nil, "\(name)")
            }
            #expect(count > 5)
        }
    }
}
