/// Lends the engine to reads, and lets `close` wait until the last of them has left.
///
/// `@unchecked Sendable`: all mutable state is read and written with `lock` held.
final class EngineGate: @unchecked Sendable {
    private let lock = ConditionLock()
    private var engine: Engine?
    private var active = 0
    private var isClosing = false

    init(_ engine: Engine) { self.engine = engine }

    func withEngine<Result, Failure: Error>(
        _ body: (Engine) throws(Failure) -> Result, closed: (StoreError) -> Failure
    ) throws(Failure) -> Result {
        guard let engine = enter() else { throw closed(.closed) }
        defer { leave() }
        return try body(engine)
    }

    private func enter() -> Engine? {
        lock.withLock {
            guard !isClosing, let engine else { return nil }
            active += 1
            return engine
        }
    }

    private func leave() {
        lock.withLock {
            active -= 1
            if isClosing && active == 0 { lock.broadcast() }
        }
    }

    /// New reads are refused from now on.
    func refuse() { lock.withLock { isClosing = true } }

    var isRefusing: Bool { lock.withLock { isClosing } }

    /// Waits for the reads that have begun, then lets go of the engine.
    func close() {
        // Released without the lock: closing the database takes its time.
        let last = lock.withLock { () -> Engine? in
            isClosing = true
            while active > 0 { lock.wait() }
            defer { engine = nil }
            return engine
        }
        _ = last
    }
}
