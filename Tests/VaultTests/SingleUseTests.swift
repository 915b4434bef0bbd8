import Store
import Synchronization
import Testing

@testable import Vault

@Suite struct SingleUseTests {
    private func makeKey(_ fixture: VaultFixture) throws -> (link: KeyLink, bytes: [UInt8]) {
        try fixture.vault.withSingleUseKey(
            stream: StreamID(rawValue: 1), retention: .standard, now: fixture.clock.now
        ) { key in (key.keyLink, key.withBytes { Array($0) }) }
    }

    @Test("each single-use key is another one, found by its link and by nothing else")
    func single() throws {
        let fixture = try VaultFixture()
        let keys = try (0..<10).map { _ in try makeKey(fixture) }
        #expect(Set(keys.map(\.link)).count == 10)
        #expect(Set(keys.map(\.bytes)).count == 10)
        #expect(fixture.vault.statistics.cachedKeys == 0)
        #expect(fixture.store.state.withLock { $0.index.isEmpty && $0.keys.count == 10 })
        #expect(fixture.vault.statistics.keysMade == 10)
        for key in keys {
            #expect(try fixture.vault.key(for: key.link, at: fixture.clock.now).bytes == key.bytes)
        }
    }

    @Test("a single-use key ends with its epoch, like all keys of its class")
    func ends() throws {
        let fixture = try VaultFixture()
        let key = try makeKey(fixture)
        fixture.clock.advances(by: 9 * day)
        #expect(throws: VaultError.keyGone) {
            _ = try fixture.vault.key(for: key.link, at: fixture.clock.now)
        }
    }

    @Test("a key that the store refuses is never lent")
    func refused() throws {
        let fixture = try VaultFixture()
        fixture.store.state.withLock { $0.refusal = .overloaded(retryAfterSeconds: 1) }
        #expect(throws: VaultError.store(.overloaded(retryAfterSeconds: 1))) {
            _ = try makeKey(fixture)
        }
        #expect(fixture.vault.statistics.keysMade == 0)
    }
}
