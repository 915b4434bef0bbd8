package import Store

/// What the vault needs of the store. Everything here may be called from many threads at once.
///
/// An implementation keeps the order of `submit`: mutations are durable in the same commit as, or
/// an earlier one than, everything that is submitted after `submit` returned.
package protocol KeyStore: AnyObject, Sendable {
    /// The record of a data key; nil if there is none. Blocks.
    func readKey(_ link: KeyLink) throws(StoreError) -> [UInt8]?
    /// The value of an index entry; nil if there is none. Blocks.
    func readIndex(_ key: [UInt8]) throws(StoreError) -> [UInt8]?
    /// Queues mutations, all or none; refuses at once if the queue is full. The completion is
    /// called exactly once, after the sync or the failure, never inside this call.
    func submit(
        _ mutations: [Mutation],
        completion: (@Sendable (Result<CommitReceipt, StoreError>) -> Void)?
    ) throws(StoreError)
}

extension Store: KeyStore {}
