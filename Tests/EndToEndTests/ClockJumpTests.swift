import Foundation
import Testing

/// How the clock of a server leaps, and what follows.
struct ClockJump: Sendable, CustomTestStringConvertible {
    var seconds: Int
    var name: String
    /// Destruction is held: by the leap itself, and by a start after it.
    var isHeld: Bool
    /// What an operator who confirms the clock makes due: whole days of events, and keys.
    var dropsDays = false
    var destroysKeys = false

    var testDescription: String { name }

    static let hour = 3_600
    static let day = 86_400

    static let all = [
        ClockJump(seconds: -1, name: "1 s back", isHeld: false),
        ClockJump(seconds: -hour, name: "1 h back", isHeld: false),
        ClockJump(seconds: -25 * hour, name: "25 h back", isHeld: false),
        ClockJump(seconds: -8 * day, name: "8 days back", isHeld: false),
        ClockJump(seconds: 59 * 60, name: "59 min ahead", isHeld: false),
        ClockJump(seconds: 25 * hour, name: "25 h ahead", isHeld: true),
        ClockJump(seconds: 8 * day, name: "8 days ahead", isHeld: true, dropsDays: true),
        ClockJump(
            seconds: 400 * day, name: "400 days ahead", isHeld: true, dropsDays: true,
            destroysKeys: true),
    ]
}

extension EndToEnd {
    @Suite("Clocks that jump, on a server that runs", .timeLimit(.minutes(10)))
    struct ClockJumps {
        @Test(
            "nothing is destroyed early, no key of a closed epoch seals again, order is kept",
            arguments: ClockJump.all)
        func jumps(_ jump: ClockJump) async throws {
            let rig = try await Rig()
            try await rig.sends("a")
            let first = try await rig.keys()
            // While it runs.
            try rig.clock.moves(to: jump.seconds)
            if jump.seconds > 0 { try await rig.rounds(2) }
            try await rig.sends("b")
            try await expectNothingDestroyed(rig, jump, holds: jump.isHeld ? 1 : 0, since: first)
            // The clock is put right.
            try rig.clock.moves(to: 0)
            if jump.seconds > 0 { try await rig.rounds(2) }
            try await rig.sends("c")
            try await expectAll(["a", "b", "c"], rig)
            try await expectLinks(rig, jump)
            // Across a restart, and right again behind it.
            #expect(await rig.site.stop() == 0)
            try rig.clock.moves(to: jump.seconds)
            try await rig.start()
            try await rig.hasLooked()
            try await rig.sends("d")
            try await expectNothingDestroyed(rig, jump, holds: jump.isHeld ? 2 : 0, since: first)
            if jump.isHeld { try await expectRelease(rig, jump) }
            try rig.clock.moves(to: 0)
            try await expectAll(jump.dropsDays ? ["b", "c", "d"] : ["a", "b", "c", "d"], rig)
        }

        /// Hold or not, in metrics, status and audit alike; epochs only grow, by one.
        private func expectNothingDestroyed(
            _ rig: Rig, _ jump: ClockJump, holds: Int, since first: Rig.Keys
        ) async throws {
            let metrics = try rig.metrics()
            #expect(metrics["strm_destruction_on_hold"] == (jump.isHeld ? 1 : 0))
            let status = try await rig.site.expectSuccess("status", "--output", "json").json()
            #expect(value(status, "keys", "isDestructionOnHold") as? Bool == jump.isHeld)
            #expect(try await rig.entries("expiryHeld") == holds)
            #expect(try await rig.entries("epochDestroyed") == 0)
            #expect(try await rig.entries("daysDropped") == 0)
            let keys = try await rig.keys()
            #expect(keys.isOnHold == jump.isHeld)
            #expect(keys.epochs.contains(first.epoch))
            if jump.seconds <= 0 {
                #expect(keys.epoch == first.epoch)
            } else {
                let isDayOver = jump.seconds > ClockJump.day
                let grown = keys.epoch - first.epoch
                #expect(isDayOver ? grown == 1 : (0...1).contains(grown))
            }
        }

        /// Every event is there, opened, in the order in which it was sent, and time never falls.
        private func expectAll(_ names: [String], _ rig: Rig) async throws {
            let events = try await rig.site.events("demo-1")
            #expect(events.compactMap { $0["url"] as? String } == names.flatMap(Rig.urls))
            #expect(
                events.map { $0["producerSessionId"] as? String }
                    == names.flatMap { _ in Rig.visits })
            let times = events.compactMap { value($0, "strmMeta", "timestamp") as? Int }
            #expect(times.count == events.count)
            #expect(times == times.sorted())
        }

        /// A key whose epoch is closed stays behind, also when the clock comes back to its day.
        private func expectLinks(_ rig: Rig, _ jump: ClockJump) async throws {
            let events = try await rig.site.events("demo-1")
            let links = events.compactMap { value($0, "strmMeta", "keyLink") as? String }
            try #require(links.count == 6)
            let (before, meanwhile, after) = (
                Set(links[0..<2]), Set(links[2..<4]), Set(links[4..<6])
            )
            if jump.seconds >= 25 * ClockJump.hour {
                #expect(before.isDisjoint(with: meanwhile))
            }
            if jump.seconds >= 8 * ClockJump.day { #expect(before.isDisjoint(with: after)) }
        }

        /// An operator confirms: what is due by that clock goes, on record, and nothing else.
        private func expectRelease(_ rig: Rig, _ jump: ClockJump) async throws {
            try await rig.site.expectSuccess("confirm", "clock")
            #expect(try rig.metrics()["strm_destruction_on_hold"] == 0)
            #expect(try await rig.entries("clockConfirmed") == 1)
            try await rig.rounds(2)
            #expect(try await rig.entries("daysDropped") == (jump.dropsDays ? 1 : 0))
            #expect(try await rig.entries("epochDestroyed") == (jump.destroysKeys ? 1 : 0))
            let report = try await rig.site.expectSuccess("keys", "expiry", "--output", "json")
                .json()
            let destroyed = report["destroyed"] as? [[String: Any]] ?? []
            #expect(destroyed.count == (jump.destroysKeys ? 1 : 0))
            #expect(destroyed.allSatisfy { $0["entry"] is Int && $0["day"] is String })
            guard jump.destroysKeys else { return }
            let after = try rig.metrics()
            for family in ["keys", "index"] {
                let count = after["strm_swept_records_total{family=\"\(family)\"}"] ?? 0
                #expect(count >= 2, "\(family)")
            }
        }
    }

    /// A server whose clock can be moved, with two visitors.
    private final class Rig {
        struct Keys {
            var epoch: Int
            var epochs: [Int]
            var isOnHold: Bool
        }

        static let visits = ["visit-1", "visit-2"]
        let site: Deployment
        let clock: FakeClock

        init() async throws {
            site = try Deployment()
            clock = try await FakeClock(in: site.scratch.path)
            try await site.initialise()
            try await start()
            try await site.prepareDemo()
        }

        func start() async throws {
            try await site.start(
                environment: clock.environment.merging(
                    ["STRM_TEST_HOUSEKEEPING_SECONDS": "1"]) { $1 })
        }

        static func urls(_ name: String) -> [String] { visits.map { "https://shop/\(name)/\($0)" } }

        func sends(_ name: String) async throws {
            let lines = zip(Self.visits, Self.urls(name)).map { visit, url in
                """
                {"strmMeta":{"eventContractRef":"example/clickstream/1.0.0","consentLevels":[0,1]},\
                "producerSessionId":"\(visit)","url":"\(url)","eventType":"page_view",\
                "referrer":"r","userAgent":"x","conversion":0,\
                "customer":{"email":"ada@example.com","country":"NL"},"abTests":[]}
                """
            }
            try await site.expectSuccess("send", "demo", input: lines.joined(separator: "\n"))
        }

        /// Waits for the first round after a start. Later ones may never come: libfaketime moves the
        /// timers of a process whose clock is behind, although they are monotonic.
        func hasLooked() async throws {
            let isThere = try await Wait.until(seconds: 60) {
                try metrics()["strm_housekeeping_rounds_total"] ?? 0 >= 1
            }
            guard isThere else { throw Unexpected("no housekeeping within a minute") }
        }

        /// Waits for whole rounds of housekeeping.
        func rounds(_ count: Double) async throws {
            let name = "strm_housekeeping_rounds_total"
            let before = try metrics()[name] ?? 0
            let isThere = try await Wait.until(seconds: 60) {
                try metrics()[name] ?? 0 >= before + count
            }
            guard isThere else { throw Unexpected("no housekeeping within a minute") }
        }

        /// Name and labels → value.
        func metrics() throws -> [String: Double] { try MetricsPage.read(port: site.port) }

        func keys() async throws -> Keys {
            let status = try await site.expectSuccess("keys", "status", "--output", "json").json()
            let epochs = status["epochs"] as? [[String: Any]] ?? []
            guard let epoch = status["epoch"] as? Int,
                let isOnHold = value(status, "clock", "isDestructionOnHold") as? Bool
            else { throw Unexpected("no epoch in the status of the keys") }
            return Keys(
                epoch: epoch, epochs: epochs.compactMap { $0["epoch"] as? Int },
                isOnHold: isOnHold)
        }

        /// How many entries of an act the audit log has.
        func entries(_ act: String) async throws -> Int {
            let list = try await site.expectSuccess(
                "audit", "list", "--act", act, "--output", "json"
            ).json()
            return (list["items"] as? [Any])?.count ?? -1
        }
    }
}
