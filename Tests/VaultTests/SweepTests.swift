import Foundation
import Store
import Synchronization
import Testing

@testable import Vault

extension MemoryKeyStore: SweptStore {
    func sweep(
        _ family: RecordFamily, from key: [UInt8],
        visit: (UnsafeRawBufferPointer, UnsafeRawBufferPointer) -> Bool
    ) throws(StoreError) {
        let records: [(key: [UInt8], value: [UInt8])] = state.withLock { state in
            switch family {
            case .keys: state.keys.map { ($0.key.bytes, $0.value) }
            case .index: state.index.map { ($0.key, $0.value) }
            case .subjects: state.subjects.map { ($0, []) }
            }
        }
        for record in records.sorted(by: { $0.key.lexicographicallyPrecedes($1.key) })
        where !record.key.lexicographicallyPrecedes(key) {
            let goesOn = record.key.withUnsafeBytes { key in
                record.value.withUnsafeBytes { visit(key, $0) }
            }
            guard goesOn else { return }
        }
    }

    var counts: [Int] {
        state.withLock { [$0.keys.count, $0.index.count, $0.subjects.count] }
    }
}

@Suite("Sweeping what destroyed keys leave") struct SweepTests {
    private let kept = 400 * day

    /// Steps until there is nothing more to do; gives how many it took.
    @discardableResult
    private func sweeps(
        _ sweeper: RecordSweeper, _ fixture: VaultFixture
    ) throws -> Int {
        var steps = 1
        while try sweeper.step(now: fixture.clock.now, subjectsKept: kept) { steps += 1 }
        return steps
    }

    /// Keys of `count` sequences, each of a person.
    private func makes(_ count: Int, _ fixture: VaultFixture, _ name: String = "s") throws {
        for number in 0..<count {
            _ = try fixture.vault.key(
                of: "\(name)\(number)", subject: "p\(number)", at: fixture.clock.now)
        }
    }

    @Test("records of a destroyed epoch go, those of a living one stay")
    func destroyed() throws {
        let fixture = try VaultFixture()
        let sweeper = RecordSweeper(vault: fixture.vault, store: fixture.store)
        try makes(3, fixture)
        fixture.clock.advances(by: 9 * day)
        try makes(2, fixture, "later")
        try sweeps(sweeper, fixture)
        #expect(fixture.store.counts == [5, 5, 5])
        #expect(try fixture.vault.destroyExpiredEpochs(now: fixture.clock.now).count == 1)
        try sweeps(sweeper, fixture)
        #expect(fixture.store.counts == [2, 2, 2])
        let figures = sweeper.statistics
        #expect([figures.keys, figures.index, figures.subjects, figures.passes] == [3, 3, 3, 2])
        #expect(try fixture.vault.key(of: "later0", at: fixture.clock.now).bytes.count == 64)
    }

    @Test("a pass is due after a destruction or after a day, not in between")
    func passes() throws {
        let fixture = try VaultFixture()
        let sweeper = RecordSweeper(vault: fixture.vault, store: fixture.store)
        try makes(1, fixture)
        #expect(try sweeps(sweeper, fixture) == 3)
        #expect(try sweeps(sweeper, fixture) == 1)
        fixture.clock.advances(by: day - 1)
        #expect(try sweeps(sweeper, fixture) == 1)
        fixture.clock.advances(by: 1)
        #expect(try sweeps(sweeper, fixture) == 3)
        #expect(sweeper.statistics.passes == 2)
    }

    @Test("a step deletes a bounded number, and the next goes on where it ended")
    func bounds() throws {
        let fixture = try VaultFixture()
        let sweeper = RecordSweeper(vault: fixture.vault, store: fixture.store)
        let count = RecordSweeper.deletesMax + 7
        try makes(count, fixture)
        fixture.clock.advances(by: 9 * day)
        _ = try fixture.vault.destroyExpiredEpochs(now: fixture.clock.now)
        #expect(try sweeper.step(now: fixture.clock.now, subjectsKept: kept))
        #expect(fixture.store.counts == [7, count, count])
        #expect(try sweeps(sweeper, fixture) == 5)
        #expect(fixture.store.counts == [0, 0, 0])
    }

    @Test("a full queue ends the step, which is repeated whole")
    func overloaded() throws {
        let fixture = try VaultFixture()
        let sweeper = RecordSweeper(vault: fixture.vault, store: fixture.store)
        try makes(3, fixture)
        fixture.clock.advances(by: 9 * day)
        _ = try fixture.vault.destroyExpiredEpochs(now: fixture.clock.now)
        let refusal = StoreError.overloaded(retryAfterSeconds: 1)
        fixture.store.refuses(with: refusal)
        #expect(throws: VaultError.store(refusal)) {
            try sweeper.step(now: fixture.clock.now, subjectsKept: kept)
        }
        #expect(sweeper.statistics == .init())
        fixture.store.refuses(with: nil)
        try sweeps(sweeper, fixture)
        #expect(fixture.store.counts == [0, 0, 0])
    }

    @Test("keys that an older keyring lacks are left until their own date")
    func olderKeyring() throws {
        let fixture = try VaultFixture()
        try makes(1, fixture)
        let before = try fixture.bytesOfKeyring()
        _ = try fixture.vault.key(
            of: "month", retention: try #require(RetentionClass(days: 30)), at: fixture.clock.now)
        fixture.closes()
        try Data(before).write(to: URL(fileURLWithPath: fixture.keyringFile))
        try fixture.opens()
        let sweeper = RecordSweeper(vault: fixture.vault, store: fixture.store)
        try sweeps(sweeper, fixture)
        #expect(fixture.store.counts == [2, 2, 1])
    }

    @Test("a key that is made again while its old entry is swept keeps its place in the index")
    func remade() throws {
        let fixture = try VaultFixture()
        let made = try remakes(fixture)
        #expect(fixture.store.counts[1] == 1)
        try fixture.opens()
        #expect(try fixture.vault.key(of: "s0", at: fixture.clock.now) == made)
    }

    private func remakes(_ fixture: VaultFixture) throws -> LentKey {
        let sweeper = RecordSweeper(vault: fixture.vault, store: fixture.store)
        try makes(1, fixture)
        fixture.clock.advances(by: 9 * day)
        _ = try fixture.vault.destroyExpiredEpochs(now: fixture.clock.now)
        // The family of keys is through: the entry of the index leads nowhere now.
        #expect(try sweeper.step(now: fixture.clock.now, subjectsKept: kept))
        fixture.store.holds(true)
        let made = try fixture.vault.key(of: "s0", at: fixture.clock.now)
        #expect(try sweeper.step(now: fixture.clock.now, subjectsKept: kept))
        fixture.store.holds(false)
        fixture.store.commit()
        try sweeps(sweeper, fixture)
        return made
    }
}
