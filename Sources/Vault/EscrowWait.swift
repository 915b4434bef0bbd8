import Dispatch
import Synchronization

/// A thread that may block waits here for an attempt to write the escrow of a keyring.
final class EscrowWait: Sendable {
    private let failure = Mutex<VaultError?>(nil)
    private let semaphore = DispatchSemaphore(value: 0)

    /// - Parameter failure: nil: the escrow holds the current generation.
    func end(_ failure: VaultError?) {
        self.failure.withLock { $0 = failure }
        semaphore.signal()
    }

    /// Waits for the end of the attempt. Blocks.
    /// - Returns: false if it has not ended after so many seconds.
    func ends(within seconds: Double) -> Bool {
        semaphore.wait(timeout: .now() + seconds) == .success
    }

    /// - Throws: why the attempt failed, once it has ended.
    func check() throws(VaultError) {
        if let failure = failure.withLock({ $0 }) { throw failure }
    }
}
