import Foundation
import Testing

extension EndToEnd {
    @Suite("What is acknowledged stays", .timeLimit(.minutes(5 + Effort.killRounds / 5)))
    struct Crashes {
        @Test(
            "kill -9 under load, 20 times: nothing acknowledged is lost, offsets are contiguous"
        )
        func killRounds() async throws {
            let site = try await Deployment.withDemo()
            let token = try await site.token("demo")
            var random = SystemRandomNumberGenerator()
            for round in 0..<Effort.killRounds {
                if round > 0 { try await site.start() }
                // The token outlives the process that gave it: its key is in the keyring.
                let load = try Load(site, token: token, prefix: "r\(round)")
                try await load.grows(by: Int.random(in: 300...30_000, using: &random))
                await site.kill()
                _ = await load.running.waitForExit(seconds: 20)
            }
            try await site.start()
            try await expectNothingLost(site)
        }

        /// Everything acknowledged is there once, and the events are as many as offsets were given.
        private func expectNothingLost(_ site: Deployment) async throws {
            let acknowledged = Load.read("\(site.scratch.path)/acknowledged")
            let stored = Load.identifiers(try await site.events("demo"))
            #expect(acknowledged.count > 500)
            #expect(Set(acknowledged).subtracting(stored).isEmpty)
            #expect(Set(stored).count == stored.count)
            #expect(try await site.nextOffset("demo") == stored.count)
        }

        @Test("after kill -9 the audit log is consistent with the checkpoint exported before")
        func auditAfterKill() async throws {
            let site = try await Deployment.withDemo()
            let load = try Load(site, token: await site.token("demo"), prefix: "a")
            try await load.grows(by: 2_000)
            let before = "\(site.scratch.path)/before"
            try await site.expectSuccess("audit", "export", before)
            await site.kill()
            try await site.start()
            let after = "\(site.scratch.path)/after"
            try await site.expectSuccess("audit", "export", after)
            try await site.expectSuccess(
                "audit", "verify", after, "--older", "\(before)/checkpoint")
        }

        @Test("SIGTERM under load finishes what is in flight: each request is answered or refused")
        func gracefulStop() async throws {
            let site = try await Deployment.withDemo()
            let load = try Load(site, token: await site.token("demo"), prefix: "g")
            try await load.grows(by: 3_000)
            #expect(await site.stop() == 0)
            #expect(await load.running.waitForExit(seconds: 20) == 0)
            let tally = try JSONSerialization.jsonObject(with: Data(load.running.output.utf8))
            #expect((tally as? [String: Any])?["unanswered"] as? Int == 0)
            try await site.start()
            let stored = Set(Load.identifiers(try await site.events("demo")))
            #expect(Set(load.acknowledged).subtracting(stored).isEmpty)
        }
    }
}
