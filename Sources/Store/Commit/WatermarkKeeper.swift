import Synchronization

/// Knows what is durable and brings it to the watermark file, at most a second behind and never on
/// the way of an acknowledgement.
final class WatermarkKeeper: Sendable {
    private struct State {
        var sequence: UInt64
        var audit: [UInt8]
        var isDirty = false
    }

    /// Held while the file is written: one writer at a time.
    private struct Output {
        let file: WatermarkFile
        var generation: UInt64
        var time: Milliseconds
    }

    private let state: Mutex<State>
    private let output: Mutex<Output>
    private let table: PartitionTable

    init(path: String, last: Watermark?, sequence: UInt64, table: PartitionTable) {
        state = Mutex(State(sequence: sequence, audit: last?.audit ?? []))
        output = Mutex(
            Output(
                file: WatermarkFile(path: path), generation: last?.generation ?? 0,
                time: last?.time ?? 0))
        self.table = table
    }

    /// After a sync: everything up to `sequence` is on disk. `audit` nil: as before.
    func didSync(sequence: UInt64, audit: [UInt8]?) {
        precondition(
            audit?.count ?? 0 <= Watermark.auditBytesMax, "the audit log's watermark is too long")
        state.withLock {
            $0.sequence = sequence
            if let audit { $0.audit = audit }
            $0.isDirty = true
        }
    }

    /// Writes the file if something became durable since the last time. Durable on return.
    func writeIfDirty(now: Milliseconds, always: Bool = false) throws(StoreError) {
        try output.withLock { output throws(StoreError) in
            let snapshot = state.withLock { state -> State? in
                guard state.isDirty || always else { return nil }
                let snapshot = state
                state.isDirty = false
                return snapshot
            }
            guard let snapshot else { return }
            var watermark = Watermark()
            watermark.generation = output.generation + 1
            watermark.time = now
            watermark.sequence = snapshot.sequence
            watermark.audit = snapshot.audit
            // Read after the sequence, so possibly newer: but only what is durable is in the table.
            watermark.heads = table.heads()
            do throws(StoreError) {
                try output.file.write(watermark)
            } catch {
                state.withLock { $0.isDirty = true }
                throw error
            }
            output.generation = watermark.generation
            output.time = now
        }
    }

    /// When the file was last written; ms since 1970.
    var time: Milliseconds { output.withLock { $0.time } }
}
