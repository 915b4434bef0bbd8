import Foundation
import Testing

extension EndToEnd {
    @Suite("Questions to the audit log by the command line", .timeLimit(.minutes(4)))
    struct AuditQuestions {
        @Test func `who read what for which purpose, who decided it, and the record of it all`()
            async throws
        {
            let site = try await Deployment.withDemo()
            try await site.expectSuccess(
                "send", "demo", "\(Tool.root)/Examples/events/clickstream.json")
            try await site.expectSuccess(
                "create", "stream", "--derived-from", "demo", "--levels", "1,4", "open")
            try await site.expectSuccess("approve", "stream", "open")
            #expect(try await site.events("open").count == 1)
            let reader = try site.credential("open").id

            let who = try await site.expectSuccess(
                "audit", "who-read", "customer/email", "--output", "json")
            let use = try #require((try who.json()["uses"] as? [[String: Any]])?.first)
            #expect(use["client"] as? String == reader)
            #expect(use["derivedStream"] as? String == "open")
            // As a contract spells a step into a list or a map.
            let starred = try await site.expectSuccess(
                "audit", "who-read", "customer/*/email", "--output", "json")
            #expect(try (starred.json()["uses"] as? [Any])?.count == 1)
            let unnamed = try await site.expectSuccess("audit", "who-read", "customer/fax")
            #expect(unnamed.errors.contains("no entry that was looked at names the field"))
            #expect(unnamed.errors.contains("customer/email"))
            let some = try await site.expectSuccess("audit", "decisions", "--limit", "1")
            #expect(some.errors.contains("rests on 1 entries"))
            #expect(some.errors.contains("there are more"))
            let listed = try await site.expectSuccess("audit", "list", "--limit", "2")
            #expect(listed.errors.contains("there are more") && listed.errors.contains("root"))
            let table = try await site.expectSuccess("audit", "read-by", reader)
            #expect(table.output.contains("customer/email (1)"))
            let nobody = try await site.expectSuccess("audit", "read-by", "nobody")
            #expect(!nobody.output.contains("open"))
            let purposes = try await site.expectSuccess("audit", "purposes", "--from", "1h")
            #expect(purposes.output.contains(reader))
            let decisions = try await site.expectSuccess(
                "audit", "decisions", "--act", "derivedStreamApproved")
            #expect(decisions.output.contains("open"))
            let onField = try await site.expectSuccess(
                "audit", "decisions", "--field", "customer/email", "--purpose", "4")
            #expect(onField.output.contains("contractApproved"))
            #expect(!onField.output.contains("derivedStreamApproved"))
            for wrong in [["decisions", "--act", "release"], ["purposes", "--from", "noon"]] {
                #expect(try await site.strm(["audit"] + wrong).status != 0)
            }

            let person = try await site.expectSuccess(
                "audit", "received-by", "--output", "json", input: "ada.lovelace@example.com\n")
            #expect(try person.json()["keyLinks"] as? Int == 1)
            let answer = try person.json()["answer"] as? [String: Any]
            let recipient = try #require((answer?["recipients"] as? [[String: Any]])?.first)
            #expect(recipient["client"] as? String == reader)
            #expect((recipient["fields"] as? [String])?.contains("customer/email") == true)
            let stranger = try await site.expectSuccess(
                "audit", "received-by", input: "nobody@example.com")
            #expect(!stranger.output.contains(reader))
            #expect(try await site.strm("audit", "received-by", input: "").status != 0)

            let file = "\(site.scratch.path)/record.html"
            try await site.expectSuccess("audit", "report", file, "--from", "1h")
            let html = try String(contentsOfFile: file, encoding: .utf8)
            #expect(html.hasPrefix("<!doctype html>") && html.contains("customer/email"))
            #expect(!html.contains("<script") && !html.contains("ada.lovelace"))
            let report = try await site.expectSuccess("audit", "report", "--format", "json")
            #expect(try report.json()["neverUsed"] as? [String: Any] != nil)
        }
    }
}
