package import Contracts
package import Store
import Synchronization
import Vault

/// Kept refused events go through the gate again, as if they had just been sent: they are decoded,
/// checked and sealed as events of now, and what is refused again stays kept.
extension Ingest {
    /// What became of one of them.
    package enum ReplayOutcome: Sendable {
        /// Durable, and so is the mark that keeps it from being replayed again.
        case accepted
        case refused(Refusal)
        /// It was sent before its person was erased.
        case subjectErased
        /// Its person was erased with a fence.
        case subjectFenced
        /// The key or the store could not be had; nothing was stored.
        case failed(StoreError)
    }

    /// `rejectedAt`: when it was kept, ms since 1970.
    package typealias Replayed = (rejection: Offset, rejectedAt: Milliseconds, body: RefusedBody)

    /// What was refused is kept some time later: the commit may have to wait.
    private static let keptLateMax: Milliseconds = 60_000

    /// Replays a group: what is accepted of it is one commit, in which each event stands with its
    /// ``ReplayMark``, so that after a crash either both are there or neither.
    ///
    /// The caller holds `replays` for the stream and has left out what was replayed before. Blocks a
    /// reader thread of the store's. Memory: the group.
    /// - Returns: one outcome for each, in order.
    package func replay(
        _ group: [Replayed], to target: StreamTarget, now: Milliseconds
    ) async -> [ReplayOutcome] {
        let sink = ReplaySink()
        let chunk = EventChunk(sink: sink)
        let outcomes: [ReplayOutcome]
        do {
            outcomes = try await store.readers.run { self.seal(group, target, now, into: chunk) }
        } catch {
            let failure = error as? StoreError ?? .closed
            return group.map { _ in .failed(failure) }
        }
        guard !chunk.isEmpty else { return outcomes }
        guard case .failed(let error) = await sink.outcome(of: chunk, in: store) else {
            return outcomes
        }
        return outcomes.map { outcome in
            guard case .accepted = outcome else { return outcome }
            return .failed(error)
        }
    }

    private func seal(
        _ group: [Replayed], _ target: StreamTarget, _ now: Milliseconds, into chunk: EventChunk
    ) -> [ReplayOutcome] {
        let decoder = EventDecoder(registry: registry, limits: limits.event)
        let recorder = EventRecorder(billingID: billingID)
        return group.map { replayed in
            do throws(Refusal) {
                try decode(replayed.body, decoder)
                if let refusal = recorder.refusal(json: decoder.json, spans: decoder.spans) {
                    return .refused(refusal)
                }
            } catch {
                return .refused(error)
            }
            let token = CommitToken(first: replayed.rejection.rawValue, second: 0)
            let stream = target.partition.stream
            guard !isErased(replayed, decoder, stream) else { return .subjectErased }
            do throws(VaultError) {
                let isRecorded = try vault.withKey(
                    stream: stream, retention: target.retention,
                    keyValue: decoder.keyValue, subject: decoder.subjectValue, now: now
                ) { key -> Bool in
                    // Again: who was erased a moment ago has got a new key.
                    guard !isErased(replayed, decoder, stream) else { return false }
                    recorder.record(
                        json: decoder.json, spans: decoder.spans,
                        contract: decoder.contract.number, consent: decoder.consentLevels,
                        key: key, target: target, now: now, token: token, into: chunk)
                    return true
                }
                guard isRecorded else { return .subjectErased }
            } catch {
                return error == .subjectFenced
                    ? .subjectFenced : .failed(SlowLane.storeError(for: error))
            }
            ReplayMark(rejection: replayed.rejection).append(
                to: chunk, stream: stream, retention: target.retention,
                now: now, token: token)
            return .accepted
        }
    }

    /// What a person had sent before an erasure must not come back.
    private func isErased(
        _ replayed: Replayed, _ decoder: EventDecoder, _ stream: StreamID
    ) -> Bool {
        guard let subject = decoder.subjectValue else { return false }
        return vault.wasErased(
            subject, in: stream, since: replayed.rejectedAt - Self.keptLateMax)
    }

    private func decode(_ refused: RefusedBody, _ decoder: EventDecoder) throws(Refusal) {
        let ref = refused.schemaRef ?? []
        let result = refused.body.withUnsafeBytes { body in
            ref.withUnsafeBytes { ref in
                Result { () throws(Refusal) in
                    try decoder.decode(
                        body, format: refused.format,
                        schemaRef: refused.schemaRef == nil ? nil : ref)
                }
            }
        }
        try result.get()
    }
}

/// One replay at a time of each stream: what the one has stored, the next one must see.
package final class ReplayGate: Sendable {
    private let streams = Mutex<Set<StreamID>>([])

    /// False: one is running. After true, `leave` must follow.
    package func enter(_ stream: StreamID) -> Bool {
        streams.withLock { $0.insert(stream).inserted }
    }

    package func leave(_ stream: StreamID) {
        streams.withLock { _ = $0.remove(stream) }
    }
}

/// Waits for one chunk.
private final class ReplaySink: CommitSink {
    private let waiter = Mutex<CheckedContinuation<CommitOutcome, Never>?>(nil)

    func outcome(of chunk: EventChunk, in store: Store) async -> CommitOutcome {
        await withCheckedContinuation { continuation in
            waiter.withLock { $0 = continuation }
            do throws(StoreError) {
                try store.submit(chunk)
            } catch {
                waiter.withLock { $0 = nil }
                continuation.resume(returning: .failed(error))
            }
        }
    }

    func didCommit(_ chunks: [EventChunk], outcome: CommitOutcome) {
        let waiting = waiter.withLock { waiter in
            defer { waiter = nil }
            return waiter
        }
        waiting?.resume(returning: outcome)
    }
}
