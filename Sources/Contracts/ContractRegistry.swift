import Synchronization

/// The contracts that this process knows: written rarely, read by every event loop.
///
/// A change makes a new immutable snapshot and raises the version. Readers keep a snapshot and
/// compare the version, so that the usual event costs one atomic load and no lock.
package final class ContractRegistry: Sendable {
    package enum State: Sendable {
        /// Events are taken.
        case active
        /// Draft or archived: events are refused, stored ones can be read.
        case inactive
    }

    private let current: Mutex<ContractSnapshot>
    private let version = Atomic<Int>(0)

    package init() {
        current = Mutex(ContractSnapshot([], version: 0, purposeLevels: .all))
    }

    /// Puts these contracts in place of all others. `purposeLevels` are the levels that have a
    /// purpose: an event that names another one is refused. Of two with the same reference the later one
    /// counts for events, both are found by number. Events that are being decoded at this moment
    /// end under the old ones.
    package func replaceAll(
        _ contracts: [(Contract, State)], purposeLevels: ConsentLevels = .all
    ) {
        current.withLock { current in
            current = ContractSnapshot(
                contracts, version: current.version + 1, purposeLevels: purposeLevels)
            version.store(current.version, ordering: .releasing)
        }
    }

    /// The contract with this number, active or not. Cost: a lock and a look-up; readers of many
    /// events keep ``snapshot()``.
    package func contract(number: UInt32) -> Contract? {
        snapshot().contract(number: number)
    }

    /// All contracts as they are now.
    package func snapshot() -> ContractSnapshot {
        current.withLock { $0 }
    }

    /// Whether the snapshot is still the newest. Cost: one atomic load.
    @inline(__always)
    func isCurrent(_ snapshot: ContractSnapshot) -> Bool {
        version.load(ordering: .acquiring) == snapshot.version
    }
}
