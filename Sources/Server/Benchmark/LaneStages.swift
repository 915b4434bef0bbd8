import Ingest

/// The lane as an event loop uses it, with the real store behind it.
final class LaneStages {
    /// Events of one tick of a busy event loop.
    private static let tick = 64

    private let events: BenchmarkEvents
    private let site: BenchmarkSite
    private let meter: StageMeter
    private let passes: Int

    init(
        _ events: BenchmarkEvents, _ site: BenchmarkSite, _ meter: StageMeter,
        _ scale: StageBenchmark.Scale
    ) {
        self.events = events
        self.site = site
        self.meter = meter
        passes = scale.storingPasses
    }

    var all: [Stage] {
        [
            Stage("lane: receive, all into one chunk, commit thread idle [cpu]") {
                try await self.receive(tick: nil)
            },
            Stage("lane: receive, flushed every 64 events beside commits [cpu]") {
                try await self.receive(tick: Self.tick)
            },
            Stage("lane to durable: 1,000 events, flushed every 64, all synced [elapsed]") {
                try await self.store()
            },
        ]
    }

    /// The mean of the passes. After each the commit thread is let finish, outside the figure.
    /// `tick`: events before each flush; nil: none within the figure.
    private func receive(tick: Int?) async throws -> StageSample {
        let diverted = site.ingest.statistics.divertedEvents
        var samples: [StageSample] = []
        for _ in 0..<passes {
            samples.append(
                try meter.processorTime(events: events.count) {
                    for index in 0..<events.count {
                        try site.receive(events.json[index])
                        if let tick, index % tick == tick - 1 { try site.endTick() }
                    }
                    if tick != nil { try site.flush() }
                })
            try site.flush()
            try await site.settle()
        }
        try checkDiverted(since: diverted)
        return mean(samples)
    }

    private func store() async throws -> StageSample {
        let diverted = site.ingest.statistics.divertedEvents
        let sample = try await meter.elapsedTime(events: passes * events.count) {
            for _ in 0..<passes {
                for index in 0..<events.count {
                    try site.receive(events.json[index])
                    if index % Self.tick == Self.tick - 1 { try site.endTick() }
                }
                try site.flush()
                try await site.settle()
            }
        }
        try checkDiverted(since: diverted)
        return sample
    }

    private func checkDiverted(since before: UInt64) throws {
        guard site.ingest.statistics.divertedEvents == before else {
            throw StageBenchmarkError.unexpected("events went through the slow lane")
        }
    }

    private func mean(_ samples: [StageSample]) -> StageSample {
        let count = Double(samples.count)
        let allocations = samples.compactMap(\.allocationsPerEvent)
        return StageSample(
            nanosecondsPerEvent: samples.reduce(0) { $0 + $1.nanosecondsPerEvent } / count,
            allocationsPerEvent: allocations.isEmpty ? nil : allocations.reduce(0, +) / count)
    }
}
