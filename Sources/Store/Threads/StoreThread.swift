import CPlatform
import Glibc

/// A thread of the store's own, for calls that block: they must stay away from event loops and from
/// the cooperative pool.
///
/// `@unchecked Sendable`: the handle is written once, in `init`; `hasJoined` only by the one caller
/// of `join`, which the owners guard.
final class StoreThread: @unchecked Sendable {
    private final class Start {
        let name: String
        let body: @Sendable () -> Void

        init(name: String, body: @escaping @Sendable () -> Void) {
            self.name = name
            self.body = body
        }
    }

    private var handle = pthread_t()
    private var hasJoined = false

    /// Starts at once. `name`: at most 15 characters, as the kernel shows it.
    init(name: String, _ body: @escaping @Sendable () -> Void) throws(StoreError) {
        let start = Unmanaged.passRetained(Start(name: name, body: body))
        let failure = pthread_create(
            &handle, nil,
            { argument in
                guard let argument else { return nil }
                // Balances passRetained: the thread is the only one that takes it.
                let start = Unmanaged<Start>.fromOpaque(argument).takeRetainedValue()
                strm_name_thread(start.name)
                start.body()
                return nil
            }, start.toOpaque())
        guard failure == 0 else {
            start.release()
            throw .io("a thread could not be started: \(String(cString: strerror(failure)))")
        }
    }

    /// Waits for its end. Only once, and not on the thread itself.
    func join() {
        guard !hasJoined else { return }
        hasJoined = true
        pthread_join(handle, nil)
    }
}
