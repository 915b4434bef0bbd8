import Store
import Synchronization
import Testing

@testable import Vault

@Suite struct RotationTests {
    @Test("a sequence keeps its key for 24 hours to the millisecond, then gets another key link")
    func rotation() throws {
        let fixture = try VaultFixture()
        let start = fixture.clock.now
        let first = try fixture.vault.key(of: "session-1", at: start)
        #expect(try fixture.vault.key(of: "session-1", at: start + day - 1) == first)
        #expect(fixture.vault.cachedKey(of: "session-1", at: start + day - 1) == first)
        #expect(fixture.vault.cachedKey(of: "session-1", at: start + day) == nil)
        let second = try fixture.vault.key(of: "session-1", at: start + day)
        #expect(second.link != first.link)
        #expect(second.bytes != first.bytes)
        #expect(fixture.vault.cachedKey(of: "session-1", at: start + day) == second)
    }

    @Test("one value in one session gives one ciphertext for 24 hours, and another after")
    func ciphertext() throws {
        let fixture = try VaultFixture()
        let start = fixture.clock.now
        let first = try fixture.vault.key(of: "session-1", at: start).seals("user@example.com")
        let later = try fixture.vault.key(of: "session-1", at: start + 23 * hour)
        #expect(later.seals("user@example.com") == first)
        let tomorrow = try fixture.vault.key(of: "session-1", at: start + day)
        #expect(tomorrow.seals("user@example.com") != first)
        let other = try fixture.vault.key(of: "session-2", at: start)
        #expect(other.seals("user@example.com") != first)
        let elsewhere = try fixture.vault.key(
            of: "session-1", stream: StreamID(rawValue: 8), at: start)
        #expect(elsewhere.seals("user@example.com") != first)
    }

    @Test("a rotated key still opens what it sealed")
    func oldKeyOpens() throws {
        let fixture = try VaultFixture()
        let start = fixture.clock.now
        let first = try fixture.vault.key(of: "session-1", at: start)
        _ = try fixture.vault.key(of: "session-1", at: start + day)
        #expect(try fixture.vault.key(for: first.link, at: start + day) == first)
        try fixture.opens()
        #expect(try fixture.vault.key(for: first.link, at: start + day) == first)
        // Opening the old key must not make it the one that seals.
        let second = try fixture.vault.key(of: "session-1", at: start + day)
        #expect(second != first)
        #expect(fixture.vault.cachedKey(of: "session-1", at: start + day) == second)
    }

    @Test("a restart finds the same key")
    func restart() throws {
        let fixture = try VaultFixture()
        let first = try fixture.vault.key(of: "session-1", at: fixture.clock.now)
        fixture.clock.advances(by: 3 * hour)
        try fixture.opens()
        #expect(fixture.vault.cachedKey(of: "session-1", at: fixture.clock.now) == nil)
        #expect(try fixture.vault.key(of: "session-1", at: fixture.clock.now) == first)
        #expect(fixture.vault.cachedKey(of: "session-1", at: fixture.clock.now) == first)
    }

    @Test("a key lives on over midnight: the day's end changes epochs, not keys")
    func midnight() throws {
        let fixture = try VaultFixture()
        let start = fixture.clock.now
        let first = try fixture.vault.key(of: "session-1", at: start)
        let other = try fixture.vault.key(of: "session-2", at: start + 13 * hour)
        #expect(fixture.vault.statistics.epoch == 2)
        #expect(try fixture.vault.key(of: "session-1", at: start + 13 * hour) == first)
        #expect(other.link != first.link)
        let late = try fixture.vault.key(of: "session-1", at: start + 23 * hour)
        #expect(late == first)
    }

    @Test("the key id is the first four bytes of the key link, and never 0")
    func keyID() throws {
        let fixture = try VaultFixture()
        for number in 0..<200 {
            let value = Bytes("session-\(number)")
            try fixture.vault.withKey(
                stream: clicks, retention: .standard, keyValue: value.buffer, subject: nil,
                now: fixture.clock.now
            ) { key in
                #expect(key.keyID == UInt32(truncatingIfNeeded: key.keyLink.high >> 32))
                #expect(key.keyID != 0)
                #expect(key.keyLink.description.dropFirst(14).first == "4")
                #expect(key.withBytes { $0.count } == 64)
            }
        }
    }

    @Test("a lent key is overwritten when the loan ends")
    func zeroised() {
        let room = UnsafeMutableRawBufferPointer.allocate(byteCount: 64, alignment: 16)
        defer { room.deallocate() }
        room.initializeMemory(as: UInt8.self, repeating: 0xA5)
        do {
            let key = DataKey(keyLink: .random(), bytes: room.baseAddress!)
            let isThere = key.withBytes { $0.allSatisfy { $0 == 0xA5 } }
            #expect(isThere)
        }
        let isGone = room.allSatisfy { $0 == 0 }
        #expect(isGone)
    }

    @Test("without a store every call for a key fails in the same way")
    func sealed() throws {
        let fixture = try VaultFixture()
        let now = fixture.clock.now
        fixture.closes()
        let vault = try Vault.unlock(
            keyringDirectory: fixture.keyringPath, masterKey: fixture.masterKey,
            clock: fixture.clock.vaultClock)
        #expect(throws: VaultError.sealedVault) { try vault.key(of: "session-1", at: now) }
        #expect(throws: VaultError.sealedVault) { try vault.key(for: .random(), at: now) }
        #expect(vault.cachedKey(of: "session-1", at: now) == nil)
    }

    @Test("a key link that never was is gone")
    func unknownLink() throws {
        let fixture = try VaultFixture()
        #expect(throws: VaultError.keyGone) {
            try fixture.vault.key(for: .random(), at: fixture.clock.now)
        }
    }

    @Test("another retention class of a stream gets a key of its own class")
    func retentionChange() throws {
        let fixture = try VaultFixture()
        let now = fixture.clock.now
        let week = try fixture.vault.key(of: "session-1", at: now)
        let month = try #require(RetentionClass(days: 30))
        #expect(fixture.vault.cachedKey(of: "session-1", retention: month, at: now) == nil)
        let other = try fixture.vault.key(of: "session-1", retention: month, at: now)
        #expect(other.link != week.link)
        let record = try #require(fixture.store.state.withLock { $0.keys[other.link] })
        #expect(try KeyRecord(record).epoch.retention == month)
    }
}
