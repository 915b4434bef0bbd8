import Foundation
import Testing

extension EndToEnd {
    @Suite(.timeLimit(.minutes(4)))
    struct ContractTools {
        /// `newsletter.yaml` with changes, in a directory of its own.
        private static func changed(
            _ scratch: Scratch, _ changes: (of: String, with: String)...
        ) throws -> String {
            var text = try String(
                contentsOfFile: Tool.contract("newsletter.yaml"), encoding: .utf8)
            for change in changes {
                #expect(text.contains(change.of))
                text = text.replacingOccurrences(of: change.of, with: change.with)
            }
            let path = "\(scratch.path)/changed.yaml"
            try Data(text.utf8).write(to: URL(filePath: path))
            return path
        }

        private static func event(_ of: String = "fair", _ with: String = "fair") throws -> String {
            try String(
                contentsOfFile: "\(Tool.root)/Examples/events/newsletter.json", encoding: .utf8
            ).replacingOccurrences(of: of, with: with).trimmingCharacters(in: .newlines)
        }

        @Test func `two files are compared without a server, and the exit code is for pipelines`()
            async throws
        {
            let scratch = try Scratch()
            let original = Tool.contract("newsletter.yaml")
            let same = try await Tool.run(Tool.strm, ["contract", "diff", original, original])
            #expect(same.status == 0)
            #expect(same.output == "no differences\n")

            let more = try Self.changed(
                scratch, ("name: age}", "name: age}\n      - {type: STRING, name: shop}"))
            let added = try await Tool.run(Tool.strm, ["contract", "diff", original, more])
            #expect(added.status == 0, "\(added.errors)")
            #expect(added.output.contains("added, with a default"))
            #expect(added.errors.contains("nothing breaks"))

            let worse = try Self.changed(
                scratch, ("purposeLevel: 3", "purposeLevel: 1"), ("min: 16", "min: 18"))
            let breaking = try await Tool.run(Tool.strm, ["contract", "diff", original, worse])
            #expect(breaking.status == 1)
            #expect(breaking.lines.count == 3)
            #expect(breaking.output.contains("level lowered from 3 to 1"))
            #expect(breaking.output.contains("validation age narrowed"))
            #expect(breaking.errors.contains("breaks backward, privacy; needs approval again"))

            let json = try await Tool.run(
                Tool.strm, ["contract", "diff", original, worse, "--output", "json"])
            #expect(json.status == 1)
            let breaks = try json.json()["breaks"] as? [String: Bool]
            #expect(breaks == ["backward": true, "forward": false, "privacy": true])
        }

        @Test func `what fails has another exit code than what breaks`() async throws {
            let scratch = try Scratch()
            let original = Tool.contract("newsletter.yaml")
            let wrong = try Self.changed(scratch, ("keyField: signup_id", "keyField: nothing"))
            let invalid = try await Tool.run(Tool.strm, ["contract", "diff", original, wrong])
            #expect(invalid.status == 65)
            #expect(invalid.errors.contains("/keyField"))
            let missing = try await Tool.run(
                Tool.strm, ["contract", "diff", original, "\(scratch.path)/none.yaml"])
            #expect(missing.status == 66)
            let usage = try await Tool.run(Tool.strm, ["contract", "diff", original])
            #expect(usage.status == 64)
            let events = try await Tool.run(
                Tool.strm, ["validate", "--contract", wrong], input: try Self.event())
            #expect(events.status == 65)
        }

        @Test func `events are checked offline, each refused line with its place and rule`()
            async throws
        {
            let contract = Tool.contract("newsletter.yaml")
            let lines = [
                try Self.event(), "", try Self.event("36", "15"), "{",
                try Self.event("ada@example.org", "SMCANARY"), try Self.event("fair", "web"),
            ].joined(separator: "\n")
            let checked = try await Tool.run(
                Tool.strm, ["validate", "--contract", contract], input: lines)
            #expect(checked.status == 1)
            #expect(
                checked.lines == [
                    "line 3: at /age, contract-violation (range): expected a number that is at "
                        + "least 16, rule age: Sixteen or older: see the privacy notice.",
                    "line 4: the event, malformed-body (json): expected valid JSON (TAPE_ERROR)",
                    "line 5: at /e_mail, contract-violation (format): expected a text of the "
                        + "format email, rule mail-form: The address alone, without a name.",
                    "2 conform to example/newsletter/1.0.0, 3 do not",
                ])
            #expect(!(checked.output + checked.errors).contains("SMCANARY"))
            let json = try await Tool.run(
                Tool.strm, ["validate", "--contract", contract, "--output", "json"], input: lines)
            #expect(try json.json()["refused"] as? Int == 3)
            let listed = try json.json()["lines"] as? [[String: Any]] ?? []
            #expect(listed.first?["ruleId"] as? String == "age")
            #expect(listed.first?["line"] as? Int == 3)
        }

        @Test func `one event over several lines is one event`() async throws {
            let scratch = try Scratch()
            let object = try JSONSerialization.jsonObject(with: Data(Self.event().utf8))
            let pretty = try JSONSerialization.data(
                withJSONObject: object, options: .prettyPrinted)
            let path = "\(scratch.path)/event.json"
            try pretty.write(to: URL(filePath: path))
            let checked = try await Tool.run(
                Tool.strm, ["validate", path, "--contract", Tool.contract("newsletter.yaml")])
            #expect(checked.status == 0)
            #expect(checked.output == "1 conform to example/newsletter/1.0.0, 0 do not\n")
        }

        @Test func `a server gives the contract that events name, and one side of a comparison`()
            async throws
        {
            let site = try Deployment()
            try await site.initialise()
            try await site.start()
            try await site.definePurposes(0...4)
            let original = Tool.contract("newsletter.yaml")
            let preview = try await site.expectSuccess("create", "contract", original, "--dry-run")
            #expect(preview.output.contains("e_mail (level 2)"))
            #expect(preview.output.contains("\"name\" : \"StrmMeta\""))
            let none = try await site.strm(
                "contract", "diff", "example/newsletter/1.0.0", original)
            #expect(none.status == 65)
            try await site.expectSuccess("create", "contract", original)
            let worse = try Self.changed(site.scratch, ("purposeLevel: 3", "purposeLevel: 1"))
            let breaking = try await site.strm(
                "contract", "diff", "example/newsletter/1.0.0", worse)
            #expect(breaking.status == 1)
            try await site.expectSuccess(
                "contract", "diff", original, "example/newsletter/1.0.0")
            let checked = try await site.strm("validate", input: try Self.event("36", "15"))
            #expect(checked.status == 1)
            #expect(checked.output.contains("rule age"))
        }
    }
}
