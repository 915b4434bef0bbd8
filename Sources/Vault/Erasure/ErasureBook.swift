import Store

/// What the erasure ledger says, in memory: the sum of its records.
///
/// Bounded by the people erased: some 300 bytes each, 100 for each stream that was asked for, and
/// 64 for each erased link that is not forgotten yet, see `forget`.
struct ErasureBook: Sendable {
    struct Lift: Sendable {
        let number: UInt64
        let client: String
        let role: String
        let person: String
        let streams: Int
    }

    struct OpenBatch: Sendable {
        let number: UInt32
        let erasures: [String]
        /// What was to become of it when its keys were about to leave the keyring.
        var facts: LedgerRecord.Destroying?
        /// Erasures whose further keys came to light when it had begun: they are not done with it.
        var outgrown: Set<String> = []
    }

    /// Number of the last record.
    private(set) var number: UInt64 = 0
    /// In order of their numbers.
    private(set) var erasures: [Erasure] = []
    /// Those links, of all erasures, that are not forgotten yet.
    private(set) var tombstones: Set<KeyLink> = []
    private(set) var fences: Set<Fence> = []
    /// When the last erasure of a person took effect, in each stream that was asked for: also where
    /// nothing of theirs was on record, for what was refused and kept there is on no record.
    private(set) var erasedAt: [Fence: Milliseconds] = [:]
    /// Destructions in order, with the number and the time of their record.
    private(set) var batches: [(batch: ErasureBatch, number: UInt64, at: Milliseconds)] = []
    /// Fences that were lifted, with the number of the record.
    private(set) var lifts: [Lift] = []
    /// A destruction that has begun and is not complete.
    private(set) var open: OpenBatch?
    /// The last number before the ledger was resumed, if nothing was recorded since.
    private(set) var resumedAfter: UInt64?
    /// Fences in force although their request is not on record yet.
    var raisedFences: Set<Fence> = []
    private var places: [String: Int] = [:]

    subscript(id: String) -> Erasure? { places[id].map { erasures[$0] } }

    /// Erasures whose keys are not destroyed yet.
    var waiting: [Erasure] { erasures.filter { $0.state == .requested } }

    /// False: it is not what this program writes.
    mutating func add(_ record: LedgerRecord) -> Bool {
        resumedAfter = record.resumed?.after
        if record.requested != nil {
            guard let erasure = Erasure(record), places[erasure.id] == nil else { return false }
            places[erasure.id] = erasures.count
            erasures.append(erasure)
            for links in erasure.keys.values { tombstones.formUnion(links) }
            if erasure.hasFence { fences.formUnion(erasure.subjects) }
            // Not the time of the request, which may have waited for its turn: what was refused
            // meanwhile was sent before the erasure.
            let since = max(erasure.requestedAt, record.requested?.recordedAt ?? .min)
            for subject in erasure.subjects {
                erasedAt[subject] = max(erasedAt[subject] ?? .min, since)
            }
        } else if let started = record.started {
            guard let number = UInt32(exactly: record.n) else { return false }
            open = OpenBatch(number: number, erasures: started.erasures)
        } else if let facts = record.destroying {
            guard open != nil else { return false }
            open?.facts = facts
        } else if let batch = record.completed {
            let outgrown = open?.outgrown ?? []
            open = nil
            batches.append((batch, record.n, record.at))
            for place in batch.erasures.compactMap({ places[$0] }) {
                if !outgrown.contains(erasures[place].id) { erasures[place].state = .destroyed }
                erasures[place].batch = batch
                erasures[place].destroyedAt = record.at
            }
        } else if let lifted = record.fenceLifted {
            for subject in lifted.subjects {
                guard let fence = subject.fence else { return false }
                fences.remove(fence)
            }
            lifts.append(
                Lift(
                    number: record.n, client: lifted.client, role: lifted.role,
                    person: lifted.person, streams: lifted.subjects.count))
        } else if let found = record.found {
            guard let place = places[found.erasure], erasures[place].add(found.keys) else {
                return false
            }
            for keys in found.keys { tombstones.formUnion(keys.decodedLinks ?? []) }
            // To be destroyed too.
            erasures[place].state = .requested
            open?.outgrown.insert(found.erasure)
        } else if record.opened == nil && record.resumed == nil {
            return false
        }
        number = record.n
        return true
    }

    /// A keyring came back that is from before these destructions: they must be done again.
    mutating func reopen(after number: UInt32) {
        for batch in batches where batch.batch.number > number && batch.batch.buckets > 0 {
            for place in batch.batch.erasures.compactMap({ places[$0] })
            where erasures[place].batch?.number == batch.batch.number {
                erasures[place].state = .requested
            }
        }
    }

    /// Forgets, of erasures that ended some time ago, the links of destroyed epochs and of keys
    /// that were gone before. Not earlier: the receipt tells from the audit log who had what they
    /// sealed.
    mutating func forget(
        at now: Milliseconds, receipts: Set<String>?,
        destroyed isDestroyed: (EpochClass, UTCDay) -> Bool
    ) {
        for place in erasures.indices
        where erasures[place].isForgettable(at: now, receipts: receipts) {
            for epoch in erasures[place].epochs where isDestroyed(epoch.id, epoch.day) {
                tombstones.subtract(erasures[place].keys[epoch.place] ?? [])
                erasures[place].keys[epoch.place] = nil
            }
            for gone in erasures[place].gone.indices { erasures[place].gone[gone].links = nil }
        }
    }
}
