package import Audit
package import AuditProof
package import Buckets
package import Logging
package import Store
import Synchronization

/// Brings the log's checkpoints to places outside, so that whoever holds this machine cannot change
/// what was recorded without somebody else seeing it.
///
/// Nothing waits for a place: one that fails, hangs or tells another history is shown in status and
/// metrics and asked again after the period. No event, no release and no entry is held back by it.
package final class Witnesses: Sendable {
    /// Opens the bucket of a connector of the catalog. To be closed.
    package typealias BucketOpening =
        @Sendable (_ connector: String) async throws(BucketError) -> any Bucket

    /// Where checkpoints go.
    package struct Places: Sendable {
        /// Absolute path of a file.
        package var file: String?
        /// The prefix of a witness that speaks C2SP tlog-witness.
        package var url: String?
        /// Its key for cosignatures.
        package var key: CosignerKey?
        /// Name of a connector.
        package var connector: String?
        /// What `url` may lead to.
        package var policy = BucketPolicy()

        package init() {}
    }

    private let places: [any OutsidePlace]
    private let log: OwnLog
    private let periodSeconds: Int
    private let clock: @Sendable () -> Milliseconds
    private let logger: Logger
    private let state: Mutex<[WitnessKind: WitnessStatus]>

    /// Takes over what the catalog remembers of these places. Memory only.
    ///
    /// - Parameter periodSeconds: between two checkpoints, at least 1.
    /// - Throws: `BucketError` if the address of the witness is not usable, so that the start is
    ///   refused.
    package init(
        _ places: Places, periodSeconds: Int, audit: AuditLog, store: Store,
        openBucket: @escaping BucketOpening, clock: @escaping @Sendable () -> Milliseconds,
        logger: Logger
    ) throws(BucketError) {
        var made: [any OutsidePlace] = []
        if let path = places.file { made.append(FilePlace(path: path)) }
        if let url = places.url {
            let request = try CheckedPost(
                to: url, suffix: "add-checkpoint", pointer: "audit.witness.url",
                policy: places.policy)
            made.append(
                HTTPPlace(title: url, key: places.key) { body throws(BucketError) in
                    try await request.send(body, contentType: "text/plain; charset=utf-8")
                })
        }
        if let connector = places.connector {
            made.append(BucketPlace(title: connector, open: openBucket))
        }
        self.places = made
        log = OwnLog(audit: audit, store: store)
        self.periodSeconds = periodSeconds
        self.clock = clock
        self.logger = logger
        var statuses: [WitnessKind: WitnessStatus] = [:]
        for place in made {
            statuses[place.kind] = WitnessStatus(
                kind: place.kind, place: place.title,
                confirmation: OutsideConfirmation.read(place.kind, place: place.title, store),
                failure: nil, failures: 0)
        }
        state = Mutex(statuses)
    }

    /// How the places are, by kind.
    package var statuses: [WitnessStatus] {
        state.withLock { Array($0.values) }.sorted { $0.kind.rawValue < $1.kind.rawValue }
    }

    /// Goes on until the task is cancelled. Places do not wait for one another.
    package func run() async {
        await withDiscardingTaskGroup { group in
            for place in places {
                group.addTask {
                    while !Task.isCancelled {
                        await self.confirm(place)
                        do {
                            try await Task.sleep(for: .seconds(self.periodSeconds))
                        } catch {
                            return
                        }
                    }
                }
            }
        }
    }

    /// Asks all places once, one after the other.
    package func confirmAll() async {
        for place in places { await confirm(place) }
    }

    private func confirm(_ place: any OutsidePlace) async {
        let last = state.withLock { $0[place.kind]?.confirmation }
        do throws(WitnessFailure) {
            let confirmation = try await place.confirm(log, last: last, now: clock())
            // In memory first: that the place has it is true, whatever the catalog says.
            let before = state.withLock { state in
                let failure = state[place.kind]?.failure
                state[place.kind]?.confirmation = confirmation
                state[place.kind]?.failure = nil
                state[place.kind]?.failures = 0
                return failure
            }
            if before != nil {
                logger.notice("checkpoints are confirmed again", metadata: Self.metadata(place))
            }
            await remember(confirmation, place)
        } catch {
            // The server stops, and took the request back itself.
            if Task.isCancelled { return }
            let before = state.withLock { state in
                let failure = state[place.kind]?.failure
                state[place.kind]?.failure = error
                state[place.kind]?.failures += 1
                return failure
            }
            guard before != error else { return }
            var metadata = Self.metadata(place)
            metadata["reason"] = "\(error)"
            if case .otherHistory = error {
                logger.critical("a place outside holds another audit log", metadata: metadata)
            } else {
                logger.warning("a checkpoint is not confirmed outside", metadata: metadata)
            }
        }
    }

    /// If this is lost, the next start asks the place what it has.
    private func remember(_ confirmation: OutsideConfirmation, _ place: any OutsidePlace) async {
        do {
            _ = try await log.store.commit([try confirmation.mutation(place.kind)])
        } catch {
            logger.warning(
                "a confirmation could not be written down", metadata: Self.metadata(place))
        }
    }

    private static func metadata(_ place: any OutsidePlace) -> Logger.Metadata {
        ["kind": "\(place.kind.rawValue)", "place": "\(place.title)"]
    }
}
