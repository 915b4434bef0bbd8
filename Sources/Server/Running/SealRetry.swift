import Dispatch
import ServiceLifecycle
import Store
import Vault

/// Looks again whether the master key can be had from where the settings say, while the server is
/// sealed, and opens the engine then: a key service or a mount that comes a moment later than the
/// server needs no person.
///
/// An operator who brings a key is not kept waiting: a command that hangs does so on a thread of its
/// own, outside the seal.
struct SealRetry: Service, CustomStringConvertible {
    /// Waits so many milliseconds. Throws if the task is cancelled meanwhile.
    typealias Pause = @Sendable (Milliseconds) async throws -> Void

    /// Before the first look; doubled for each further one.
    static let pauseMin: Milliseconds = 1_000
    static let pauseMax: Milliseconds = 60_000
    static let clockPause: Pause = { try await Task.sleep(for: .milliseconds($0)) }
    private static let commandSeconds = VaultConfiguration().masterKeyCommandSeconds

    let seal: Seal
    let source: MasterKeySource
    let pause: Pause
    /// Called at most once, with the engine that was opened.
    let onOpen: @Sendable (Engine) -> Void

    /// The service group logs it: the arguments of a command are nobody's business.
    var description: String { "SealRetry" }

    func run() async {
        await cancelWhenGracefulShutdown {
            await retry()
            // The end of a service would end the others.
            while !Task.isCancelled { try? await Task.sleep(for: .seconds(3_600)) }
        }
    }

    /// Returns when the engine is open, when the task is cancelled, or at once if nothing can change.
    func retry() async {
        switch source {
        case .file, .command: break
        // The environment of a process stays what it was at its start.
        case .environment, .given: return
        }
        var wait = Self.pauseMin
        while seal.engine == nil {
            do {
                try await pause(wait)
            } catch {
                return
            }
            guard !Task.isCancelled, seal.engine == nil else { return }
            wait = min(wait * 2, Self.pauseMax)
            switch await look() {
            case .found:
                guard let engine = await seal.openAgain() else { continue }
                return onOpen(engine)
            case .failed(let error): seal.noteFailure(error)
            case .givenUp: return
            }
        }
    }

    private enum Look: Sendable {
        case found
        case failed(VaultError)
        /// The stop came first.
        case givenUp
    }

    /// The key is read and dropped: the engine reads it once more, and does so holding the keyring,
    /// which a command that hangs must not.
    private func look() async -> Look {
        let (looks, continuation) = AsyncStream.makeStream(of: Look.self)
        let source = source
        DispatchQueue.global(qos: .utility).async {
            do throws(VaultError) {
                try source.check(commandSeconds: Self.commandSeconds)
                continuation.yield(.found)
            } catch {
                continuation.yield(.failed(error))
            }
            continuation.finish()
        }
        // Ends also when the task is cancelled; the thread then ends by itself.
        for await look in looks { return look }
        return .givenUp
    }
}
