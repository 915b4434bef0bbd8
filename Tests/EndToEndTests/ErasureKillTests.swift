import Foundation
import Testing

extension EndToEnd {
    /// The server kills itself before a step of an erasure, as SIGKILL would at that moment, and is
    /// started again.
    @Suite(
        "An erasure that kill -9 interrupts",
        .timeLimit(.minutes(4 + Effort.erasureKillRounds)))
    struct ErasureKills {
        /// All steps (`ErasureStep`). Between each two of them something became durable, or may
        /// have: dying before one of them is dying after the one before.
        static let steps = [
            "appendRequested", "deleteRecords", "commitRequested", "appendStarted",
            "publishSuccessors", "waitForMakers", "rewrap", "verify", "keepRewrapped",
            "prepareMasterKey", "destroyBuckets", "renameMasterKey", "overwriteMasterKey",
            "appendCompleted", "commitCompleted",
        ]
        private static let survivors = 2_000
        private static let sessions = 3

        @Test("between any two steps it is as before or erased, completes, and costs nobody else")
        func anyStep() async throws {
            let site = try await Interrupted.begin(survivors: Self.survivors)
            let begun = ContinuousClock.now
            var rounds = 0
            for round in 0..<Effort.erasureKillRounds {
                // Each time in another order, so that what a step leaves meets every other.
                for step in Self.steps.shuffled() {
                    try await one(site, step, "person-\(round)-\(step)@example.com")
                    rounds += 1
                }
                try await site.expectsEverything()
            }
            let took = ContinuousClock.now - begun
            try await site.ends(erasures: rounds)
            print("kill -9 in an erasure: \(rounds) rounds in \(took)")
        }

        /// The master key lies outside the keyring directory: there it is renewed only if told to.
        private static let renews = ["STRM_ERASURES_RENEWS_MASTER_KEY": "true"]

        private func one(_ site: Interrupted, _ step: String, _ person: String) async throws {
            try await site.deployment.start(
                environment: Self.renews.merging(["STRM_TEST_DIE_BEFORE": step]) { $1 })
            let place = try await site.head()
            try await site.sends(
                (0..<Self.sessions).map { Signup.event("\(person)-\($0)", person, "pro") })
            #expect(try await site.state(of: person, from: place) == .open, "\(step)")
            #expect(try await site.erases(person, now: true) == nil, "\(step) was never reached")
            try await site.expectsDeath(step)

            try await site.deployment.start(environment: Self.renews)
            let state = try await site.state(of: person, from: place)
            #expect(state == (step == "appendRequested" ? .open : .sealed), "\(step)")
            let answer = try #require(try await site.erases(person, now: true), "\(step)")
            #expect(answer["state"] as? String == "destroyed", "\(step)")
            #expect(answer["dataKeys"] as? Int == Self.sessions, "\(step)")
            let receipt = answer["receipt"] as? [String: Any]
            let destroyed = value(receipt ?? [:], "receipt", "destroyed", "dataKeys")
            #expect(destroyed as? Int == Self.sessions, "\(step)")
            #expect(try await site.state(of: person, from: place) == .sealed, "\(step)")
            site.erased[person] = answer["id"] as? String
            try await site.expectsIngest()
            await site.deployment.kill()
        }
    }
}
