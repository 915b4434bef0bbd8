import Foundation
import Testing

extension EndToEnd {
    /// `kill -9` leaves the page cache; these tests take it away too.
    @Suite(
        "After a power cut", .enabled(if: LoopImage.isPossible, "needs root and loop devices"),
        .timeLimit(.minutes(4 + Effort.powerCuts / 5)))
    struct PowerCuts {
        @Test("nothing acknowledged is missing from the disk as it was at that instant")
        func nothingIsMissing() async throws {
            #expect(try await missing(environment: [:], cuts: Effort.powerCuts) == 0)
        }

        @Test("the test can tell: with sync switched off, acknowledged events are missing")
        func negativeControl() async throws {
            let lost = try await missing(
                environment: ["STRM_TEST_UNSAFE_NO_SYNC": "1"], cuts: 1)
            #expect(lost > 0)
        }

        /// How many acknowledged events a server started on the copy of the disk does not have.
        /// A server that refuses to start, because it notices the loss, has lost all of them.
        private func missing(environment: [String: String], cuts: Int) async throws -> Int {
            let scratch = try Scratch()
            let disk = try LoopImage(in: scratch.path, name: "disk", megabytes: 512)
            let site = try Deployment(data: "\(disk.mountPoint)/data")
            try await site.initialise()
            try await site.start(environment: environment)
            try await site.prepareDemo()
            // What was made before the load is not what is measured.
            sync()
            let load = try Load(site, token: await site.token("demo"), prefix: "p")
            var lost = 0
            for cut in 0..<cuts {
                try await load.grows(by: 5_000)
                let acknowledged = load.acknowledged
                // A copy takes a while; what it is of must be one moment.
                let server = try #require(site.server)
                let copy = try await server.still {
                    try LoopImage(copying: disk, in: scratch.path, name: "cut\(cut)")
                }
                lost += try await missing(acknowledged, on: copy, of: site)
            }
            load.running.kill()
            await site.kill()
            return lost
        }

        private func missing(
            _ acknowledged: [String], on disk: LoopImage, of site: Deployment
        ) async throws -> Int {
            let revived = try Deployment(data: "\(disk.mountPoint)/data")
            try? FileManager.default.removeItem(atPath: "\(revived.data)/port")
            do {
                try await revived.start()
            } catch is Unexpected {
                return acknowledged.count
            }
            let client = try site.credential("demo")
            let secret = "\(revived.scratch.path)/secret"
            try Data(client.secret.utf8).write(to: URL(filePath: secret))
            let listened = try await revived.expectSuccess(
                "listen", "demo", "--from", "0", "--no-follow", "--client-id", client.id,
                "--client-secret-file", secret)
            let events = try listened.lines.map {
                try JSONSerialization.jsonObject(with: Data($0.utf8)) as? [String: Any] ?? [:]
            }
            await revived.kill()
            return Set(acknowledged).subtracting(Load.identifiers(events)).count
        }
    }
}
