import Dispatch
import Store
import Synchronization
import Vault

/// Takes note of what became of each token, and lets a test wait for it without a clock.
final class Outcomes: CommitSink {
    private struct State {
        var ended: [(token: UInt64, outcome: CommitOutcome)] = []
        var chunks: [EventChunk] = []
        var waiters: [(count: Int, continuation: CheckedContinuation<Void, Never>)] = []
    }

    private let state = Mutex(State())

    func didCommit(_ chunks: [EventChunk], outcome: CommitOutcome) {
        let ready = state.withLock { state in
            for chunk in chunks {
                for index in 0..<chunk.count {
                    state.ended.append((chunk.token(at: index).first, outcome))
                }
            }
            state.chunks.append(contentsOf: chunks)
            let ready = state.waiters.filter { $0.count <= state.ended.count }
            state.waiters.removeAll { $0.count <= state.ended.count }
            return ready
        }
        for waiter in ready { waiter.continuation.resume() }
    }

    var count: Int { get async { state.withLock { $0.ended.count } } }
    var ended: [(token: UInt64, outcome: CommitOutcome)] { state.withLock { $0.ended } }
    var durable: [UInt64] { ended.filter { $0.outcome == .durable }.map(\.token) }
    var failed: [UInt64] { ended.filter { $0.outcome != .durable }.map(\.token) }

    /// The chunks that came back and were not taken yet.
    func takeChunks() -> [EventChunk] {
        state.withLock { state in
            defer { state.chunks = [] }
            return state.chunks
        }
    }

    func waits(for count: Int) async {
        await withCheckedContinuation { continuation in
            let isReady = state.withLock { state in
                if state.ended.count >= count { return true }
                state.waiters.append((count, continuation))
                return false
            }
            if isReady { continuation.resume() }
        }
    }
}

/// The store as the vault sees it, with a gate in front of the index: who looks up a key waits
/// there while it is shut.
final class GatedKeys: KeyStore {
    private struct State {
        var store: Store?
        var isShut = false
        var passes = 0
        var fails = false
        var arrived = 0
        var waiters: [CheckedContinuation<Void, Never>] = []
    }

    private let state = Mutex(State())
    private let gate = DispatchSemaphore(value: 0)

    var store: Store? {
        get { state.withLock { $0.store } }
        set { state.withLock { $0.store = newValue } }
    }

    /// Look-ups fail from now on.
    var fails: Bool {
        get { state.withLock { $0.fails } }
        set { state.withLock { $0.fails = newValue } }
    }

    /// Shuts the gate after this many more look-ups.
    func shut(after passes: Int = 0) {
        state.withLock { state in
            state.isShut = true
            state.passes = passes
        }
    }

    func open() {
        let waiting = state.withLock { state in
            state.isShut = false
            defer { state.arrived = 0 }
            return state.arrived
        }
        for _ in 0..<waiting { gate.signal() }
    }

    /// Until somebody stands at the gate.
    func waitsForArrival() async {
        await withCheckedContinuation { continuation in
            let isThere = state.withLock { state in
                if state.arrived > 0 { return true }
                state.waiters.append(continuation)
                return false
            }
            if isThere { continuation.resume() }
        }
    }

    func readIndex(_ key: [UInt8]) throws(StoreError) -> [UInt8]? {
        let (mustWait, waiters) = state.withLock { state in
            guard state.isShut else { return (false, [CheckedContinuation<Void, Never>]()) }
            if state.passes > 0 {
                state.passes -= 1
                return (false, [])
            }
            state.arrived += 1
            defer { state.waiters = [] }
            return (true, state.waiters)
        }
        for waiter in waiters { waiter.resume() }
        if mustWait { gate.wait() }
        if fails { throw .io("made to fail") }
        guard let store else { throw .closed }
        return try store.readIndex(key)
    }

    func readKey(_ link: KeyLink) throws(StoreError) -> [UInt8]? {
        guard let store else { throw .closed }
        return try store.readKey(link)
    }

    func submit(
        _ mutations: [Mutation],
        completion: (@Sendable (Result<CommitReceipt, StoreError>) -> Void)?
    ) throws(StoreError) {
        guard let store else { throw .closed }
        try store.submit(mutations, completion: completion)
    }
}

/// Holds the commit thread, or makes its writes fail.
final class Faults: CommitObserver {
    private struct State {
        var holds = false
        var failsWrites = false
        var waiting = 0
        var arrivals: [CheckedContinuation<Void, Never>] = []
    }

    private let state = Mutex(State())
    private let gate = DispatchSemaphore(value: 0)

    var failsWrites: Bool {
        get { state.withLock { $0.failsWrites } }
        set { state.withLock { $0.failsWrites = newValue } }
    }

    var holdsCommits: Bool {
        get { state.withLock { $0.holds } }
        set {
            let waiting = state.withLock { state in
                state.holds = newValue
                guard !newValue else { return 0 }
                defer { state.waiting = 0 }
                return state.waiting
            }
            for _ in 0..<waiting { gate.signal() }
        }
    }

    /// Until the commit thread stands still with a batch in its hands.
    func waitsForHeldCommit() async {
        await withCheckedContinuation { continuation in
            let isThere = state.withLock { state in
                if state.waiting > 0 { return true }
                state.arrivals.append(continuation)
                return false
            }
            if isThere { continuation.resume() }
        }
    }

    func willWrite(_ batch: CommitFacts) throws(StoreError) {
        let (holds, arrivals) = state.withLock { state in
            guard state.holds else { return (false, [CheckedContinuation<Void, Never>]()) }
            state.waiting += 1
            defer { state.arrivals = [] }
            return (true, state.arrivals)
        }
        for arrival in arrivals { arrival.resume() }
        if holds { gate.wait() }
        if failsWrites { throw .io("made to fail") }
    }

    func didWrite(_ batch: CommitFacts, syncs: UInt64) throws(StoreError) {}
    func willAcknowledge(_ batch: CommitFacts, syncs: UInt64) {}
}
