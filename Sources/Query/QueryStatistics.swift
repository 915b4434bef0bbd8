import Synchronization

/// What readers have got since the process started: a snapshot for `/metrics`.
package struct QueryStatistics: Sendable, Equatable {
    package struct Lag: Sendable, Equatable {
        /// The stream's or derived stream's number in the catalog.
        package var view: UInt32
        package var client: String
        package var consumer: String
        /// Events between the committed cursor and the end of the stream.
        package var events: UInt64
    }

    package var sealedPages: UInt64 = 0
    package var sealedEvents: UInt64 = 0
    package var derivedPages: UInt64 = 0
    package var derivedEvents: UInt64 = 0
    /// Events that derived streams passed over for want of consent.
    package var droppedEvents: UInt64 = 0
    package var openedFields: UInt64 = 0
    /// Fields that stayed sealed because their key is gone.
    package var goneFields: UInt64 = 0
    /// Fields that stayed sealed because their ciphertext did not verify under their key, or their
    /// contract is unknown: never in a sound store.
    package var damagedFields: UInt64 = 0
    package var releases: UInt64 = 0
    package var refusedReleases: UInt64 = 0
    package var waitingReaders = 0
    package var lags: [Lag] = []
}

/// The live counters behind `QueryStatistics`; added to once for each page, never for each event.
final class QueryCounters: Sendable {
    let sealedPages = Atomic<UInt64>(0)
    let sealedEvents = Atomic<UInt64>(0)
    let derivedPages = Atomic<UInt64>(0)
    let derivedEvents = Atomic<UInt64>(0)
    let droppedEvents = Atomic<UInt64>(0)
    let openedFields = Atomic<UInt64>(0)
    let goneFields = Atomic<UInt64>(0)
    let damagedFields = Atomic<UInt64>(0)
    let releases = Atomic<UInt64>(0)
    let refusedReleases = Atomic<UInt64>(0)
    let waitingReaders = Atomic<Int>(0)

    var snapshot: QueryStatistics {
        var result = QueryStatistics()
        result.sealedPages = sealedPages.load(ordering: .relaxed)
        result.sealedEvents = sealedEvents.load(ordering: .relaxed)
        result.derivedPages = derivedPages.load(ordering: .relaxed)
        result.derivedEvents = derivedEvents.load(ordering: .relaxed)
        result.droppedEvents = droppedEvents.load(ordering: .relaxed)
        result.openedFields = openedFields.load(ordering: .relaxed)
        result.goneFields = goneFields.load(ordering: .relaxed)
        result.damagedFields = damagedFields.load(ordering: .relaxed)
        result.releases = releases.load(ordering: .relaxed)
        result.refusedReleases = refusedReleases.load(ordering: .relaxed)
        result.waitingReaders = waitingReaders.load(ordering: .relaxed)
        return result
    }
}

func add(_ amount: Int, to counter: borrowing Atomic<UInt64>) {
    counter.add(UInt64(amount), ordering: .relaxed)
}
