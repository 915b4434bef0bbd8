import Foundation
import Testing

extension EndToEnd {
    /// An author, a data protection officer and a sender, each with a machine and credentials of
    /// their own, from the first draft to the second version of a contract.
    @Suite("A contract's life, as three people", .timeLimit(.minutes(4)))
    struct LifeCycleStory {
        private static let ref = "shop/signup/1.0.0"

        private static func contract(
            version: String = "1.0.0", planSealing: String = "deterministic", age: Int = 16,
            emailLevel: Int = 1
        ) -> String {
            """
            ref: {handle: shop, name: signup, version: \(version)}
            keyField: session
            dataSubjectField: email
            fieldMetadata:
              - fieldName: email
                personalDataConfig: {isPii: true, isQuasiId: false, purposeLevel: \(emailLevel)}
              - fieldName: plan
                personalDataConfig:
                  {isPii: true, isQuasiId: false, purposeLevel: 1, sealing: \(planSealing)}
            validations:
              - {id: email-form, field: email, type: format, value: email,
                 message: An address like name@example.com.}
              - {id: plan-known, field: plan, type: enum, values: [free, pro]}
              - {id: age-range, field: age, type: range, min: \(age), message: Sixteen or older.}
            schema:
              ref: {handle: shop, name: signup, version: \(version), schemaType: SIMPLE}
              definition:
                name: Signup
                nodes:
                  - {type: STRING, name: session, required: true}
                  - {type: STRING, name: email, required: true}
                  - {type: STRING, name: plan, required: true}
                  - {type: INTEGER, name: age}
            """
        }

        private static func event(
            _ number: Int, email: String? = nil, plan: String = "pro", age: Int = 30,
            levels: String = "1", version: String = "1.0.0"
        ) -> String {
            """
            {"strmMeta":{"eventContractRef":"shop/signup/\(version)","consentLevels":[\(levels)]},\
            "session":"s-\(number)","email":"\(email ?? "jane.\(number)@example.com")",\
            "plan":"\(plan)","age":\(age)}
            """
        }

        @Test("written, rejected, mended, approved, active, compared, replaced and archived")
        func story() async throws {
            let site = try Deployment()
            try await site.expectSuccess("init", "--data", site.data)
            try await site.start()
            try await site.expectSuccess("create", "stream", "signups")
            let author = try await Person.with(["author"], at: site)
            let dpo = try await Person.with(["dpo"], at: site)
            let sender = try await Person.with(["sender"], scope: "signups", at: site)
            let file = "\(site.scratch.path)/signup.yaml"

            try await writes(author, dpo, file)
            try await isReviewed(author, dpo, sender, file)
            try await sends(sender, file)
            try await reads(author, dpo)
            try await isReplaced(author, dpo, sender, file)
            try await isOnRecord(site)
        }

        /// The author needs a purpose for the level, which the officer gives.
        private func writes(_ author: Person, _ dpo: Person, _ file: String) async throws {
            try Data(Self.contract().utf8).write(to: URL(filePath: file))
            let unmapped = try await author.does("create", "contract", file)
            #expect(unmapped.status == 1)
            #expect(unmapped.errors.contains("Level 1 is not in the purpose map"))
            #expect(try await author.does(["set", "purpose", "1"] + Self.purpose).status == 77)
            try await dpo.expects(["set", "purpose", "1"] + Self.purpose)

            let tried = try await author.reads("create", "contract", file, "--dry-run")
            let translation = tried["translation"] as? [String: Any]
            #expect(translation?["type"] as? String == "record")
            #expect(try await author.does("get", "contract", Self.ref).status == 1)
            try await author.expects("create", "contract", file)
        }

        private static let purpose = [
            "--name", "Accounts", "--description", "Managing accounts", "--legal-basis",
            "contract", "--owner", "Customer care",
        ]

        /// The officer sees a warning, rejects, and approves what the author makes of it.
        private func isReviewed(
            _ author: Person, _ dpo: Person, _ sender: Person, _ file: String
        ) async throws {
            #expect(try await author.does("approve", "contract", Self.ref).status == 77)
            #expect(try await dpo.does("approve", "contract", Self.ref).status == 1)
            let asked = try await author.reads("review", "contract", Self.ref)
            #expect(asked["state"] as? String == "inReview")
            let early = try await sender.does("send", "signups", input: Self.event(1))
            #expect(early.status == 1)
            #expect(early.errors.contains("an active contract"))

            let shown = try await dpo.reads("get", "contract", Self.ref)
            let warnings = shown["warnings"] as? [[String: Any]]
            #expect(warnings?.compactMap { $0["rule"] as? String } == ["frequency-leak"])
            let reason = "Seal the plan randomly."
            try await dpo.expects("reject", "contract", Self.ref, "--reason", reason)
            let draft = try await author.reads("get", "contract", Self.ref)
            #expect(draft["state"] as? String == "draft")
            #expect((draft["approval"] as? [String: Any])?["reason"] as? String == reason)

            try Data(Self.contract(planSealing: "random").utf8).write(to: URL(filePath: file))
            try await author.expects("update", "contract", file, Self.ref)
            let again = try await author.reads("review", "contract", Self.ref)
            #expect((again["warnings"] as? [Any])?.isEmpty == true)
            try await dpo.expects("approve", "contract", Self.ref)
            try await author.expects("activate", "contract", Self.ref)
            #expect(try await author.does("update", "contract", file, Self.ref).status == 1)
        }

        /// The sender learns what is wrong before, and when, it is sent.
        private func sends(_ sender: Person, _ file: String) async throws {
            let events = (0..<20).map { Self.event($0 % 4, levels: $0 < 15 ? "1" : "") }
            let bad = [
                Self.event(20, email: "nowhere"), Self.event(21, plan: "gold"),
                Self.event(22, age: 15), Self.event(23, levels: "1,2"),
            ]
            let lines = (events + bad).joined(separator: "\n")
            let offline = try await sender.does("validate", "-", "--contract", file, input: lines)
            #expect(offline.status == 1)
            let dry = try await sender.does("send", "signups", "--dry-run", input: lines)
            #expect(dry.status == 1)
            #expect(try await sender.does("send", "signups", input: lines).status == 1)
            for finished in [offline, dry] {
                let told = finished.output + finished.errors
                for word in ["email-form", "plan-known", "age-range", "Sixteen or older."] {
                    #expect(told.contains(word), "\(word): \(told)")
                }
                #expect(!told.contains("nowhere") && !told.contains("gold"))
            }
            let counts = try await sender.reads("rejections", "signups")
            let rows = counts["items"] as? [[String: Any]] ?? []
            let rules = Set(
                rows.compactMap { $0["ruleId"] as? String ?? $0["rule"] as? String })
            #expect(
                rules.isSuperset(of: ["email-form", "plan-known", "age-range", "purpose"]))
            let places = rows.compactMap { $0["place"] as? String }
            #expect(places.contains("/email") && places.contains("/age"))
        }

        /// The author asks for a view; the officer looks at what it would hand out, and decides.
        private func reads(_ author: Person, _ dpo: Person) async throws {
            let made = try await author.reads(
                "create", "stream", "--derived-from", "signups", "--levels", "1", "--mask",
                "shop/signup:plan")
            let client = made["client"] as? [String: Any] ?? [:]
            let reader = Person(site: author.site, home: "\(author.home)-reader")
            try await reader.receives(client, role: "reader", scope: "signups-1")
            let early = try await reader.does("listen", "signups-1", "--from", "0", "--no-follow")
            #expect(early.status != 0)
            #expect(early.errors.contains("A data protection officer must approve it"))

            let measured = try await dpo.reads("dry-run", "stream", "signups-1")
            #expect(measured["passingEvents"] as? Int == 15)
            try await dpo.expects("approve", "stream", "signups-1")
            let read = try await reader.expects(
                "listen", "signups-1", "--from", "0", "--no-follow")
            #expect(read.lines.count == 15)
            let plans = try read.lines.map { line in
                let event = try JSONSerialization.jsonObject(with: Data(line.utf8))
                return (event as? [String: Any])?["plan"] as? String ?? ""
            }
            // A keyed hash: equal for equal values, and not the value.
            #expect(Set(plans).count == 1 && plans.first?.count == 64)
            #expect(read.output.contains("jane.1@example.com"))
        }

        /// A second version that opens more is told as such, and goes the whole way again.
        private func isReplaced(
            _ author: Person, _ dpo: Person, _ sender: Person, _ file: String
        ) async throws {
            let next = "\(author.site.scratch.path)/signup-2.yaml"
            let text = Self.contract(
                version: "1.1.0", planSealing: "random", age: 13, emailLevel: 0)
            try Data(text.utf8).write(to: URL(filePath: next))
            let same = try await author.does("contract", "diff", file, file)
            #expect(same.status == 0, "\(same.output) \(same.errors)")
            let changed = try await author.does("contract", "diff", Self.ref, next)
            #expect(changed.status == 1)
            #expect(changed.output.contains("privacy"))

            try await dpo.expects(["set", "purpose", "0"] + Self.purpose)
            try await author.expects("create", "contract", next, "--review")
            let shown = try await dpo.reads("get", "contract", "shop/signup/1.1.0")
            let comparison = shown["comparison"] as? [String: Any]
            #expect(comparison?["with"] as? String == Self.ref)
            #expect(comparison?["needsApproval"] as? Bool == true)
            try await dpo.expects("approve", "contract", "shop/signup/1.1.0")
            try await author.expects("activate", "contract", "shop/signup/1.1.0")
            try await author.expects("archive", "contract", Self.ref)
            let old = try await sender.does("send", "signups", input: Self.event(30))
            #expect(old.status == 1)
            try await sender.expects(
                "send", "signups", input: Self.event(31, age: 13, levels: "0", version: "1.1.0"))
        }

        /// Who did what, in order; the words of the rejection are not in the log.
        private func isOnRecord(_ site: Deployment) async throws {
            let listed = try await site.expectSuccess(
                "audit", "list", "--output", "json", "--limit", "1000")
            let entries = try listed.json()["items"] as? [[String: Any]] ?? []
            let acts = entries.filter { ($0["contracts"] as? [String]) == [Self.ref] }
                .compactMap { $0["act"] as? String }.filter { $0.hasPrefix("contract") }
            #expect(
                acts == [
                    "contractCreated", "contractSubmitted", "contractRejected", "contractChanged",
                    "contractSubmitted", "contractApproved", "contractActivated",
                    "contractArchived",
                ])
            let approvals = entries.filter { $0["act"] as? String == "contractApproved" }
            #expect(approvals.allSatisfy { $0["role"] as? String == "dpo" })
            #expect(!listed.output.contains("Seal the plan"))
        }
    }
}
