import Foundation

/// A server whose clock can be moved, with two visitors.
final class ClockRig {
    struct Keys {
        var epoch: Int
        /// Of that epoch, such as 2026-11-23.
        var day: String
        var epochs: [Int]
        var isOnHold: Bool
    }

    static let visits = ["visit-1", "visit-2"]
    let site: Deployment
    let clock: FakeClock
    private let environment: [String: String]

    /// - Parameters:
    ///   - shift: how many seconds the clock is away at the first start.
    ///   - environment: what the server gets beside its clock.
    init(shift: Int = 0, environment: [String: String] = [:]) async throws {
        site = try Deployment()
        clock = try await FakeClock(in: site.scratch.path)
        self.environment = clock.environment
            .merging(["STRM_TEST_HOUSEKEEPING_SECONDS": "0.2"]) { $1 }
            .merging(environment) { $1 }
        // By the same clock: within one boot a start an hour ahead of the installation is a leap.
        try clock.moves(to: shift)
        try await site.initialise(environment: clock.environment)
        try await start()
        try await site.prepareDemo()
    }

    func start() async throws { try await site.start(environment: environment) }

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
        guard let epoch = status["epoch"] as? Int, let day = status["day"] as? String,
            let isOnHold = value(status, "clock", "isDestructionOnHold") as? Bool
        else { throw Unexpected("no epoch in the status of the keys") }
        return Keys(
            epoch: epoch, day: day, epochs: epochs.compactMap { $0["epoch"] as? Int },
            isOnHold: isOnHold)
    }

    /// Act → how many entries of it the audit log has.
    func acts() async throws -> [String: Int] {
        let list = try await site.expectSuccess("audit", "list", "--output", "json").json()
        let acts = (list["items"] as? [[String: Any]] ?? []).compactMap { $0["act"] as? String }
        guard !acts.isEmpty else { throw Unexpected("no acts in the audit log") }
        return acts.reduce(into: [:]) { $0[$1, default: 0] += 1 }
    }

    /// Waits until the server's own clock is so many seconds away from the true time, give or take
    /// three: it tells whole ones.
    func sees(_ seconds: Int) async throws -> Bool {
        try await Wait.until(seconds: 10) {
            guard let date = try MetricsPage.date(port: site.port) else { return false }
            return abs(date.timeIntervalSinceNow - Double(seconds)) < 3
        }
    }
}
