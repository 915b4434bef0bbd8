import Foundation
import Testing

extension EndToEnd {
    @Suite("What was refused, by the command line", .timeLimit(.minutes(4)))
    struct Rejected {
        private func items(_ finished: Finished, _ name: String = "items") throws -> [[String: Any]]
        {
            try finished.json()[name] as? [[String: Any]] ?? []
        }

        @Test(
            "a team sees what is refused, and what was refused is stored once its contract is there"
        )
        func story() async throws {
            let site = try await Deployment.withDemo()
            try await site.expectSuccess("create", "client", "dpo")

            // A sender asks first.
            let sample = try await site.expectSuccess(
                "simulate", "--dry-run", "--count", "1", "--seed", "3")
            let line = try #require(sample.lines.first)
            let early = line.replacing(
                "example/clickstream/1.0.0", with: "example/clickstream/9.0.0")
            let file = "\(site.scratch.path)/events.jsonl"
            try (line + "\n" + early + "\n" + "CANARY\n").write(
                toFile: file, atomically: true, encoding: .utf8)
            let dry = try await site.strm("send", "demo", file, "--dry-run")
            #expect(dry.status == 1)
            #expect(dry.output.contains("1 would be stored, 2 refused"))
            #expect(try await site.nextOffset("demo") == 0)

            // The stream keeps what it refuses from now on.
            try await site.expectSuccess("rejections", "keep", "demo")
            let sent = try await site.strm("send", "demo", file)
            #expect(sent.status == 1)
            #expect(sent.output.contains("1 stored, 2 refused"))
            let counted = try await site.expectSuccess("rejections", "demo")
            #expect(counted.output.contains("contract-ref"))
            #expect(counted.errors.contains("2 refused since"))
            let rows = try items(
                try await site.expectSuccess("rejections", "--output", "json"))
            #expect(rows.count == 2)
            let listed = try await site.expectSuccess(
                "rejections", "list", "demo", "--output", "json")
            #expect(try items(listed).map { $0["offset"] as? Int } == [0, 1])
            #expect(!listed.output.contains("CANARY"))

            // Only the data protection officer looks inside, and that is on record.
            let shown = try await site.expectSuccess(
                "rejections", "show", "demo", "1", "--output", "json")
            #expect(try shown.json()["body"] as? String == "CANARY")
            let seen = try await site.expectSuccess(
                "audit", "list", "--act", "rejectionShown", "--output", "json")
            #expect(try items(seen).count == 1)

            // The contract comes; what named it is an event now, and only once.
            let document = try String(
                contentsOfFile: Tool.contract("clickstream.json"), encoding: .utf8)
            let contract = "\(site.scratch.path)/later.json"
            try document.replacing("\"version\": \"1.0.0\"", with: "\"version\": \"9.0.0\"")
                .replacing("\"version\":\"1.0.0\"", with: "\"version\":\"9.0.0\"")
                .write(toFile: contract, atomically: true, encoding: .utf8)
            try await site.expectSuccess("create", "contract", contract, "--activate")
            let replayed = try await site.strm("rejections", "replay", "demo", "--all")
            #expect(replayed.status == 1)
            #expect(replayed.output.contains("accepted"))
            #expect(replayed.output.contains("json"))
            let again = try await site.expectSuccess(
                "rejections", "replay", "demo", "--offsets", "0", "--output", "json")
            #expect(
                try items(again, "results").map { $0["outcome"] as? String }
                    == ["already-replayed"])
            #expect(try await site.events("demo").count == 2)

            // No more is kept.
            try await site.expectSuccess("rejections", "keep", "demo", "--stop")
            _ = try await site.strm("send", "demo", input: "CANARY\n")
            let after = try await site.expectSuccess(
                "rejections", "list", "demo", "--output", "json")
            #expect(try items(after).count == 2)
            await site.stop()
            #expect(!site.logs.contains("CANARY"))
        }
    }
}
