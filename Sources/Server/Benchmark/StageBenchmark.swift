import FoundationEssentials
import UnixSignals

/// `strm bench stages`: times the stages of the hot path one by one, in this process.
///
/// Every stage works on the same 1,000 clickstream events of 1,000 sequences. A row is the median
/// of its rounds, after one round that is not counted. A stage that is timed alone finds its code
/// and data in the processor's caches; within the whole lane they share them, so the lane costs
/// more than its stages together. The data lies in a directory of its own, which is removed at the
/// end, also after an error, SIGINT and SIGTERM.
package enum StageBenchmark {
    /// How to measure.
    package struct Options: Sendable {
        package static let roundsMax = 1_000

        /// The directory in which the scratch directory is made; nil: the system's for temporary
        /// files. Its disk is the one that is measured.
        package var dataDirectory: String?
        /// 1 ... `roundsMax`.
        package var rounds = 5
        /// Tests make the rounds short.
        var scale = Scale()

        package init() {}
    }

    /// How much one round does.
    struct Scale: Sendable {
        /// Times that a stage without a disk goes through the 1,000 events.
        var passes = 40
        /// The same for stages that store them; what they write in all stays within some 100 MiB.
        var storingPasses = 8
        /// Pages that are read; those of one event cost a synced audit entry each.
        var pages = 4
        var singlePages = 32
        /// Events committed for each size of batch.
        var committedEvents = 8_192
        /// Appends whose median the description of the disk gives.
        var probes = 64
    }

    /// One stage.
    package struct Row: Sendable, Equatable {
        /// What the figure contains, and whether it is processor or elapsed time.
        package var stage: String
        /// The median of the rounds.
        package var nanosecondsPerEvent: Double
        /// The fastest round: what a machine that others use gives when it is left alone.
        package var fastestNanosecondsPerEvent: Double
        /// Calls of the allocator by all threads of the process; nil if nobody counts them.
        package var allocationsPerEvent: Double?
    }

    /// What was measured, and where.
    package struct Report: Sendable {
        package var rows: [Row]
        /// File system, device and the cost of a synced append.
        package var disk: String
        package var eventBytes: Int
        package var sequences: Int
        package var rounds: Int
    }

    /// Measures all stages. Takes some ten seconds, a processor and a half, and some 100 MiB of
    /// disk.
    /// - Parameter onStage: called with the name of each stage before it begins.
    /// - Throws: `CancellationError` after SIGINT or SIGTERM; `StageBenchmarkError`, `StoreError`,
    ///   `VaultError`. The scratch directory is removed in every case.
    package static func run(
        _ options: Options, onStage: @escaping @Sendable (_ name: String) -> Void = { _ in }
    ) async throws -> Report {
        let signals = await UnixSignalsSequence(trapping: .sigint, .sigterm)
        return try await withThrowingTaskGroup(of: Report?.self) { group in
            group.addTask { try await measure(options, onStage: onStage) }
            group.addTask {
                for await _ in signals { throw CancellationError() }
                return nil
            }
            defer { group.cancelAll() }
            while let finished = try await group.next() {
                if let report = finished { return report }
            }
            throw CancellationError()
        }
    }

    static func measure(
        _ options: Options, onStage: @Sendable (_ name: String) -> Void = { _ in }
    ) async throws -> Report {
        precondition((1...Options.roundsMax).contains(options.rounds), "rounds out of range")
        let scratch = try ScratchDirectory(in: options.dataDirectory)
        defer { scratch.remove() }
        let disk = try DiskDescription.text(of: scratch.path, probes: options.scale.probes)
        let events = BenchmarkEvents()
        let site = try BenchmarkSite(directory: "\(scratch.path)/site")
        defer { site.close() }
        try await site.warmUp(events)
        var rows: [Row] = []
        let meter = StageMeter()
        func add(_ stages: [Stage]) async throws {
            for stage in stages {
                onStage(stage.names[0])
                rows += try await median(of: stage, rounds: options.rounds)
            }
        }
        let decoded = try DecodedEvents(events, registry: site.registry)
        let scale = options.scale
        try await add(DecodingStages(events, site, meter, scale).all)
        try await add(SealingStages(decoded, site, meter, scale).all)
        try await add(ReadingStages(site, meter, scale).all)
        try await add(LaneStages(events, site, meter, scale).all)
        let commits = try CommitStages(
            decoded, directory: "\(scratch.path)/commits", meter, scale)
        defer { commits.close() }
        try await add(commits.all)
        return Report(
            rows: rows, disk: disk, eventBytes: events.json[0].count, sequences: events.count,
            rounds: options.rounds)
    }

    /// One round to warm up, then the median of each figure.
    private static func median(of stage: Stage, rounds: Int) async throws -> [Row] {
        _ = try await stage.round()
        var samples: [[StageSample]] = []
        for _ in 0..<rounds {
            try Task.checkCancellation()
            samples.append(try await stage.round())
        }
        return stage.names.enumerated().map { index, name in
            let times = samples.map { $0[index].nanosecondsPerEvent }
            return Row(
                stage: name, nanosecondsPerEvent: median(times) ?? 0,
                fastestNanosecondsPerEvent: times.min() ?? 0,
                allocationsPerEvent: median(samples.compactMap { $0[index].allocationsPerEvent }))
        }
    }

    /// Nil if there are none.
    static func median(_ values: [Double]) -> Double? {
        guard !values.isEmpty else { return nil }
        let sorted = values.sorted()
        let middle = sorted.count / 2
        return sorted.count % 2 == 1
            ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2
    }
}

/// Something that can be timed: one call is one round and gives one sample for each name.
struct Stage {
    let names: [String]
    let round: () async throws -> [StageSample]

    init(_ name: String, _ round: @escaping () async throws -> StageSample) {
        names = [name]
        self.round = { [try await round()] }
    }

    init(names: [String], _ round: @escaping () async throws -> [StageSample]) {
        self.names = names
        self.round = round
    }
}

/// Why nothing was measured.
package enum StageBenchmarkError: Error, Sendable, Equatable, CustomStringConvertible {
    /// The scratch directory cannot be made or written.
    case unusable(directory: String)
    /// A stage did something else than it is there to measure; the text says what.
    case unexpected(String)

    package var description: String {
        switch self {
        case .unusable(let directory): "\(directory) cannot be made or written"
        case .unexpected(let what): "the measurement is void: \(what)"
        }
    }
}
