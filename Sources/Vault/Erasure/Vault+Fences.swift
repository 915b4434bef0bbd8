package import Store
import Synchronization

/// Events of an erased person that are refused: new ones by a fence, and old ones that come again.
extension Vault {
    /// Events of the person in these streams are taken again. Durable on return; harmless if there
    /// is no fence. Blocks.
    /// - Returns: the streams where there was one.
    package func liftFence(
        of subject: UnsafeRawBufferPointer, streams: [StreamID],
        by actor: (client: String, role: String), now: Milliseconds
    ) throws(VaultError) -> [StreamID] {
        let store = try erasableStore()
        let all = Set(streams).map {
            Fence(
                stream: $0, subject: hashes.hash(subject, stream: $0, purpose: .subject))
        }
        let person = personHash(subject)
        return try acts.lock.withLock { _ throws(VaultError) in
            let standing = ledger.snapshot.fences.intersection(all)
                .sorted { $0.stream < $1.stream }
            guard !standing.isEmpty else { return [] }
            try ledger.append(at: now) { record in
                record.fenceLifted = LedgerRecord.FenceLifted(
                    client: actor.client, role: actor.role, person: person.hexadecimal,
                    subjects: standing.map { LedgerRecord.Subject($0) })
            }
            try applyLedger(store, isReplay: false)
            return standing.map(\.stream)
        }
    }

    /// The streams in which events of the person are refused.
    package func fencedStreams(
        of subject: UnsafeRawBufferPointer, streams: [StreamID]
    ) -> [StreamID] {
        streams.filter {
            ledger.isFenced(hashes.hash(subject, stream: $0, purpose: .subject), in: $0)
        }
    }

    /// True if an erasure of the person in the stream took effect at this time or later: that is
    /// when it was put on record. Memory only.
    package func wasErased(
        _ subject: UnsafeRawBufferPointer, in stream: StreamID, since time: Milliseconds
    ) -> Bool {
        ledger.wasErased(
            hashes.hash(subject, stream: stream, purpose: .subject), in: stream, since: time)
    }
}
