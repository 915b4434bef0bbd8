import Audit
import Dispatch
import Logging
import Store
import Synchronization
import Vault

/// Whether the engine is open, and how it is opened: with the master key that the settings name, at
/// the start or when ``SealRetry`` finds it later, or with one that an operator brings.
///
/// While it is sealed there is no catalog and so no client: having the master key is what
/// authenticates. Tries are one at a time and one a second. A key that is not the right one leaves
/// everything as it was.
final class Seal: Sendable {
    private let state: Mutex<SealStateMachine>
    private let figures = Mutex(Figures())
    private let makeEngine: @Sendable (MasterKeySource?) throws -> Engine
    private let monotonic: @Sendable () -> Milliseconds
    private let logger: Logger
    private let waiting: AsyncStream<Engine>.Continuation
    /// Gives the engine once it is open. For one reader.
    let opened: AsyncStream<Engine>

    private struct Figures {
        var wrongKeys: UInt64 = 0
        var engine: Engine?
        /// Why the source of the settings gave no key the last time, as it was logged.
        var reason: String?
    }

    init(
        makeEngine: @escaping @Sendable (MasterKeySource?) throws -> Engine,
        monotonic: @escaping @Sendable () -> Milliseconds, logger: Logger
    ) {
        state = Mutex(SealStateMachine())
        self.makeEngine = makeEngine
        self.monotonic = monotonic
        self.logger = logger
        (opened, waiting) = AsyncStream.makeStream(
            of: Engine.self, bufferingPolicy: .bufferingOldest(1))
    }

    /// Master keys that were given and were wrong.
    var wrongKeys: UInt64 { figures.withLock { $0.wrongKeys } }
    /// nil while it is sealed. Whoever runs the server closes it.
    var engine: Engine? { figures.withLock { $0.engine } }

    /// The start. Blocks.
    /// - Returns: nil if the master key cannot be had: the server waits for it, sealed.
    /// - Throws: every other reason why the engine cannot be opened; the start must be refused.
    func openAtStart() async throws -> Engine? {
        let engine: Engine
        do {
            engine = try makeEngine(nil)
        } catch let error as VaultError {
            guard case .masterKeyAbsent = error else { throw error }
            noteFailure(error)
            return nil
        }
        try await begin(engine, [])
        didOpen(engine)
        return engine
    }

    /// Tries the source of the settings once more, when it is known to give a key. Takes as long as a
    /// start, on a thread of its own.
    /// - Returns: nil if it is open already, is being opened, or could not be opened; the log says why.
    func openAgain() async -> Engine? {
        guard state.withLock({ $0.begins() }) else { return nil }
        do {
            let engine = try await makeAside(nil)
            try await begin(engine, [])
            didOpen(engine)
            logger.notice("open: the master key is there now")
            return engine
        } catch {
            state.withLock { $0.hasFailed() }
            noteFailure(error)
            return nil
        }
    }

    /// Logs why there is no key, once for each reason in turn and not at each try.
    func noteFailure(_ error: any Error) {
        let reason = Self.reason(error)
        let isNew = figures.withLock { figures in
            defer { figures.reason = reason }
            return figures.reason != reason
        }
        guard isNew else { return }
        switch error {
        case VaultError.masterKeyAbsent, VaultError.masterKey:
            logger.warning(
                "sealed: the master key cannot be had; bring it with strm keys unseal",
                metadata: ["reason": "\(reason)"])
        default:
            logger.error("the engine cannot be opened", metadata: ["error": "\(reason)"])
        }
    }

    /// Opens the engine with a key that somebody brought, or says why not. Takes as long as a start, on
    /// a thread of its own. The caller must be let in by nothing but this key, over TLS or from loopback.
    func unseal(_ key: GivenMasterKey) async throws(Problem) -> Engine {
        switch state.withLock({ $0.tries(at: monotonic()) }) {
        case .go: break
        case .isOpen: throw .notSealed
        case .isOpening: throw .sealed("It is being opened.")
        case .tooSoon: throw .tooManyTries
        }
        do {
            let engine = try await makeAside(.given(key))
            let wrong = wrongKeys
            try await begin(
                engine, [.server(.serverUnsealed, detail: ["wrongKeys": String(wrong)])])
            didOpen(engine)
            logger.notice("unsealed", metadata: ["wrongKeys": "\(wrong)"])
            return engine
        } catch VaultError.masterKey {
            state.withLock { $0.hasFailed() }
            let count = figures.withLock { figures in
                figures.wrongKeys += 1
                return figures.wrongKeys
            }
            logger.warning("a wrong master key was given", metadata: ["wrongKeys": "\(count)"])
            throw .wrongMasterKey
        } catch {
            // Another process may have the keyring, or the store is refused: the operator can look
            // into it and try again.
            state.withLock { $0.hasFailed() }
            let reason = Self.reason(error)
            logger.error("the engine cannot be opened", metadata: ["error": "\(reason)"])
            guard Self.isBehindKey(error) else { throw .sealed(Self.withoutReason) }
            throw .sealed("The server could not be opened: \(reason).")
        }
    }

    /// Makes the engine where nobody else waits: a command that gives the key, and the recovery of the
    /// store, may take minutes, and the threads that tasks run on are few.
    private func makeAside(_ key: MasterKeySource?) async throws -> Engine {
        try await withCheckedThrowingContinuation { continuation in
            DispatchQueue.global(qos: .userInitiated).async { [makeEngine] in
                continuation.resume(with: Result { try makeEngine(key) })
            }
        }
    }

    private static let withoutReason = "The server could not be opened: its log says why."

    /// Whether the key was found to be the right one before this happened. Else whoever reaches the
    /// port would learn of directories and processes of this machine by bringing any key.
    private static func isBehindKey(_ error: any Error) -> Bool {
        error is StoreError || error is BackupFailure
    }

    /// The start is on record before anybody is served.
    private func begin(_ engine: Engine, _ more: [AuditEntry]) async throws {
        do {
            try await engine.finishRestore()
            try await engine.audit.append(
                .server(.serverStarted, detail: ["version": Engine.version]))
            for entry in more { try await engine.audit.append(entry) }
        } catch {
            await engine.close()
            throw error
        }
    }

    private func didOpen(_ engine: Engine) {
        figures.withLock { $0.engine = engine }
        state.withLock { $0.isOpen() }
        waiting.yield(engine)
        waiting.finish()
    }

    private static func reason(_ error: any Error) -> String {
        switch error {
        case let error as VaultError: error.description
        case let error as StoreError: error.description
        case let error as BackupFailure: error.description
        default: "\(type(of: error))"
        }
    }
}

/// The states of a seal, and how often a key may be tried.
struct SealStateMachine: ~Copyable {
    /// Between the beginnings of two tries, in milliseconds.
    static let tryInterval: Milliseconds = 1_000

    private enum State {
        case sealed
        case opening
        case open
    }

    enum Try: Equatable {
        case go, tooSoon, isOpening, isOpen
    }

    private var state = State.sealed
    private var lastTry: Milliseconds?

    /// - Parameter time: of a clock that does not jump.
    mutating func tries(at time: Milliseconds) -> Try {
        switch state {
        case .open: return .isOpen
        case .opening: return .isOpening
        case .sealed:
            if let lastTry, time - lastTry < Self.tryInterval { return .tooSoon }
            lastTry = time
            state = .opening
            return .go
        }
    }

    /// The source of the settings is tried: that is no guess, and waits for nobody.
    /// - Returns: false if it is open or being opened.
    mutating func begins() -> Bool {
        switch state {
        case .sealed:
            state = .opening
            return true
        case .opening, .open: return false
        }
    }

    mutating func hasFailed() {
        switch state {
        case .opening: state = .sealed
        case .sealed, .open: preconditionFailure("only a try that was begun can fail")
        }
    }

    mutating func isOpen() {
        switch state {
        case .sealed, .opening: state = .open
        case .open: preconditionFailure("it is opened once")
        }
    }
}
