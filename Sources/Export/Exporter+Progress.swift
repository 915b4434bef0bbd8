import Audit
import Logging
import Query
import Store
import Synchronization

extension Exporter {
    /// Writes the progress with what is to be recorded, all or nothing, and takes it over.
    /// - Throws: `.ended` if the exporter was deleted meanwhile.
    func save(
        _ records: [AuditEntry], _ change: (inout ExporterProgress) -> Void
    ) async throws(ExportError) {
        var (progress, revision, name) = state.withLock {
            ($0.progress, $0.revision, $0.definition.name)
        }
        change(&progress)
        do throws(StoreError) {
            let key = ExporterProgress.key(name)
            let receipt = try await context.store.commit(
                [try progress.mutation(name, expectedRevision: revision)]
                    + records.map { .audit(AuditLog.draft($0)) })
            guard let written = receipt.documentRevisions[key] else {
                throw .io("the store does not tell the revision of a document")
            }
            revision = written
        } catch {
            throw ExportError(error)
        }
        state.withLock { state in
            state.progress = progress
            state.revision = revision
        }
    }

    func didSucceed() {
        let (name, failures) = state.withLock { state in
            defer {
                state.failures = 0
                state.error = nil
                state.retryAt = 0
            }
            return (state.definition.name, state.failures)
        }
        guard failures > 0 else { return }
        context.logger.notice(
            "an exporter works again",
            metadata: ["exporter": "\(name)", "failures": "\(failures)"])
    }

    /// The pause doubles from half a second to five minutes; a random half of it, so that exporters
    /// that failed together do not come back together.
    func didFail(_ error: ExportError) {
        let now = context.clock()
        let text = error.description
        let (name, isNew) = state.withLock { state in
            let doubled = Self.retryMillisecondsMin << Milliseconds(min(state.failures, 20))
            let pause = min(doubled, Self.retryMillisecondsMax)
            state.retryAt = now + pause / 2 + Milliseconds.random(in: 0...pause / 2)
            state.failures += 1
            defer { state.error = text }
            return (state.definition.name, state.error != text)
        }
        // Once, not every few seconds for days.
        guard isNew else { return }
        context.logger.warning(
            "an exporter failed, and will try again",
            metadata: ["exporter": "\(name)", "error": "\(text)"])
    }

    /// Looks for the oldest event that is not exported, and warns when retention is about to take
    /// it. One look at the disk if there is any.
    func findOldest() async {
        let (definition, progress) = state.withLock { ($0.definition, $0.progress) }
        guard let target = context.target(definition.stream) else { return }
        let source = target.source
        let reader = Query.Reader(
            client: ExportContext.client(definition.name), role: ExportContext.role,
            target: .stream(source))
        var oldest: Milliseconds?
        for (partition, id) in source.partitionIDs.enumerated() {
            let (next, tail) = (progress.next(partition), context.store.tail(id))
            guard next < tail else { continue }
            // What cannot be read now is looked for again in the next round.
            guard
                let found = try? await context.query.measure(
                    reader, partition: partition, first: next, end: tail, bytesMax: 1
                ).oldestAt
            else { continue }
            oldest = min(oldest ?? found, found)
        }
        let now = context.clock()
        let mustWarn = state.withLock { state in
            state.oldestAt = oldest
            let isNear =
                oldest.map {
                    ExporterStatus.isNear(
                        lossAt: $0 + source.retention.milliseconds, now: now,
                        retention: source.retention)
                } ?? false
            defer { state.hasAlarmed = isNear }
            return isNear && !state.hasAlarmed
        }
        if mustWarn {
            context.logger.error(
                "retention is about to take events that are not exported",
                metadata: ["exporter": "\(definition.name)"])
        }
    }

    /// Memory only.
    var status: ExporterStatus {
        let state = state.withLock { $0 }
        let definition = state.definition
        var status = ExporterStatus(
            definition: definition, progress: state.progress,
            state: definition.isPaused ? .paused : state.error == nil ? .running : .failing,
            error: state.error, failures: state.failures,
            retryAt: state.retryAt > 0 ? state.retryAt : nil, lagEvents: 0)
        guard let target = context.target(definition.stream) else { return status }
        let source = target.source
        for (partition, id) in source.partitionIDs.enumerated() {
            let (tail, next) = (context.store.tail(id), state.progress.next(partition))
            if tail > next { status.lagEvents += tail.rawValue - next.rawValue }
        }
        guard status.lagEvents > 0, let oldest = state.oldestAt else { return status }
        status.oldestUnexportedAt = oldest
        let lossAt = oldest + source.retention.milliseconds
        status.lossAt = lossAt
        if ExporterStatus.isNear(
            lossAt: lossAt, now: context.clock(), retention: source.retention)
        {
            status.alarm = "retention takes events that are not exported from lossAt on"
        }
        return status
    }
}
