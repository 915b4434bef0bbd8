package import Store

/// A person's erasure, as the ledger tells it.
package struct Erasure: Sendable, Equatable {
    package enum State: String, Sendable {
        /// The keys are unusable, and their records gone from the store.
        case requested
        /// What wrapped them is destroyed: no copy of theirs, wherever it lies, can be opened.
        case destroyed
    }

    /// `e-` and what the caller made up.
    package let id: String
    /// Its number in the ledger.
    package let number: UInt64
    package internal(set) var state: State
    package let requestedAt: Milliseconds
    /// The OAuth client that asked, and its role.
    package let client: String
    package let role: String
    /// What the client files it under, such as a case number.
    package let reference: String?
    /// Later events of the person are refused. Stays true when the fence is lifted.
    package let hasFence: Bool
    /// Keyed hash, the same in the whole installation.
    package let person: Hash256
    /// Where it was asked for, ascending.
    package let streams: [StreamID]
    /// What was erased, in order of stream and epoch, then what a backup brought back and was erased
    /// again; stays when the links are forgotten.
    package internal(set) var epochs: [ErasedEpoch]
    /// The links that are not forgotten: see `isForgettable`.
    var keys: [ErasedPlace: [KeyLink]]
    /// Keys that were on record for the person and gone before the request.
    package internal(set) var gone: [GoneKeys] = []
    /// How the keys were destroyed; nil until they are.
    package internal(set) var batch: ErasureBatch?
    /// When that was, ms since 1970.
    package internal(set) var destroyedAt: Milliseconds?

    /// The links that are not forgotten yet, ascending; those of destroyed epochs are, some days
    /// later.
    package var links: [KeyLink] { keys.values.flatMap { $0 }.sorted() }
    /// How many data keys were erased in all.
    package var linkCount: Int { epochs.reduce(0) { $0 + $1.links } }
    /// How many were gone before.
    package var goneCount: Int { gone.reduce(0) { $0 + $1.count } }
    /// All links of the person that are still known, also those of keys that were gone before.
    package var knownLinks: Set<KeyLink> {
        Set(keys.values.joined()).union(gone.lazy.flatMap { $0.links ?? [] })
    }
    /// Those of one stream.
    package func knownLinks(in stream: StreamID) -> Set<KeyLink> {
        var links: Set<KeyLink> = []
        for (place, some) in keys where place.stream == stream { links.formUnion(some) }
        for gone in gone where gone.stream == stream { links.formUnion(gone.links ?? []) }
        return links
    }
    /// How many links are known in these streams; one that is known twice counts twice.
    /// - Parameter streams: nil: in all.
    package func knownLinkCount(in streams: Set<StreamID>?) -> Int {
        var count = 0
        for (place, some) in keys where streams?.contains(place.stream) != false {
            count += some.count
        }
        for gone in gone where streams?.contains(gone.stream) != false {
            count += gone.links?.count ?? 0
        }
        return count
    }
    /// False: some of the links were forgotten, so that not all can be said of them.
    package var areLinksKnown: Bool {
        links.count == linkCount && gone.allSatisfy { $0.links != nil }
    }

    /// The person's hash in each stream.
    let subjects: [Fence]

    /// How long links that nothing opens any more are known after the destruction, so that receipts
    /// and questions can still be answered from the audit log.
    private static let linksKept: Milliseconds = 7 * UTCDay.milliseconds
    /// The same while there is no receipt: however long that cannot be written, memory is bounded.
    private static let linksKeptMax: Milliseconds = 30 * UTCDay.milliseconds

    /// True if nothing has to be known any more of keys that were gone before, or whose epochs are
    /// destroyed.
    /// - Parameter receipts: ids of the erasures that have one; nil: all.
    func isForgettable(at now: Milliseconds, receipts: Set<String>?) -> Bool {
        guard state == .destroyed, let destroyedAt else { return false }
        let hasReceipt = receipts?.contains(id) ?? true
        return destroyedAt + (hasReceipt ? Self.linksKept : Self.linksKeptMax) <= now
    }
}

/// Data keys that were gone before an erasure: expired, or erased with another person's.
package struct GoneKeys: Sendable, Equatable {
    package let stream: StreamID
    package let count: Int
    /// Since when there was the first of them, ms since 1970; nil: not known.
    package let since: Milliseconds?
    /// nil: forgotten.
    package internal(set) var links: [KeyLink]?
}

/// A person in a stream, by keyed hash.
struct Fence: Hashable, Sendable {
    let stream: StreamID
    let subject: Hash256
}

/// What erased data keys have in common.
struct ErasedPlace: Hashable, Sendable {
    let stream: StreamID
    let id: EpochClass
}

/// The erased data keys of one stream, epoch and retention class.
package struct ErasedEpoch: Sendable, Equatable {
    package let stream: StreamID
    package let epoch: UInt32
    package let day: UTCDay
    package let retention: RetentionClass
    /// How many data keys.
    package let links: Int

    var id: EpochClass { EpochClass(epoch: epoch, retention: retention) }
    var place: ErasedPlace { ErasedPlace(stream: stream, id: id) }
}
