import AuditProof
import Buckets
import Logging
import Query
import Store
import Synchronization

/// One exporter at work.
///
/// A batch has four points of no return, each durable before the next: its plan (range and name),
/// its objects, its manifest, its position. Dying between any two of them repeats from the plan,
/// which writes the same bytes to the same names, so each event is in exactly one object.
///
/// `work` is called by one task at a time; everything else from any thread.
final class Exporter: Sendable {
    struct State {
        var definition: ExporterDefinition
        var progress: ExporterProgress
        /// Of the progress document.
        var revision: UInt64
        var isBusy = false
        var isRemoved = false
        var failures = 0
        var error: String?
        var retryAt: Milliseconds = 0
        /// When the next round begins.
        var dueAt: Milliseconds
        var oldestAt: Milliseconds?
        var hasAlarmed = false
    }

    static let retryMillisecondsMin: Milliseconds = 500
    static let retryMillisecondsMax: Milliseconds = 300_000

    let context: ExportContext
    let state: Mutex<State>

    init(
        _ definition: ExporterDefinition, progress: ExporterProgress, revision: UInt64,
        context: ExportContext
    ) {
        self.context = context
        // The first round begins at once: events that are there already need not wait.
        let dueAt = progress.lastRoundAt.map {
            $0 + Milliseconds(definition.intervalSeconds) * 1_000
        }
        state = Mutex(
            State(
                definition: definition, progress: progress, revision: revision,
                dueAt: dueAt ?? definition.createdAt))
    }

    var definition: ExporterDefinition { state.withLock { $0.definition } }

    /// A definition that was changed; its name and stream stay.
    func redefine(_ definition: ExporterDefinition) {
        state.withLock { state in
            state.definition = definition
        }
    }

    /// Somebody has mended what failed, and waits to see whether it works now.
    func retry() { state.withLock { $0.retryAt = 0 } }

    /// It was deleted: what it does now is the last thing.
    func remove() { state.withLock { $0.isRemoved = true } }

    /// Takes the exporter for `work` if there is something to do; `finish` gives it back.
    func take(now: Milliseconds) -> Bool {
        state.withLock { state in
            guard !state.isBusy, !state.isRemoved, !state.definition.isPaused,
                state.retryAt <= now, !state.progress.plans.isEmpty || state.dueAt <= now
            else { return false }
            state.isBusy = true
            return true
        }
    }

    /// One round, after `take`: what was planned before, then everything up to where the stream
    /// ends now.
    func work() async {
        do throws(ExportError) {
            try await round()
            didSucceed()
        } catch {
            if case .ended = error {
                // Deleted or stopping: nothing more is done. Should it be neither, not at once.
                let now = context.clock()
                state.withLock { $0.retryAt = now + 1_000 }
            } else {
                didFail(error)
            }
        }
        await findOldest()
        state.withLock { $0.isBusy = false }
    }

    private func round() async throws(ExportError) {
        for plan in state.withLock({ $0.progress.plans }) {
            try await export(plan)
        }
        let now = context.clock()
        let definition = definition
        guard state.withLock({ $0.dueAt <= now }) else { return }
        let reader = try context.reader(definition)
        let partitions = reader.target.names.stream.partitions
        // Taken once: a busy stream does not keep this round from its end.
        let tails = (0..<partitions).map { context.query.tail(reader, partition: $0) }
        for partition in 0..<partitions {
            while !isStopping, state.withLock({ $0.progress.next(partition) }) < tails[partition] {
                guard
                    let plan = try await plan(
                        reader, definition, partition: partition, tail: tails[partition])
                else { continue }
                try await export(plan)
            }
        }
        state.withLock { state in
            state.dueAt = now + Milliseconds(state.definition.intervalSeconds) * 1_000
        }
    }

    private var isStopping: Bool {
        Task.isCancelled || state.withLock { $0.isRemoved || $0.definition.isPaused }
    }

    /// Fixes the next range and writes it down. nil: there was nothing to export in it, and the
    /// position has moved behind it.
    private func plan(
        _ reader: Query.Reader, _ definition: ExporterDefinition, partition: Int, tail: Offset
    ) async throws(ExportError) -> BatchPlan? {
        let first = state.withLock { $0.progress.next(partition) }
        let measure: Query.RangeMeasure
        do throws(QueryError) {
            measure = try await context.query.measure(
                reader, partition: partition, first: first, end: tail,
                bytesMax: definition.batchBytesMax)
        } catch {
            throw ExportError(error)
        }
        guard measure.end > first else { throw .store(.corrupt("a range does not end")) }
        let now = context.clock()
        guard measure.events > 0 else {
            let length = measure.end.rawValue - first.rawValue
            let lost = length - min(length, UInt64(measure.dropped))
            try await save(
                ExportRecord.lost(lost, definition, reader, partition, first, measure.end)
            ) { progress in
                progress.move(partition, to: measure.end)
                progress.lostEvents += lost
                progress.lastRoundAt = now
            }
            return nil
        }
        guard
            let object = ObjectNaming.data(
                definition, partition: partition, first: first, end: measure.end, plannedAt: now)
        else { throw .bucket(.invalid(pointer: "/pathPrefix", expected: "a shorter prefix")) }
        let plan = BatchPlan(
            partition: partition, first: first.rawValue, end: measure.end.rawValue, plannedAt: now,
            firstEventAt: measure.firstAt, lastEventAt: measure.lastAt, object: object)
        try await save([]) { progress in
            progress.plans.append(plan)
            progress.lastRoundAt = now
        }
        return plan
    }

    /// Uploads a planned range, then moves the position together with the audit entry.
    private func export(_ plan: BatchPlan) async throws(ExportError) {
        let definition = definition
        let reader = try context.reader(definition)
        let outcome = try await upload(plan, definition, reader)
        let manifest = outcome.manifest
        var records = ExportRecord.lost(
            manifest.expired, definition, reader, plan.partition, Offset(rawValue: plan.first),
            Offset(rawValue: plan.end))
        if manifest.content.events > 0 {
            records.append(ExportRecord.batch(outcome, reader))
        }
        let now = context.clock()
        try await save(records) { progress in
            progress.plans.removeAll { $0 == plan }
            progress.move(plan.partition, to: Offset(rawValue: plan.end))
            progress.lostEvents += manifest.expired
            guard manifest.content.events > 0 else { return }
            progress.batches += 1
            progress.events += UInt64(manifest.content.events)
            progress.bytes += manifest.bytes
            progress.lastObject = plan.object
            progress.lastBatchAt = now
        }
        didSucceed()
    }

    private func upload(
        _ plan: BatchPlan, _ definition: ExporterDefinition, _ reader: Query.Reader
    ) async throws(ExportError) -> BatchUpload.Outcome {
        let names = reader.target.names
        let bucket = try await context.openBucket(definition.connector, context)
        let upload = BatchUpload(
            context: context, reader: reader, bucket: bucket,
            manifest: BatchManifest(
                exporter: definition, stream: names.stream.name, derivedStream: names.derived,
                retention: names.stream.retention, plan: plan))
        do throws(ExportError) {
            let outcome = try await upload.run()
            await bucket.close()
            return outcome
        } catch {
            await bucket.close()
            throw error
        }
    }
}
