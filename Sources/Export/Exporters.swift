import AuditProof
package import Store
import Synchronization

/// All exporters, and the loop that lets them work.
package final class Exporters: Sendable {
    /// How often it is looked whether one is due.
    private static let periodMilliseconds = 200
    /// How often the oldest unexported event of an idle exporter is looked for.
    private static let lookMilliseconds: Milliseconds = 10_000

    package let context: ExportContext
    private let state = Mutex((exporters: [String: Exporter](), running: 0, lookedAt: Int64(0)))

    package init(context: ExportContext) {
        self.context = context
    }

    /// Takes over what the catalog says: at the start, and after each change of an exporter. The
    /// progress of those that are known stays as it is in memory.
    /// - Parameter definitions: called under a lock, so that of two updates at the same moment the
    ///   one that looked later also comes later.
    /// - Throws: `.corrupt` if the progress of a new one cannot be read.
    package func update(
        _ definitions: @Sendable () -> [ExporterDefinition]
    ) throws(StoreError) {
        try state.withLock { (state) throws(StoreError) in
            var exporters: [String: Exporter] = [:]
            for definition in definitions() {
                if let known = state.exporters[definition.name],
                    known.definition.createdAt == definition.createdAt
                {
                    known.redefine(definition)
                    exporters[definition.name] = known
                } else {
                    exporters[definition.name] = try make(definition)
                }
            }
            for (name, exporter) in state.exporters where exporters[name] !== exporter {
                exporter.remove()
            }
            state.exporters = exporters
        }
    }

    /// nil: it has no progress, because somebody deletes it at this moment.
    private func make(_ definition: ExporterDefinition) throws(StoreError) -> Exporter? {
        guard let document = context.store.document(ExporterProgress.key(definition.name)) else {
            return nil
        }
        return Exporter(
            definition, progress: try ExporterProgress(document), revision: document.revision,
            context: context)
    }

    /// Lets a failing exporter try again at once.
    package func retry(_ name: String) { state.withLock { $0.exporters[name] }?.retry() }

    package func status(_ name: String) -> ExporterStatus? {
        state.withLock { $0.exporters[name] }?.status
    }

    /// Of all, by name.
    package var statuses: [ExporterStatus] {
        state.withLock { Array($0.exporters.values) }.map(\.status)
            .sorted { $0.definition.name < $1.definition.name }
    }

    /// What verifies the manifests of today.
    package var verifierKey: String { context.signer().key.description }

    /// Lets exporters work until the task is cancelled. What is on its way then is given up; the
    /// next start begins with its plan.
    package func run() async {
        await withDiscardingTaskGroup { group in
            while !Task.isCancelled {
                for exporter in due(now: context.clock()) {
                    group.addTask {
                        await exporter.work()
                        self.state.withLock { $0.running -= 1 }
                    }
                }
                await look()
                do {
                    try await Task.sleep(for: .milliseconds(Self.periodMilliseconds))
                } catch {
                    break
                }
            }
            group.cancelAll()
        }
    }

    /// Takes those that are due, as many as may run; whoever waits longest comes first.
    private func due(now: Milliseconds) -> [Exporter] {
        state.withLock { state in
            var taken: [Exporter] = []
            let waiting = state.exporters.values.sorted { $0.dueAt < $1.dueAt }
            for exporter in waiting
            where state.running < context.batchesInFlightMax && exporter.take(now: now) {
                state.running += 1
                taken.append(exporter)
            }
            return taken
        }
    }

    private func look() async {
        let now = context.clock()
        let exporters = state.withLock { state -> [Exporter] in
            guard now - state.lookedAt >= Self.lookMilliseconds || now < state.lookedAt else {
                return []
            }
            state.lookedAt = now
            return Array(state.exporters.values)
        }
        for exporter in exporters where !exporter.isBusy { await exporter.findOldest() }
    }
}

extension Exporter {
    var dueAt: Milliseconds { state.withLock { max($0.dueAt, $0.retryAt) } }
    var isBusy: Bool { state.withLock { $0.isBusy } }
}
