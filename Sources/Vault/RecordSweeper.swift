package import Store
import Synchronization

/// What the sweeper needs of the store beside the vault's own calls.
package protocol SweptStore: KeyStore {
    /// Records whose key is not smaller, ascending; false stops. Blocks.
    func sweep(
        _ family: RecordFamily, from key: [UInt8],
        visit: (UnsafeRawBufferPointer, UnsafeRawBufferPointer) -> Bool
    ) throws(StoreError)
}

extension Store: SweptStore {}

/// Takes the records of destroyed epochs out of the store: wrapped data keys that nothing unwraps,
/// then index entries whose key is gone, then subjects entries whose key is gone and that answers
/// about recipients do not need any more.
///
/// They open nothing; it is their room and the pseudonyms in them that are given back. Goes through
/// the families in small steps, of which each looks at a bounded number of records, so that reads
/// and ingest never wait for it. Dying in between costs nothing: a new start looks at everything
/// again.
package final class RecordSweeper: Sendable {
    /// Records looked at in one step.
    static let looksMax = 5_000
    /// Records deleted in one step: one commit.
    static let deletesMax = 500
    /// The families are gone through again after so long, because subjects entries end by their age.
    static let passInterval: Milliseconds = 24 * 3_600_000

    /// Since the start.
    package struct Statistics: Sendable, Equatable {
        package var keys: UInt64 = 0
        package var index: UInt64 = 0
        package var subjects: UInt64 = 0
        /// Times that all three families were gone through.
        package var passes: UInt64 = 0

        package init() {}
    }

    private struct Pass {
        let began: Milliseconds
        let alive: Set<EpochClass>
        var family: RecordFamily
        var position: [UInt8] = []
    }

    private struct State {
        var pass: Pass?
        /// When the last whole pass began, and what had keys then.
        var last: (began: Milliseconds, alive: Set<EpochClass>)?
        var statistics = Statistics()
    }

    private let vault: Vault
    private let store: any SweptStore
    private let state = Mutex(State())

    package init(vault: Vault, store: any SweptStore) {
        self.vault = vault
        self.store = store
    }

    package var statistics: Statistics { state.withLock { $0.statistics } }

    /// One step of a pass, if one is due. Its deletions are queued when this returns; wait for a
    /// commit before the next step. Not from two threads at once. Blocks.
    ///
    /// - Parameters:
    ///   - now: a time that is trusted: ask `Vault.mayDestroy` first.
    ///   - subjectsKept: how old a subjects entry of a key that is gone must be, in milliseconds.
    /// - Returns: true if there is more to do.
    /// - Throws: `.store(.overloaded)`: the step is repeated later; other errors of the store.
    package func step(now: Milliseconds, subjectsKept: Milliseconds) throws(VaultError) -> Bool {
        guard var pass = nextPass(now: now) else { return false }
        let family = pass.family
        let found = try look(pass, now: now, subjectsKept: subjectsKept)
        let deleted = try delete(found.dead, of: family)
        if let position = found.next {
            pass.position = position
        } else if let next = Self.family(behind: family) {
            (pass.family, pass.position) = (next, [])
        } else {
            finish(pass, deleted)
            return false
        }
        save(pass, deleted, of: family)
        return true
    }

    private static func family(behind family: RecordFamily) -> RecordFamily? {
        switch family {
        case .keys: .index
        case .index: .subjects
        case .subjects: nil
        }
    }

    // MARK: Passes

    private func nextPass(now: Milliseconds) -> Pass? {
        let alive = Set(vault.keyring.contents.epochs.keys)
        return state.withLock { state in
            if let pass = state.pass { return pass }
            if let last = state.last, last.alive.isSubset(of: alive), last.began <= now,
                now - last.began < Self.passInterval
            {
                return nil
            }
            return Pass(began: now, alive: alive, family: .keys)
        }
    }

    private func save(_ pass: Pass, _ deleted: Int, of family: RecordFamily) {
        state.withLock { state in
            state.pass = pass
            Self.count(deleted, family, &state.statistics)
        }
    }

    private func finish(_ pass: Pass, _ deleted: Int) {
        state.withLock { state in
            state.pass = nil
            state.last = (pass.began, pass.alive)
            Self.count(deleted, pass.family, &state.statistics)
            state.statistics.passes += 1
        }
    }

    private static func count(
        _ deleted: Int, _ family: RecordFamily, _ statistics: inout Statistics
    ) {
        switch family {
        case .keys: statistics.keys += UInt64(deleted)
        case .index: statistics.index += UInt64(deleted)
        case .subjects: statistics.subjects += UInt64(deleted)
        }
    }

    // MARK: Looking

    private struct Record {
        let key: [UInt8]
        let value: [UInt8]
    }

    private struct Found {
        var dead: [Record] = []
        /// Where the next step of the family begins; nil: it is through.
        var next: [UInt8]?
    }

    private func look(
        _ pass: Pass, now: Milliseconds, subjectsKept: Milliseconds
    ) throws(VaultError) -> Found {
        var found = Found()
        var records: [Record] = []
        do throws(StoreError) {
            try store.sweep(pass.family, from: pass.position) { key, value in
                guard records.count < Self.looksMax else {
                    found.next = Array(key)
                    return false
                }
                records.append(Record(key: Array(key), value: Array(value)))
                return true
            }
        } catch {
            throw .store(error)
        }
        let contents = vault.keyring.contents
        for record in records {
            guard found.dead.count < Self.deletesMax else {
                found.next = record.key
                break
            }
            let isDead =
                switch pass.family {
                case .keys: Self.isDeadKey(record, contents, now: now)
                case .index: try isDeadEntry(record)
                case .subjects: try isDeadSubject(record, now: now, kept: subjectsKept)
                }
            if isDead { found.dead.append(record) }
        }
        return found
    }

    /// Its bucket keys are gone, and by its own date they have a right to be: a keyring that was
    /// brought back from an older copy may lack keys that another copy has.
    private static func isDeadKey(
        _ record: Record, _ contents: KeyringContents, now: Milliseconds
    ) -> Bool {
        guard let key = try? KeyRecord(record.value) else {
            // Damaged: a read of it says so; taking it away would hide that.
            return false
        }
        return contents.epochs[key.epoch] == nil && key.epoch.epoch <= contents.newestEpoch
            && BucketKeys.termEnd(
                day: UTCDay(at: key.created), retention: key.epoch.retention) <= now
    }

    private func isDeadEntry(_ record: Record) throws(VaultError) -> Bool {
        guard let entry = try? IndexEntry(record.value) else { return false }
        return try isGone(entry.link)
    }

    /// An entry without a date was written before releases named the keys that they opened: there is
    /// nothing that it could answer.
    private func isDeadSubject(
        _ record: Record, now: Milliseconds, kept: Milliseconds
    ) throws(VaultError) -> Bool {
        guard let link = KeyLink(bytes: record.key.suffix(MemoryLayout<KeyLink>.size)) else {
            return false
        }
        if record.value.count >= MemoryLayout<Milliseconds>.size {
            let created = record.value.prefix(MemoryLayout<Milliseconds>.size)
                .reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
            guard Milliseconds(truncatingIfNeeded: created) + kept <= now else { return false }
        }
        return try isGone(link)
    }

    private func isGone(_ link: KeyLink) throws(VaultError) -> Bool {
        do throws(StoreError) {
            return try store.readKey(link) == nil
        } catch {
            throw .store(error)
        }
    }

    // MARK: Deleting

    private func delete(_ dead: [Record], of family: RecordFamily) throws(VaultError) -> Int {
        guard !dead.isEmpty else { return 0 }
        switch family {
        case .keys:
            try submit(dead.compactMap { KeyLink(bytes: $0.key) }.map { .deleteKey($0) })
        case .subjects: try submit(dead.map { .deleteSubject(key: $0.key) })
        case .index:
            var count = 0
            for record in dead where try deleteEntry(record) { count += 1 }
            return count
        }
        return dead.count
    }

    /// Under the lock of the sequence, as the maker of its next key works: what it puts there is in
    /// the queue before this, and seen, or behind it, and stays.
    private func deleteEntry(_ record: Record) throws(VaultError) -> Bool {
        let start = MemoryLayout<StreamID>.size
        guard record.key.count == start + Hash256.byteCount,
            let hash = record.key.withUnsafeBytes({
                Hash256(UnsafeRawBufferPointer(rebasing: $0[start...]))
            })
        else { return false }
        let stream = record.key[..<start].reduce(UInt32(0)) { $0 << 8 | UInt32($1) }
        let sequence = SequenceID(stream: StreamID(rawValue: stream), hash: hash)
        return try vault.stripe(of: sequence).lock.withLock { _ throws(VaultError) in
            guard vault.pending[sequence] == nil else { return false }
            let value = try vault.readingStore { () throws(StoreError) in
                try store.readIndex(record.key)
            }
            guard value == record.value else { return false }
            try submit([.deleteIndex(key: record.key)])
            return true
        }
    }

    private func submit(_ mutations: [Mutation]) throws(VaultError) {
        do throws(StoreError) {
            try store.submit(mutations, completion: nil)
        } catch {
            throw .store(error)
        }
    }
}
