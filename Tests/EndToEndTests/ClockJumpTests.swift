import Foundation
import Testing

/// How the clock of a server leaps, and what follows.
struct ClockJump: Sendable, CustomTestStringConvertible {
    var seconds: Int
    var name: String
    /// Destruction is held: by the leap itself, and by a start after it.
    var isHeld: Bool
    /// What an operator who confirms the clock makes due: whole days of events, and keys. That it
    /// then goes shows that the hold alone kept it.
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
        ClockJump(seconds: 2 * hour, name: "2 h ahead", isHeld: true),
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
            // Far from midnight, which closes an epoch by itself.
            let noon = Self.secondsUntilNoon()
            let rig = try await ClockRig(shift: noon)
            try await rig.sends("a")
            let first = try await rig.keys()
            // While it runs.
            try rig.clock.moves(to: noon + jump.seconds)
            // If it did not see the leap, all of this would prove nothing.
            #expect(try await rig.sees(noon + jump.seconds))
            try await rig.rounds(2)
            try await rig.sends("b")
            try await expectNothingDestroyed(rig, jump, holds: jump.isHeld ? 1 : 0, since: first)
            // The clock is put right.
            try rig.clock.moves(to: noon)
            try await rig.rounds(2)
            try await rig.sends("c")
            try await expectAll(["a", "b", "c"], rig)
            try await expectLinks(rig, jump)
            // Across a restart, and right again behind it.
            #expect(await rig.site.stop() == 0)
            try rig.clock.moves(to: noon + jump.seconds)
            try await rig.start()
            #expect(try await rig.sees(noon + jump.seconds))
            try await rig.rounds(2)
            try await rig.sends("d")
            try await expectNothingDestroyed(rig, jump, holds: jump.isHeld ? 2 : 0, since: first)
            if jump.isHeld { try await expectRelease(rig, jump) }
            try rig.clock.moves(to: noon)
            try await rig.rounds(2)
            try await expectAll(jump.dropsDays ? ["b", "c", "d"] : ["a", "b", "c", "d"], rig)
        }

        @Test(
            "a server that starts ahead of where it stopped destroys nothing, however often it starts",
            arguments: [2, 20, 24])
        func restarts(hours: Int) async throws {
            let noon = Self.secondsUntilNoon()
            let rig = try await ClockRig(shift: noon)
            try await rig.sends("a")
            try await rig.rounds(2)
            let first = try await rig.keys()
            for round in 1...2 {
                #expect(await rig.site.stop() == 0)
                try rig.clock.moves(to: noon + round * hours * ClockJump.hour)
                try await rig.start()
                try await rig.rounds(2)
                let keys = try await rig.keys()
                #expect(keys.isOnHold && keys.epochs == first.epochs)
                #expect(try await rig.acts()["expiryHeld"] == round)
            }
            // The clock is put right: neither that nor a start lifts the hold.
            #expect(await rig.site.stop() == 0)
            try rig.clock.moves(to: noon)
            try await rig.start()
            #expect(try await rig.keys().isOnHold)
            try await rig.site.expectSuccess("confirm", "clock")
            try await rig.rounds(2)
            #expect(try await !rig.keys().isOnHold)
            try await expectAll(["a"], rig)
        }

        /// To the next noon, UTC: where nothing is due soon.
        private static func secondsUntilNoon() -> Int {
            let now = Date().timeIntervalSince1970
            let day = Double(ClockJump.day)
            let noon = (now / day).rounded(.down) * day + day / 2
            return Int((noon >= now ? noon : noon + day) - now)
        }

        /// Hold or not, in metrics, status and audit alike; epochs only grow, by one.
        private func expectNothingDestroyed(
            _ rig: ClockRig, _ jump: ClockJump, holds: Int, since first: ClockRig.Keys
        ) async throws {
            let metrics = try rig.metrics()
            #expect(metrics["strm_destruction_on_hold"] == (jump.isHeld ? 1 : 0))
            let status = try await rig.site.expectSuccess("status", "--output", "json").json()
            #expect(value(status, "keys", "isDestructionOnHold") as? Bool == jump.isHeld)
            let acts = try await rig.acts()
            #expect(acts["expiryHeld", default: 0] == holds)
            #expect(acts["epochDestroyed"] == nil)
            #expect(acts["daysDropped"] == nil)
            let keys = try await rig.keys()
            #expect(keys.isOnHold == jump.isHeld)
            #expect(keys.epochs.contains(first.epoch))
            #expect(keys.epoch == first.epoch + (jump.seconds > ClockJump.day ? 1 : 0))
        }

        /// Every event is there, once, opened, behind those that were acknowledged before it, and
        /// time never falls. Two visits of one request have no order between them.
        private func expectAll(_ names: [String], _ rig: ClockRig) async throws {
            let events = try await rig.site.events("demo-1")
            let urls = events.compactMap { $0["url"] as? String }
            let visits = events.compactMap { $0["producerSessionId"] as? String }
            try #require(urls.count == 2 * names.count && visits.count == urls.count)
            for (place, name) in names.enumerated() {
                let pair = 2 * place..<2 * place + 2
                #expect(urls[pair].sorted() == ClockRig.urls(name))
                #expect(zip(urls[pair], visits[pair]).allSatisfy { $0.hasSuffix("/\($1)") })
            }
            let times = events.compactMap { value($0, "strmMeta", "timestamp") as? Int }
            #expect(times.count == events.count)
            #expect(times == times.sorted())
        }

        /// A key whose epoch is closed stays behind, also when the clock comes back to its day.
        private func expectLinks(_ rig: ClockRig, _ jump: ClockJump) async throws {
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

        /// An operator confirms: what is due by that clock goes, once, on record, and nothing else.
        private func expectRelease(_ rig: ClockRig, _ jump: ClockJump) async throws {
            try await rig.site.expectSuccess("confirm", "clock")
            #expect(try rig.metrics()["strm_destruction_on_hold"] == 0)
            try await rig.rounds(3)
            let acts = try await rig.acts()
            #expect(acts["clockConfirmed"] == 1)
            #expect(acts["daysDropped", default: 0] == (jump.dropsDays ? 1 : 0))
            #expect(acts["epochDestroyed", default: 0] == (jump.destroysKeys ? 1 : 0))
            let report = try await rig.site.expectSuccess("keys", "expiry", "--output", "json")
                .json()
            let destroyed = report["destroyed"] as? [[String: Any]] ?? []
            #expect(destroyed.count == (jump.destroysKeys ? 1 : 0))
            #expect(destroyed.allSatisfy { $0["entry"] is Int && $0["day"] is String })
            // Their records go too; that the visitors came again keeps their index entries.
            let swept = try rig.metrics()["strm_swept_records_total{family=\"keys\"}"] ?? 0
            #expect(jump.destroysKeys ? swept >= 2 : swept == 0)
        }

        @Test("days are UTC, whatever the time zone of the server's process")
        func zone() async throws {
            let zone = "America/St_Johns"
            // 01:30 UTC is the evening before in St. John's, and 04:30 UTC its next day.
            let now = Date()
            var calendar = Calendar(identifier: .gregorian)
            calendar.timeZone = .gmt
            let midnight = calendar.startOfDay(for: now)
            let early = midnight.addingTimeInterval(1.5 * 3_600)
            let shift = Int(early.timeIntervalSince(now).rounded())
            func day(_ date: Date) -> String {
                date.formatted(.iso8601.year().month().day())
            }
            var local = Calendar(identifier: .gregorian)
            local.timeZone = try #require(TimeZone(identifier: zone))
            #expect(local.component(.day, from: early) != calendar.component(.day, from: early))
            let rig = try await ClockRig(shift: shift, environment: ["TZ": zone])
            try await rig.sends("a")
            let first = try await rig.keys()
            #expect(first.day == day(early))
            try rig.clock.moves(to: shift + 3 * ClockJump.hour)
            #expect(try await rig.sees(shift + 3 * ClockJump.hour))
            try await rig.rounds(2)
            try await rig.sends("b")
            // Midnight in St. John's opens no epoch.
            let second = try await rig.keys()
            #expect(second.epochs == first.epochs && second.day == first.day)
            let report = try await rig.site.expectSuccess("keys", "expiry", "--output", "json")
                .json()
            let days = report["dueDays"] as? [[String: Any]] ?? []
            #expect(days.map { $0["day"] as? String } == [day(early)])
            let events = try await rig.site.events("demo-1")
            let times = events.compactMap { value($0, "strmMeta", "timestamp") as? Int }
            try #require(times.count == 4)
            for (time, hours) in zip(times, [0.0, 0, 3, 3]) {
                let expected = early.timeIntervalSince1970 + hours * 3_600
                // Time zones are half hours apart; however slow the machine is.
                #expect(abs(Double(time) / 1_000 - expected) < 900)
            }
        }
    }
}
