import Ingest
import Store

/// From a chunk to the disk, on a store of its own without audit log and keys.
///
/// One batch is under way at a time. The figures are those of the commit thread: its processor
/// time, and what the store's statistics say of its commits.
final class CommitStages {
    private static let batches = [64, 256, 1_024]

    private let store: Store
    private let meter: StageMeter
    private let eventsPerRound: Int
    private let sink = BenchmarkSink()
    private let recorder: BenchmarkRecorder
    private let eventCount: Int
    private var committed: UInt64 = 0

    /// Blocks: makes a database.
    init(
        _ events: DecodedEvents, directory: String, _ meter: StageMeter,
        _ scale: StageBenchmark.Scale
    ) throws {
        self.meter = meter
        eventsPerRound = scale.committedEvents
        eventCount = events.count
        let now = SystemClock.milliseconds()
        let configuration = StoreConfiguration(
            directory: directory, watermarkPath: "\(directory)/watermark")
        store = try Store.open(configuration) { now }
        let target = StreamTarget(
            name: "benchmark", partition: PartitionID(stream: StreamID(rawValue: 1)),
            retention: .standard)
        recorder = BenchmarkRecorder(events, now: now, sink: sink, target: target)
        try store.start()
        try store.openPartition(target.partition, retention: target.retention)
    }

    func close() { store.close() }

    var all: [Stage] {
        Self.batches.map { batch in
            let name = "commit of \(batch), synced"
            return Stage(
                names: [
                    "\(name): commit thread, wake-ups included [cpu]",
                    "\(name): from taking the batch to its acknowledgement [elapsed]",
                    "\(name): the engine's write in it [elapsed]",
                ]
            ) {
                try await self.commit(batch)
            }
        }
    }

    private func commit(_ batch: Int) async throws -> [StageSample] {
        recorder.chunk.reset()
        for index in 0..<batch { recorder.copy(index % eventCount) }
        let commits = max(1, eventsPerRound / batch)
        // One before the figure: the processor time is read at the end of a commit.
        try await commitOnce()
        let before = try await settledStatistics(commits: committed)
        let processorBefore = sink.commitThreadNanoseconds
        let allocations = meter.allocationCount
        for _ in 0..<commits { try await commitOnce() }
        let events = commits * batch
        let processor = meter.sample(
            events, sink.commitThreadNanoseconds - processorBefore, since: allocations)
        let after = try await settledStatistics(commits: committed)
        let elapsed = after.commitTime.sumNanoseconds - before.commitTime.sumNanoseconds
        let written = after.writeTime.sumNanoseconds - before.writeTime.sumNanoseconds
        return [
            processor, meter.sample(events, elapsed, since: nil),
            meter.sample(events, written, since: nil),
        ]
    }

    private func commitOnce() async throws {
        // The chunk comes back as it was: what the commit thread patches it writes anew.
        sink.expected += recorder.chunk.count
        committed += 1
        try store.submit(recorder.chunk)
        _ = try await sink.settle()
    }

    /// The time of a commit is counted after its acknowledgement: waits for the last one's.
    private func settledStatistics(commits: UInt64) async throws -> StoreStatistics {
        while true {
            try Task.checkCancellation()
            let statistics = store.statistics
            if statistics.commitTime.count >= commits {
                guard statistics.commits == commits else {
                    throw StageBenchmarkError.unexpected("batches were not committed one by one")
                }
                return statistics
            }
            await Task.yield()
        }
    }
}
