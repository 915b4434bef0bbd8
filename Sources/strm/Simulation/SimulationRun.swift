import NIOCore

/// One run of `strm simulate`: keeps to a rate, with a bounded number of requests under way.
struct SimulationRun: Sendable {
    private let rate: Double
    private let seconds: Double?
    private let count: Int?

    private(set) var stored = 0
    private(set) var refused = 0
    private(set) var latency = LatencyHistogram()
    private(set) var elapsedSeconds = 0.0
    private(set) var firstProblem: String?

    /// - Parameters:
    ///   - rate: events a second; 0 for no limit.
    ///   - seconds: when to stop sending; nil for never.
    ///   - count: after how many events to stop; nil for never.
    init(rate: Double, seconds: Double?, count: Int?) {
        self.rate = rate
        self.seconds = seconds
        self.count = count
    }

    private struct Answer: Sendable {
        var duration: Duration
        var problem: String?
    }

    mutating func send(
        inFlight: Int, to sender: EventSender, _ next: () -> String
    ) async throws {
        let clock = ContinuousClock()
        let begin = clock.now
        let end = seconds.map { begin + .seconds($0) }
        var shown = begin
        try await withThrowingTaskGroup(of: Answer.self) { group in
            var underWay = 0
            var number = 0
            while number < count ?? .max {
                if rate > 0 {
                    let due = begin + .seconds(Double(number) / rate)
                    if let end, due >= end { break }
                    if due > clock.now { try await clock.sleep(until: due) }
                } else if let end, clock.now >= end {
                    break
                }
                if underWay == inFlight, let answer = try await group.next() {
                    underWay -= 1
                    take(answer)
                }
                let body = ByteBuffer(string: next())
                group.addTask { try await Self.post(body, sender, clock) }
                underWay += 1
                number += 1
                if clock.now - shown > .milliseconds(250) {
                    shown = clock.now
                    Terminal.progress("\(stored) events stored")
                }
            }
            for try await answer in group { take(answer) }
        }
        let elapsed = (clock.now - begin).components
        elapsedSeconds = Double(elapsed.seconds) + Double(elapsed.attoseconds) / 1e18
        Terminal.endProgress()
    }

    private mutating func take(_ answer: Answer) {
        latency.add(answer.duration)
        if let problem = answer.problem {
            refused += 1
            firstProblem = firstProblem ?? problem
        } else {
            stored += 1
        }
    }

    /// 400 is a refusal, to be counted; anything else that is not success ends the run.
    private static func post(
        _ body: ByteBuffer, _ sender: EventSender, _ clock: ContinuousClock
    ) async throws -> Answer {
        let begin = clock.now
        let reply = try await sender.post(
            "/event", body, headers: [("content-type", "application/json")])
        let duration = clock.now - begin
        if reply.status == 400 {
            let problem = Problem.summary(status: reply.status, body: reply.body)
            return Answer(duration: duration, problem: problem)
        }
        try reply.check("send an event")
        return Answer(duration: duration, problem: nil)
    }
}
