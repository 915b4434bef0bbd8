import Audit
package import Store

/// Opening kept refused events so that they go through the gate again. Nobody is shown anything; it
/// is on record all the same, once before the first body is opened and once with what became of it.
extension Query {
    /// Proof that a replay is on record: bodies are opened for it alone.
    package struct ReplayPermit: Sendable {
        package let stream: StreamDefinition
        /// Kept events, ascending, none twice.
        package let offsets: [Offset]
        fileprivate let client: String
        fileprivate let role: String
    }

    package static let replayMax = 1_000

    /// Which kept events of a stream were replayed. Blocks a reader thread.
    package func replayedOffsets(
        of stream: StreamDefinition
    ) async throws(QueryError) -> Set<UInt64> {
        let (store, replays, now) = (store, replays, clock())
        return try await onReaderThread { () throws(QueryError) in
            try replays.of(stream, store, now: now)
        }
    }

    /// Puts a replay on record; durable on return.
    /// - Parameter offsets: 1 to `replayMax`.
    /// - Throws: `.auditUnavailable`, and nothing may be replayed.
    package func permitReplay(
        of stream: StreamDefinition, offsets: Set<UInt64>, by client: String, role: String
    ) async throws(QueryError) -> ReplayPermit {
        guard (1...Self.replayMax).contains(offsets.count) else {
            throw .badRequest("1 to \(Self.replayMax) offsets")
        }
        let permit = ReplayPermit(
            stream: stream, offsets: offsets.sorted().map { Offset(rawValue: $0) },
            client: client, role: role)
        try await record(permit, detail: ["phase": "begun"])
        return permit
    }

    /// Opens some of the bodies, in order; those that have expired are left out.
    package func openRejections(
        _ permit: ReplayPermit, _ range: Range<Int>
    ) async throws(QueryError) -> [OpenedRejection] {
        try await openRejections(of: permit.stream, at: Array(permit.offsets[range]))
    }

    /// Puts on record how a replay ended. What was accepted is durable already.
    package func endReplay(
        _ permit: ReplayPermit, accepted: Int, refused: Int
    ) async throws(QueryError) {
        try await record(
            permit,
            detail: [
                "phase": "ended", "accepted": String(accepted), "refused": String(refused),
            ])
    }

    private func record(
        _ permit: ReplayPermit, detail: [String: String]
    ) async throws(QueryError) {
        guard let first = permit.offsets.first, let last = permit.offsets.last else { return }
        let entry = AuditEntry(
            act: .rejectionsReplayed, client: permit.client, role: permit.role,
            stream: permit.stream.name, offsets: (first, last), events: permit.offsets.count,
            detail: detail)
        do {
            try await audit.append(entry)
        } catch {
            if Task.isCancelled { throw .cancelled }
            throw .auditUnavailable(retryAfterSeconds: 1)
        }
    }
}
