import Contracts
import Store
import Synchronization

/// What changes between two stored versions of a contract, computed once: both texts are compiled
/// for it, which may take tenths of a second.
final class VersionComparisons: Sendable {
    private struct Pair: Hashable {
        let old: UInt32
        let new: UInt32
    }

    /// Pairs kept; beyond it all are forgotten.
    private static let pairsMax = 256

    /// How often one is asked for while another is being made, 20 ms apart.
    private static let triesMax = 150

    private let known = Mutex<[Pair: WireValue]>([:])
    /// Whether a comparison is being made: one at a time, or they would take all reader threads.
    private let isBusy = Mutex(false)

    /// The members of `POST /v1/contracts/compare`; nil if others are being made for seconds.
    func difference(
        _ old: ContractRecord, _ new: ContractRecord, _ store: Store
    ) async throws -> WireValue? {
        // A number is a text: another text has another number.
        let pair = Pair(old: old.number, new: new.number)
        if let difference = known.withLock({ $0[pair] }) { return difference }
        for _ in 0..<Self.triesMax {
            if let made = try await make(old, new, store) {
                known.withLock { known in
                    if known.count >= Self.pairsMax { known.removeAll() }
                    known[pair] = made
                }
                return made
            }
            try await Task.sleep(for: .milliseconds(20))
        }
        return nil
    }

    private func make(
        _ old: ContractRecord, _ new: ContractRecord, _ store: Store
    ) async throws -> WireValue? {
        try await alone(store) { () throws -> WireValue in
            do throws(ContractError) {
                return ContractDifference.answer(
                    try ContractComparison.compare(
                        try ContractDocument(json: Array(old.document.utf8)),
                        try ContractDocument(json: Array(new.document.utf8))))
            } catch {
                throw StoreError.corrupt("the contract \(old.ref) or \(new.ref)")
            }
        }
    }

    /// Runs `body` on a reader thread unless another is running; nil then.
    func alone<R: Sendable>(
        _ store: Store, _ body: @escaping @Sendable () throws -> R
    ) async throws -> R? {
        let isFree = isBusy.withLock { isBusy in
            defer { isBusy = true }
            return !isBusy
        }
        guard isFree else { return nil }
        defer { isBusy.withLock { $0 = false } }
        return try await store.readers.run(body)
    }
}
