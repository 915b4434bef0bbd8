import Contracts
import Store
import Synchronization

/// Compiles the catalog's contracts into the registry that the event loops read. A compiled
/// contract is kept and used again: only new ones cost.
final class ContractLoader: Sendable {
    let registry: ContractRegistry
    /// One load at a time, its snapshot taken inside: a slow load of an older catalog must not
    /// replace a newer one, or an archived contract would take events again.
    private let loading = Mutex(())

    init(registry: ContractRegistry) { self.registry = registry }

    /// Call it at start and after each change of a contract or a purpose.
    /// - Throws: `StoreError.corrupt` naming the contract that no longer compiles; nothing is
    ///   replaced then.
    func load(_ current: () -> CatalogSnapshot) throws(StoreError) {
        try loading.withLock { _ throws(StoreError) in try replace(with: current()) }
    }

    /// The same, on a reader thread if one is free: what was committed must reach the event loops
    /// whatever the load, or an archived contract would go on taking events.
    func load(_ catalog: Catalog, _ store: Store) async throws {
        do {
            try await store.readers.run { try self.load { catalog.snapshot } }
        } catch StoreError.overloaded {
            try load { catalog.snapshot }
        }
    }

    private func replace(with snapshot: CatalogSnapshot) throws(StoreError) {
        var contracts: [(Contract, ContractRegistry.State)] = []
        for entry in snapshot.contracts.values.sorted(by: { $0.value.number < $1.value.number }) {
            let record = entry.value
            let contract: Contract
            if let known = registry.contract(number: record.number) {
                contract = known
            } else {
                do {
                    contract = try Contract(
                        document: try ContractDocument(json: Array(record.document.utf8)),
                        number: record.number)
                } catch {
                    throw .corrupt("the contract \(record.ref) in the catalog does not compile")
                }
            }
            contracts.append((contract, record.state == .active ? .active : .inactive))
        }
        registry.replaceAll(contracts, purposeLevels: snapshot.purposeLevels)
    }
}
