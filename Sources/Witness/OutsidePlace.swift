import Audit
import Store

/// A place outside that takes checkpoints.
///
/// Implementers: `confirm` takes the log as it is now, whatever its size, and may be called again
/// with a tree that the place has already. It returns when the place has it for good, as far as the
/// place's answer can be believed. It may take as long as it must; nothing waits for it.
protocol OutsidePlace: Sendable {
    var kind: WitnessKind { get }
    /// What people call it: a path, an address, the name of a connector.
    var title: String { get }

    /// - Parameter last: what it took before, if anything.
    func confirm(
        _ log: OwnLog, last: OutsideConfirmation?, now: Milliseconds
    ) async throws(WitnessFailure) -> OutsideConfirmation
}

/// The log, as places read it: on threads that may block.
struct OwnLog: Sendable {
    let audit: AuditLog
    let store: Store

    func read<Value: Sendable>(
        _ body: @escaping @Sendable (AuditLog) throws -> Value
    ) async throws(WitnessFailure) -> Value {
        do {
            return try await store.readers.run { [audit] in try body(audit) }
        } catch let error as StoreError {
            throw .failed(error.description)
        } catch {
            throw .failed("the log cannot be read")
        }
    }
}
