import AuditProof
import Buckets
import Logging
import Query
import Store
import Synchronization

/// One exporter at work.
///
/// A batch has five points of no return, each durable before the next: its plan (range and name),
/// its objects, the note of what they hold, its manifest, its position. Dying before the note
/// repeats from the plan, which writes the same bytes to the same names; dying after it repeats the
/// manifest alone. So each event is in exactly one object.
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
    /// After so long a turn ends with its batch, so that a long backlog leaves room for others.
    static let turnMilliseconds: Milliseconds = 30_000

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

    /// It was deleted: nothing of what it does now leaves any more.
    func remove() { state.withLock { $0.isRemoved = true } }

    /// Takes the exporter for `work` if there is something to do; its end gives it back.
    func take(now: Milliseconds) -> Bool {
        state.withLock { state in
            // A clock that was far ahead and was put right must not make it wait for years.
            let interval = Milliseconds(state.definition.intervalSeconds) * 1_000
            if state.dueAt > now + interval { state.dueAt = now }
            if state.retryAt > now + Self.retryMillisecondsMax { state.retryAt = now }
            guard !state.isBusy, !state.isRemoved, !state.definition.isPaused,
                state.retryAt <= now, !state.progress.plans.isEmpty || state.dueAt <= now
            else { return false }
            state.isBusy = true
            return true
        }
    }

    /// One turn, after `take`: what was planned before, then what has come, up to where the stream
    /// ends now, or until others should have their turn.
    func work() async {
        do throws(ExportError) {
            try await turn()
            didSucceed()
        } catch {
            if case .ended = error, Task.isCancelled || state.withLock({ $0.isRemoved }) {
                // Nothing more is done, and nothing has failed.
            } else {
                didFail(error)
            }
        }
        await findOldest()
        state.withLock { $0.isBusy = false }
    }

    private func turn() async throws(ExportError) {
        let start = context.clock()
        for plan in state.withLock({ $0.progress.plans }) {
            try await export(plan)
        }
        let definition = definition
        guard state.withLock({ $0.dueAt <= start }) else { return }
        let reader = try context.reader(definition)
        // Taken once: a busy stream does not keep this turn from its end.
        let tails = reader.target.source.partitionIDs.map { context.store.tail($0) }
        for (partition, tail) in tails.enumerated() {
            while state.withLock({ $0.progress.next(partition) }) < tail {
                // What is left is taken up in the next turn, which is due at once.
                if isStopping || context.clock() - start > Self.turnMilliseconds { return }
                guard
                    let plan = try await plan(
                        reader, definition, partition: partition, tail: tail)
                else { continue }
                try await export(plan)
            }
        }
        state.withLock { state in
            state.dueAt = start + Milliseconds(state.definition.intervalSeconds) * 1_000
        }
    }

    private var isStopping: Bool {
        Task.isCancelled || state.withLock { $0.isRemoved || $0.definition.isPaused }
    }

    /// Whether it was deleted, perhaps a moment ago: its progress is gone or another's.
    private var isEnded: Bool {
        let (isRemoved, name, revision) = state.withLock {
            ($0.isRemoved, $0.definition.name, $0.revision)
        }
        return isRemoved
            || context.store.document(ExporterProgress.key(name))?.revision != revision
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
            try await giveUp(lost, definition, reader, partition, first, measure.end)
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

    /// Moves behind a range of which nothing is to be exported: what did not consent, and what has
    /// expired.
    private func giveUp(
        _ lost: UInt64, _ definition: ExporterDefinition, _ reader: Query.Reader,
        _ partition: Int, _ first: Offset, _ end: Offset
    ) async throws(ExportError) {
        if lost > 0 {
            guard await context.clockIsTrusted() else { throw .clockNotTrusted }
        }
        let now = context.clock()
        try await save(
            ExportRecord.lost(lost, definition, reader, partition, first, end)
        ) { progress in
            progress.plans.removeAll { $0.partition == partition }
            progress.move(partition, to: end)
            progress.lostEvents += lost
            progress.lastRoundAt = now
        }
    }

    /// Uploads a planned range, writes down what lies there, adds the manifest, and moves the
    /// position together with the audit entry.
    private func export(_ plan: BatchPlan) async throws(ExportError) {
        let definition = definition
        let bucket = try await context.openBucket(definition.connector, context)
        do throws(ExportError) {
            try await export(plan, definition, bucket)
            await bucket.close()
        } catch {
            await bucket.close()
            throw error
        }
        didSucceed()
        await findOldest()
    }

    private func export(
        _ plan: BatchPlan, _ definition: ExporterDefinition, _ bucket: any Bucket
    ) async throws(ExportError) {
        let reader = try context.reader(definition)
        let upload = BatchUpload(
            context: context, exporter: definition, plan: plan, bucket: bucket,
            isEnded: { self.isEnded })
        let (first, end) = (Offset(rawValue: plan.first), Offset(rawValue: plan.end))
        let written: WrittenBatch
        if let known = plan.written {
            written = known
        } else {
            guard let made = try await upload.write() else {
                return try await giveUp(
                    plan.end - plan.first, definition, reader, plan.partition, first, end)
            }
            written = made
            try await save([]) { progress in
                for index in progress.plans.indices where progress.plans[index].isSame(as: plan) {
                    progress.plans[index].written = made
                }
            }
        }
        let source = reader.target.source
        let manifest = BatchManifest(
            exporter: definition, stream: source.name,
            derivedStream: reader.target.derived?.name,
            retention: source.retention, plan: plan, written: written)
        let sha256 = try await upload.writeManifest(manifest)
        let lost = plan.expired(written.content)
        let now = context.clock()
        try await save(
            ExportRecord.lost(lost, definition, reader, plan.partition, first, end)
                + [ExportRecord.batch(manifest, sha256: sha256, reader)]
        ) { progress in
            progress.plans.removeAll { $0.isSame(as: plan) }
            progress.move(plan.partition, to: end)
            progress.lostEvents += lost
            progress.batches += 1
            progress.events += UInt64(written.content.events)
            progress.bytes += written.bytes
            progress.lastObject = plan.object
            progress.lastBatchAt = now
        }
    }
}
