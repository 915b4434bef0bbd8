/// What the commit thread shares with the rest of the store.
struct CommitShared: Sendable {
    let configuration: StoreConfiguration
    let clock: @Sendable () -> Milliseconds
    let table: PartitionTable
    let catalog: Catalog
    let keeper: WatermarkKeeper
    let counters: CommitCounters
    let queue: CommitQueue
}
