import Foundation
import Store
import Testing

@testable import Vault

/// The vault over the real store.
@Suite struct StoredKeysTests {
    private final class Disk {
        let fixture: VaultFixture
        private(set) var store: Store

        init() throws {
            fixture = try VaultFixture()
            store = try Self.open(fixture)
            fixture.vault.attach(store: store)
        }

        deinit { store.close() }

        var directory: String { fixture.path + "/data" }

        private static func open(_ fixture: VaultFixture) throws -> Store {
            let clock = fixture.clock
            let store = try Store.open(
                StoreConfiguration(
                    directory: fixture.path + "/data", watermarkPath: fixture.path + "/watermark"),
                clock: { clock.now })
            try store.start()
            return store
        }

        /// A clean stop and a new start of store and vault.
        func restarts() throws {
            store.close()
            fixture.closes()
            try fixture.opens()
            store = try Self.open(fixture)
            fixture.vault.attach(store: store)
        }
    }

    @Test("keys survive a restart of store and vault, and the cache is not needed for it")
    func restart() throws {
        let disk = try Disk()
        let now = disk.fixture.clock.now
        var keys: [LentKey] = []
        for number in 0..<200 {
            keys.append(
                try disk.fixture.vault.key(of: "session-\(number)", subject: "anna", at: now))
        }
        try disk.restarts()
        for number in 0..<200 {
            #expect(try disk.fixture.vault.key(for: keys[number].link, at: now) == keys[number])
            #expect(try disk.fixture.vault.key(of: "session-\(number)", at: now) == keys[number])
        }
        #expect(disk.fixture.vault.statistics.keysMade == 0)
    }

    @Test("no key, no key-field value and no subject is anywhere in the data directory")
    func nothingInClear() throws {
        let disk = try Disk()
        let now = disk.fixture.clock.now
        var keys: [LentKey] = []
        for number in 0..<50 {
            keys.append(
                try disk.fixture.vault.key(
                    of: "SMCANARY-session-\(number)", subject: "SMCANARY-anna", at: now))
        }
        try disk.restarts()
        var bytes = 0
        var links = 0
        let files = try #require(FileManager.default.enumerator(atPath: disk.fixture.path))
        for case let name as String in files {
            let path = disk.fixture.path + "/" + name
            guard let data = FileManager.default.contents(atPath: path) else { continue }
            bytes += data.count
            #expect(data.range(of: Data("SMCANARY".utf8)) == nil, "\(name)")
            for key in keys {
                #expect(data.range(of: Data(key.bytes[..<16])) == nil, "\(name)")
                #expect(data.range(of: Data(key.bytes[32..<48])) == nil, "\(name)")
                if data.range(of: Data(key.link.bytes)) != nil { links += 1 }
            }
        }
        // The control: the search does find what is there in clear.
        #expect(links >= 50)
        #expect(bytes > 50 * KeyRecord.byteCount)
    }

    @Test("after an epoch is destroyed the database opens nothing of it")
    func destroyed() throws {
        let disk = try Disk()
        let start = disk.fixture.clock.now
        let key = try disk.fixture.vault.key(of: "session-1", at: start)
        disk.fixture.clock.advances(by: 9 * day)
        #expect(
            try disk.fixture.vault.destroyExpiredEpochs(now: disk.fixture.clock.now).count == 1)
        try disk.restarts()
        #expect(throws: VaultError.keyGone) {
            try disk.fixture.vault.key(for: key.link, at: start)
        }
    }

    @Test("a store that is closed gives an error and no key")
    func closed() throws {
        let disk = try Disk()
        disk.store.close()
        #expect(throws: VaultError.store(.closed)) {
            try disk.fixture.vault.key(of: "session-1", at: disk.fixture.clock.now)
        }
        #expect(disk.fixture.vault.statistics.keysPending == 0)
    }
}
