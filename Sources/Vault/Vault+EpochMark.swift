import Store
import Synchronization

/// What the store remembers of the keyring's epochs, so that an older keyring that comes back gives
/// no number again that data keys of the store are under.
///
/// A document of the catalog: the number of the newest epoch and the generation of the keyring in
/// which bucket keys were last made, put into the commit of the first data key under them.
struct EpochMark: Equatable, Sendable {
    static let document = DocumentKey(kind: "keyring", name: "epoch")

    var epoch: UInt32
    var generation: UInt64

    var body: [UInt8] { Array("\(epoch) \(generation)".utf8) }

    init(epoch: UInt32, generation: UInt64) {
        self.epoch = epoch
        self.generation = generation
    }

    init?(_ body: [UInt8]) {
        let words = String(decoding: body, as: UTF8.self).split(separator: " ")
        guard words.count == 2, let epoch = UInt32(words[0]), let generation = UInt64(words[1])
        else { return nil }
        self.init(epoch: epoch, generation: generation)
    }

    var mutation: Mutation {
        .putDocument(Self.document, body: body, expectedRevision: 0)
    }
}

extension Vault {
    /// Submits the first records under new bucket keys together with the mark; others as they are.
    func submitMarked(
        _ mutations: [Mutation], to store: any KeyStore,
        completion: (@Sendable (Result<CommitReceipt, StoreError>) -> Void)?
    ) throws(StoreError) {
        let made = keyring.bucketsMadeIn
        guard made > markedGeneration.load(ordering: .acquiring) else {
            return try store.submit(mutations, completion: completion)
        }
        // One after the other, so that no older mark comes behind a newer one.
        try markLock.lock.withLock { _ throws(StoreError) in
            let mark = EpochMark(
                epoch: keyring.contents.newestEpoch, generation: keyring.bucketsMadeIn)
            try store.submit(mutations + [mark.mutation], completion: completion)
            markedGeneration.store(mark.generation, ordering: .releasing)
        }
    }

    /// If the store has seen a newer keyring than this one, its epochs begin behind those of the
    /// other: what is sealed under keys that are lost stays sealed, and is not taken for damaged.
    func raiseEpoch(_ store: any ErasableKeyStore, _ now: Milliseconds) throws(VaultError) {
        guard let document = store.document(EpochMark.document) else { return }
        guard let mark = EpochMark(document.body) else {
            throw .store(.corrupt("the number of the newest epoch in the catalog"))
        }
        guard mark.generation > keyring.generation else { return }
        try keyring.beginEpoch(behind: mark.epoch, now: now)
        let raised = EpochMark(
            epoch: keyring.contents.newestEpoch, generation: keyring.generation)
        try submit([raised.mutation], to: store, waits: true)
    }
}
