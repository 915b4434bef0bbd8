import Foundation
import Store
import Synchronization
import Testing

@testable import Vault

@Suite struct EpochTests {
    /// The end of the fixture's first day, 12 hours after its start.
    private let dayEnd = ManualClock.noon + 12 * hour

    @Test("an epoch is destroyed when its last event has expired, to the millisecond")
    func term() throws {
        let fixture = try VaultFixture()
        let key = try fixture.vault.key(of: "session-1", at: fixture.clock.now)
        let end = dayEnd + day + 7 * day
        fixture.clock.advances(by: end - 1 - fixture.clock.now)
        #expect(try fixture.vault.destroyExpiredEpochs(now: fixture.clock.now) == [])
        #expect(try fixture.vault.key(for: key.link, at: fixture.clock.now) == key)
        fixture.clock.advances(by: 1)
        let expected = DestroyedEpoch(
            epoch: 1, day: UTCDay(at: ManualClock.noon), retention: .standard)
        #expect(fixture.vault.expiredEpochs(now: fixture.clock.now) == [expected])
        #expect(try fixture.vault.destroyExpiredEpochs(now: fixture.clock.now) == [expected])
        #expect(fixture.vault.statistics.epochClasses == 0)
        #expect(try fixture.vault.destroyExpiredEpochs(now: fixture.clock.now) == [])
    }

    @Test("what was opened before the destruction cannot be opened after, not even from the cache")
    func shredding() throws {
        let fixture = try VaultFixture()
        let start = fixture.clock.now
        let key = try fixture.vault.key(of: "session-1", at: start)
        #expect(try fixture.vault.key(for: key.link, at: start) == key)
        fixture.clock.advances(by: 9 * day)
        #expect(try fixture.vault.destroyExpiredEpochs(now: fixture.clock.now).count == 1)
        // Asked with the old time too, so that it is not the term that refuses.
        for now in [start, fixture.clock.now] {
            #expect(throws: VaultError.keyGone) { try fixture.vault.key(for: key.link, at: now) }
        }
        #expect(fixture.vault.cachedKey(of: "session-1", at: start) == nil)
        #expect(!contains(fixture.vault.cache.arena.copy(), key.bytes))
    }

    @Test("an old copy of the database is useless with the new keyring")
    func oldBackup() throws {
        let fixture = try VaultFixture()
        let start = fixture.clock.now
        let key = try fixture.vault.key(of: "session-1", at: start)
        let backup = fixture.store.state.withLock { $0.keys }
        fixture.clock.advances(by: 9 * day)
        _ = try fixture.vault.key(of: "session-1", at: fixture.clock.now)
        _ = try fixture.vault.destroyExpiredEpochs(now: fixture.clock.now)
        fixture.store.state.withLock { $0.keys = backup }
        try fixture.opens()
        #expect(throws: VaultError.keyGone) { try fixture.vault.key(for: key.link, at: start) }
        let file = try fixture.bytesOfKeyring()
        let masterKey = try MasterKey.read(fixture.masterKey, commandSeconds: 1)
        let left = try KeyringFile.decode(file, masterKey: masterKey).contents
        #expect(left.epochs.keys.map(\.epoch) == [2])
    }

    @Test("each retention class has keys of its own and its own end")
    func classes() throws {
        let fixture = try VaultFixture()
        let start = fixture.clock.now
        let short = try #require(RetentionClass(days: 1))
        let long = try #require(RetentionClass(days: 400))
        let brief = try fixture.vault.key(of: "session-1", retention: short, at: start)
        let lasting = try fixture.vault.key(of: "session-2", retention: long, at: start)
        fixture.clock.advances(by: dayEnd + 2 * day - start)
        let destroyed = try fixture.vault.destroyExpiredEpochs(now: fixture.clock.now)
        #expect(destroyed.map(\.retention) == [short])
        #expect(throws: VaultError.keyGone) {
            try fixture.vault.key(for: brief.link, at: start)
        }
        #expect(try fixture.vault.key(for: lasting.link, at: fixture.clock.now) == lasting)
        try fixture.opens()
        #expect(try fixture.vault.key(for: lasting.link, at: fixture.clock.now) == lasting)
    }

    @Test("a key of the last millisecond of a day opens its last event to the last millisecond")
    func lastEvent() throws {
        let fixture = try VaultFixture(at: dayEnd - 1)
        let key = try fixture.vault.key(of: "session-1", at: dayEnd - 1)
        let lastSealed = dayEnd - 1 + day - 1
        #expect(try fixture.vault.key(of: "session-1", at: lastSealed) == key)
        // The event of `lastSealed` may be read while it is younger than 7 days.
        let lastRead = lastSealed + 7 * day - 1
        fixture.clock.advances(by: lastRead - fixture.clock.now)
        #expect(try fixture.vault.destroyExpiredEpochs(now: fixture.clock.now) == [])
        #expect(try fixture.vault.key(for: key.link, at: lastRead) == key)
    }

    @Test("a term that has ended closes the key even before its epoch is destroyed")
    func overdue() throws {
        let fixture = try VaultFixture()
        let key = try fixture.vault.key(of: "session-1", at: fixture.clock.now)
        let end = dayEnd + 8 * day
        #expect(try fixture.vault.key(for: key.link, at: end - 1) == key)
        #expect(throws: VaultError.keyGone) { try fixture.vault.key(for: key.link, at: end) }
        try fixture.opens()
        #expect(throws: VaultError.keyGone) { try fixture.vault.key(for: key.link, at: end) }
    }

    @Test("a day's keys are made once, lazily, in one generation a class")
    func lazily() throws {
        let fixture = try VaultFixture()
        #expect(fixture.vault.statistics.epoch == 0)
        #expect(fixture.vault.statistics.epochDay == nil)
        let generation = fixture.vault.statistics.generation
        for number in 0..<50 {
            _ = try fixture.vault.key(of: "session-\(number)", at: fixture.clock.now)
        }
        #expect(fixture.vault.statistics.generation == generation + 1)
        #expect(fixture.vault.statistics.epoch == 1)
        #expect(fixture.vault.statistics.epochDay == UTCDay(at: ManualClock.noon))
    }

    @Test("three weeks: each day's epoch is made once and destroyed once")
    func threeWeeks() throws {
        let fixture = try VaultFixture()
        var destroyed: [UInt32] = []
        for number in 0..<(21 * 24) {
            _ = try fixture.vault.key(of: "session-\(number)", at: fixture.clock.now)
            destroyed += try fixture.vault.destroyExpiredEpochs(now: fixture.clock.now)
                .map(\.epoch)
            fixture.clock.advances(by: hour)
            #expect(fixture.vault.statistics.epochClasses <= 10)
        }
        #expect(fixture.vault.statistics.epoch == 22)
        #expect(destroyed == Array(1...UInt32(destroyed.count)))
        #expect(destroyed.count == 13)
        #expect(!fixture.vault.statistics.isDestructionOnHold)
    }

    @Test("a destruction that dies in any step can be done again")
    func crashes() throws {
        for step in KeyringStep.allCases {
            let fixture = try VaultFixture()
            let key = try fixture.vault.key(of: "session-1", at: fixture.clock.now)
            try fixture.opens(failingBefore: { now throws(VaultError) in
                if now == step { throw .keyring("died") }
            })
            fixture.clock.advances(by: 10 * day)
            #expect(throws: VaultError.keyring("died")) {
                try fixture.vault.destroyExpiredEpochs(now: fixture.clock.now)
            }
            try fixture.opens()
            // Ten days without a trusted time on record: the operator is asked.
            try fixture.vault.confirmClock()
            _ = try fixture.vault.destroyExpiredEpochs(now: fixture.clock.now)
            #expect(fixture.vault.statistics.epochClasses == 0, "\(step)")
            #expect(throws: VaultError.keyGone) {
                try fixture.vault.key(for: key.link, at: ManualClock.noon)
            }
        }
    }
}
