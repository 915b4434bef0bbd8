import Foundation
import Testing

extension EndToEnd {
    @Suite("Masks and dry runs by the command line", .timeLimit(.minutes(4)))
    struct MasksAndDryRuns {
        @Test func `a derived stream is measured, made with masks, measured again and read`()
            async throws
        {
            let site = try await Deployment.withDemo()
            try await site.expectSuccess(
                "send", "demo", "\(Tool.root)/Examples/events/clickstream.json")
            let asked = [
                "create", "stream", "--derived-from", "demo", "--levels", "1,4", "--mask",
                "example/clickstream:customer/email",
            ]
            let table = try await site.expectSuccess(asked + ["masked", "--dry-run"])
            #expect(table.output.contains("customer/email"))
            #expect(table.output.contains("1 of 1"))
            #expect(!table.output.contains("ada.lovelace"))
            #expect(try await site.strm("get", "stream", "masked").status == 1)

            let made = try await site.expectSuccess(asked + ["masked"])
            #expect(made.output.contains("example/clickstream:customer/email"))
            let measured = try await site.expectSuccess(
                "dry-run", "stream", "masked", "--from", "1h", "--output", "json")
            #expect(try measured.json()["passingEvents"] as? Int == 1)
            try await site.expectSuccess("approve", "stream", "masked")
            let event = try #require(try await site.events("masked").first)
            let mail = (event["customer"] as? [String: Any])?["email"] as? String
            #expect(mail?.count == 64)
            #expect(event["producerSessionId"] as? String == "visit-9a3e7c405d1b4f6e")

            for wrong in ["customer/email", "a:b", "example/clickstream:x,murmur3=no"] {
                let refused = try await site.strm(
                    "create", "stream", "--derived-from", "demo", "--levels", "1", "--mask", wrong)
                #expect(refused.status == 64, "\(wrong)")
            }
        }
    }
}
