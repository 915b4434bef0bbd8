import Contracts
import Dispatch
import Glibc
import Privacy
package import Store
import Synchronization
import Vault

/// Keeps bodies of refused events for the streams that ask for it: seals each whole under a data key
/// of its own, before anything of it reaches a disk, and stores it in the stream's partition for
/// that (``KeptRejection``).
///
/// A thread of its own, because making a key may block. The refusal is answered without waiting for
/// it: what cannot be kept is counted, and changes no answer. Bounded in rate and memory. In memory
/// a body is in clear until it is sealed, and wiped then.
package final class RejectionKeeper: CommitSink {
    /// A body that waits, in the form that is sealed.
    ///
    /// `@unchecked Sendable`: filled by its maker, then handed over through the lock of the queue.
    private final class Waiting: @unchecked Sendable {
        let target: StreamTarget
        let about: KeptRejection
        let now: Milliseconds
        let plaintext: UnsafeMutableRawBufferPointer

        init(_ target: StreamTarget, _ about: KeptRejection, _ now: Milliseconds, bytes: Int) {
            self.target = target
            self.about = about
            self.now = now
            plaintext = .allocate(byteCount: bytes, alignment: 16)
        }

        deinit {
            wipe(plaintext)
            plaintext.deallocate()
        }
    }

    private struct State {
        var isRunning = false
        var waiting: [Waiting] = []
        /// Those of `waiting` and the ones that the thread has in hand.
        var unsealed = 0
        var unsealedBytes = 0
        /// By the stream's number; at most as many as there are streams that keep.
        var budgets: [UInt32: KeepingBudget] = [:]
        var statistics: [UInt32: KeepingStatistics] = [:]
        /// Bodies that were taken, and those of them that are stored or were given up.
        var taken = 0
        var ended = 0
        var settlers: [(taken: Int, continuation: CheckedContinuation<Void, Never>)] = []
    }

    private let vault: Vault
    private let store: Store
    private let limits: RejectionLimits
    private let state = Mutex(State())
    private let work = DispatchSemaphore(value: 0)
    private let stopped = DispatchSemaphore(value: 0)

    init(vault: Vault, store: Store, limits: RejectionLimits) {
        self.vault = vault
        self.store = store
        self.limits = limits
    }

    /// Starts the thread. A second call does nothing.
    func start() {
        let mustStart = state.withLock { state in
            defer { state.isRunning = true }
            return !state.isRunning
        }
        if mustStart { Thread.detach { self.run() } }
    }

    /// Takes nothing new, seals what waits, and returns when the thread has ended. Idempotent.
    func stop() {
        let wasRunning = state.withLock { state in
            defer { state.isRunning = false }
            return state.isRunning
        }
        guard wasRunning else { return }
        work.signal()
        stopped.wait()
    }

    /// Takes a copy of a body, if there is room. On any thread; takes a lock, and does not block.
    func offer(
        _ body: UnsafeRawBufferPointer, format: EventDecoder.Format,
        schemaRef: UnsafeRawBufferPointer?, refusal: Refusal, contract: ContractRef?,
        target: StreamTarget, now: Milliseconds
    ) {
        let isTaken = state.withLock { state in
            guard state.isRunning else { return false }
            if let reason = refuse(body.count, target, now, &state) {
                state.statistics[target.number, default: .init()].notKept[reason, default: 0] += 1
                return false
            }
            let about = KeptRejection(
                client: target.client, contract: contract?.description ?? "",
                kind: refusal.kind.rawValue, rule: refusal.rule, ruleId: refusal.ruleID,
                place: refusal.place, byteCount: body.count)
            let bytes = RefusedBody.byteCount(schemaRef: schemaRef, body: body.count)
            let waiting = Waiting(target, about, now, bytes: bytes)
            RefusedBody.write(
                body, format: format, schemaRef: schemaRef, into: waiting.plaintext)
            state.waiting.append(waiting)
            state.unsealed += 1
            state.unsealedBytes += bytes
            state.taken += 1
            return true
        }
        if isTaken { work.signal() }
    }

    private func refuse(
        _ bytes: Int, _ target: StreamTarget, _ now: Milliseconds, _ state: inout State
    ) -> KeepingStatistics.Reason? {
        guard bytes <= limits.bodyBytesMax else { return .tooLarge }
        guard state.unsealed < limits.waitingMax,
            state.unsealedBytes + bytes <= limits.waitingBytesMax
        else { return .busy }
        let isWithin = state.budgets[target.number, default: KeepingBudget()].take(
            bytes: bytes, now: now, limits: limits)
        return isWithin ? nil : .rate
    }

    /// Returns when all that was taken before the call is stored or given up, so that who reads
    /// afterwards finds it.
    package func settle() async {
        await withCheckedContinuation { continuation in
            let isSettled = state.withLock { state in
                guard state.ended < state.taken else { return true }
                state.settlers.append((state.taken, continuation))
                return false
            }
            if isSettled { continuation.resume() }
        }
    }

    /// Of one stream.
    package func statistics(of stream: StreamID) -> KeepingStatistics {
        state.withLock { $0.statistics[stream.rawValue] ?? KeepingStatistics() }
    }

    /// Of all streams that have any, by their number in the catalog.
    package var statistics: [UInt32: KeepingStatistics] { state.withLock { $0.statistics } }

    /// Forgets what was counted of a stream that was deleted.
    package func forget(stream: StreamID) {
        state.withLock { state in
            state.budgets[stream.rawValue] = nil
            state.statistics[stream.rawValue] = nil
        }
    }
}

// MARK: - Sealing and storing

extension RejectionKeeper {
    private func run() {
        while true {
            work.wait()
            while keepNext() {}
            if state.withLock({ !$0.isRunning && $0.waiting.isEmpty }) { break }
        }
        stopped.signal()
    }

    /// Seals the body that waits longest, and lets go of it: none lies in clear because others are
    /// in work. False: none waits.
    private func keepNext() -> Bool {
        guard
            let body = state.withLock({ state in
                state.waiting.isEmpty ? nil : state.waiting.removeFirst()
            })
        else { return false }
        keep(body)
        state.withLock { state in
            state.unsealed -= 1
            state.unsealedBytes -= body.plaintext.count
        }
        return true
    }

    private func keep(_ body: Waiting) {
        let chunk = EventChunk(sink: self)
        do throws(VaultError) {
            let target = body.target
            try vault.withSingleUseKey(
                stream: target.partition.stream, retention: target.retention, now: body.now
            ) { key in record(body, key, into: chunk) }
        } catch {
            return end(body.target.number, isKept: false)
        }
        do throws(StoreError) {
            try store.submit(chunk)
        } catch {
            end(body.target.number, isKept: false)
        }
    }

    private func record(_ body: Waiting, _ key: borrowing DataKey, into chunk: EventChunk) {
        let head = body.about.head(at: body.now)
        let plaintext = UnsafeRawBufferPointer(body.plaintext)
        let sealedCount = FieldCipher.sealedCount(plaintext.count)
        let room = chunk.begin(
            partition: PartitionID(stream: body.target.partition.stream, partition: .max),
            retention: body.target.retention, keyLink: key.keyLink, contract: 0,
            consent: ConsentLevels(bits: 0), timestamp: body.now, spanCount: 1,
            jsonCapacity: head.count + sealedCount + KeptRejection.end.count)
        room.copyBytes(from: head)
        var cipher = FieldCipher()
        let keyID = key.keyID
        key.withBytes { cipher.setKey($0, keyID: keyID) }
        let sealed = cipher.seal(
            plaintext, into: UnsafeMutableRawBufferPointer(rebasing: room[head.count...]))
        UnsafeMutableRawBufferPointer(rebasing: room[(head.count + sealed)...])
            .copyBytes(from: KeptRejection.end)
        let span = SealedSpan(
            start: UInt32(head.count), length: UInt32(sealed), fieldIndex: 0,
            level: KeptRejection.level)
        withUnsafePointer(to: span) {
            chunk.end(
                jsonCount: head.count + sealed + KeptRejection.end.count,
                spans: UnsafeBufferPointer(start: $0, count: 1),
                timestampDigitsAt: KeptRejection.timestampDigitsAt,
                token: CommitToken(first: UInt64(body.target.number), second: 0))
        }
    }

    package func didCommit(_ chunks: [EventChunk], outcome: CommitOutcome) {
        for chunk in chunks {
            for index in 0..<chunk.count {
                end(
                    UInt32(truncatingIfNeeded: chunk.token(at: index).first),
                    isKept: outcome == .durable)
            }
        }
    }

    private func end(_ stream: UInt32, isKept: Bool) {
        let settled = state.withLock { state in
            if isKept {
                state.statistics[stream, default: .init()].kept += 1
            } else {
                state.statistics[stream, default: .init()].notKept[.failed, default: 0] += 1
            }
            state.ended += 1
            let ended = state.ended
            let settled = state.settlers.filter { $0.taken <= ended }
            state.settlers.removeAll { $0.taken <= ended }
            return settled
        }
        for settler in settled { settler.continuation.resume() }
    }
}

extension StreamTarget {
    fileprivate var number: UInt32 { partition.stream.rawValue }
}
