package import Contracts
package import Store
import Synchronization
package import Vault

/// What the lanes share: where events go, the bounds, the slow lane and the counters.
///
/// Made once. Each event loop makes a lane of its own from it.
package final class Ingest: Sendable {
    let store: Store
    let vault: Vault
    let registry: ContractRegistry
    let limits: IngestLimits
    let billingID: [UInt8]
    let slowLane: SlowLane
    /// What was refused, by stream, client, contract, rule and place, since the process started.
    package let rejections = RejectionCounts()
    package let keeper: RejectionKeeper
    package let replays = ReplayGate()
    private let counters = Mutex<[LaneCounters]>([])

    /// `billingId` is written into `strmMeta.billingId` of every event.
    package init(
        store: Store, vault: Vault, registry: ContractRegistry, limits: IngestLimits,
        billingId: String
    ) {
        self.store = store
        self.vault = vault
        self.registry = registry
        self.limits = limits
        billingID = Array(billingId.utf8)
        slowLane = SlowLane(vault: vault, store: store, billingID: billingID, limits: limits)
        keeper = RejectionKeeper(vault: vault, store: store, limits: limits.rejections)
        counters.withLock { $0.append(slowLane.counters) }
    }

    /// Starts the slow lane's thread and the keeper's; before it, events whose key is not in memory
    /// are refused as unavailable, and no refused body is kept.
    package func start() {
        slowLane.start()
        keeper.start()
    }

    /// Ends what waits in the slow lane and at the keeper, and then their threads; returns when that
    /// is done. Call it when no lane receives any more, and before the store is closed.
    package func stop() {
        slowLane.stop()
        keeper.stop()
    }

    /// A snapshot, cheap enough for every scrape.
    package var statistics: IngestStatistics {
        var statistics = IngestStatistics()
        for counters in counters.withLock({ $0 }) { statistics.add(counters) }
        (statistics.slowLaneEvents, statistics.slowLaneBytes) = slowLane.depth
        return statistics
    }

    /// The counters outlive their lane, so that a total never goes back.
    func addCounters() -> LaneCounters {
        let made = LaneCounters()
        counters.withLock { $0.append(made) }
        return made
    }
}
