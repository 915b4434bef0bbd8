import Foundation
import Testing

extension EndToEnd {
    @Suite("Exports to Google Cloud Storage", .timeLimit(.minutes(3)))
    struct ExportGCS {
        /// More than two parts of 8 MiB, sealed.
        private static let manyEvents = 32_000

        private func send(_ numbers: Range<Int>, to site: Deployment) async throws {
            let lines = numbers.map { number in
                """
                {"strmMeta":{"eventContractRef":"example/clickstream/1.0.0",\
                "consentLevels":[0,1]},\
                "producerSessionId":"visit-\(number % 7)",\
                "url":"https://shop.example.com/\(number)","eventType":"page_view",\
                "referrer":"\(String(repeating: "r", count: 150))","userAgent":"x",\
                "conversion":0,\
                "customer":{"email":"ada.\(number)@example.com","country":"NL"},"abTests":[]}
                """
            }
            try await site.expectSuccess("send", "demo", input: lines.joined(separator: "\n"))
        }

        @Test("a service account writes small and large objects that the checker finds right")
        func serviceAccount() async throws {
            let site = try Deployment()
            let store = try await Companion.start("gcs_rig.py", in: site.scratch.path)
            try await site.initialise()
            try await site.start(environment: [
                "STRM_EXPORTS_ALLOW_INSECURE_ENDPOINTS": "true",
                "STRM_EXPORTS_ALLOW_PRIVATE_ADDRESSES": "true",
                "STRM_EXPORTS_INTERVAL_SECONDS_MIN": "1",
            ])
            try await site.prepareDemo()
            let port = try #require(store.greeting["port"] as? Int)
            let account = try #require(store.greeting["serviceAccount"] as? String)
            let accountFile = "\(site.scratch.path)/account.json"
            try Data(account.utf8).write(to: URL(filePath: accountFile))
            func connector(_ name: String, _ bucket: String) -> [String] {
                [
                    "create", "connector", name, "--type", "gcs", "--bucket", bucket, "--endpoint",
                    "http://127.0.0.1:\(port)", "--service-account-file", accountFile,
                ]
            }
            let missing = try await site.strm(connector("none", "no-such-bucket"))
            #expect(missing.status == 1)
            #expect(missing.errors.contains("there is no such bucket"), "\(missing.errors)")
            try await site.expectSuccess(connector("lake", "orders"))
            try await send(0..<20, to: site)
            try await site.expectSuccess(
                "create", "batch-exporter", "demo", "--connector", "lake", "--interval", "1",
                "--include-existing-events", "--path-prefix", "team/a")
            try await catchesUp(site, events: 20)
            try await site.expectSuccess("pause", "batch-exporter", "demo-lake")
            try await send(20..<Self.manyEvents, to: site)
            try await site.expectSuccess("resume", "batch-exporter", "demo-lake")
            let status = try await catchesUp(site, events: Self.manyEvents)
            let directory = "\(site.scratch.path)/dumped"
            let dumped = try await store.asks("dump \(directory)")["dumped"] as? Int
            #expect(dumped == 4, "two objects, two manifests, no probe")
            let read = try await site.expectSuccess("listen", "demo", "--from", "0", "--no-follow")
            let expected = "\(site.scratch.path)/expected"
            try Data(read.output.utf8).write(to: URL(filePath: expected))
            let key = try #require(status["manifestKey"] as? String)
            let checked = try await ExportChecker.run([
                "--key", key, "--directory", directory, "--stream", "demo", "--expected", expected,
            ])
            #expect(checked.status == 0, "\(checked.errors)")
            #expect(try checked.json()["events"] as? Int == Self.manyEvents)
        }

        @discardableResult
        private func catchesUp(_ site: Deployment, events: Int) async throws -> [String: Any] {
            var status: [String: Any] = [:]
            let isDone = try await Wait.asking(seconds: 60) {
                status = try await site.expectSuccess(
                    "get", "batch-exporter", "demo-lake", "--output", "json"
                ).json()
                return status["events"] as? Int == events && status["lagEvents"] as? Int == 0
            }
            guard isDone else { throw Unexpected("the exporter does not catch up: \(status)") }
            return status
        }
    }
}
