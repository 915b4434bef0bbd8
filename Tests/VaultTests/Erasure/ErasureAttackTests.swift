import Foundation
import Store
import Synchronization
import Testing

@testable import Vault

/// Somebody has copies of everything from before, and everything that exists after.
@Suite struct ErasureAttackTests {
    private struct Loot {
        var keyrings: [[UInt8]] = []
        var records: [(link: KeyLink, record: [UInt8])] = []
    }

    /// What a person's records give to whoever opens these keyring files with this master key.
    private func opened(_ loot: Loot, with masterKey: LockedMemory) throws -> Int {
        let room = UnsafeMutableRawBufferPointer.allocate(byteCount: 64, alignment: 16)
        defer { room.deallocate() }
        var count = 0
        for file in loot.keyrings {
            let contents: KeyringContents
            do throws(VaultError) {
                contents = try KeyringFile.decode(file, masterKey: masterKey).contents
            } catch {
                guard case .masterKey = error else { throw error }
                continue
            }
            for (link, bytes) in loot.records {
                let record = try KeyRecord(bytes)
                guard let keys = contents.epochs[record.epoch] else { continue }
                if try record.unwrap(bytes, link: link, with: keys, into: room.baseAddress!) {
                    count += 1
                }
            }
        }
        return count
    }

    /// An erasure, with a copy of the keyring before each of its steps.
    private func erasure(renewsMasterKey: Bool) throws -> (ErasureSite, Loot) {
        let site = try ErasureSite(renewsMasterKey: renewsMasterKey)
        let file = site.keyringFile
        let copies = Mutex<[[UInt8]]>([])
        try site.opens(before: { _ throws(VaultError) in
            guard let data = FileManager.default.contents(atPath: file) else { return }
            copies.withLock { $0.append(Array(data)) }
        })
        _ = try site.keys(600, of: "bert")
        let anna = try site.keys(5, of: "anna")
        var loot = Loot()
        for key in anna {
            loot.records.append((key.link, try #require(try site.record(of: key.link))))
        }
        try site.erases("anna")
        _ = try site.vault.destroyErased(now: site.now)
        // The last one is of after it.
        loot.keyrings = copies.withLock { $0 } + [try site.bytes(of: file)]
        return (site, loot)
    }

    @Test("all keyrings from before and all of today's secrets open nothing of the person")
    func renewed() throws {
        let (site, loot) = try erasure(renewsMasterKey: true)
        #expect(loot.keyrings.count == ErasureStep.allCases.count + 1)
        #expect(try opened(loot, with: try site.masterKey()) == 0)
    }

    @Test("the control: with the master key as it was, keyrings from before open everything")
    func control() throws {
        let (site, loot) = try erasure(renewsMasterKey: false)
        #expect(try opened(loot, with: try site.masterKey()) >= 5 * 5)
        // The keyring of today alone opens nothing.
        var today = loot
        today.keyrings = [try #require(loot.keyrings.last)]
        #expect(try opened(today, with: try site.masterKey()) == 0)
    }

    @Test("the old master key is overwritten where it lay")
    func overwritten() throws {
        let site = try ErasureSite()
        // A second name for the same file: what is on the disk in its place.
        try FileManager.default.linkItem(
            atPath: site.masterKeyFile, toPath: site.path + "/witness")
        let before = try site.bytes(of: site.path + "/witness")
        try site.vault.renewMasterKey(now: site.now)
        #expect(try site.bytes(of: site.path + "/witness") != before)
        #expect(try site.bytes(of: site.masterKeyFile) != before)
        try site.opens()
        _ = try site.key(of: "session-1")
    }

    @Test("a renewal that dies in any step of it or of the keyring's is finished or undone")
    func renewalCrashes() throws {
        for step in [
            ErasureStep.prepareMasterKey, .renameMasterKey, .overwriteMasterKey,
        ] {
            let site = try ErasureSite()
            let key = try site.key(of: "session-1")
            try site.opens(dyingBefore: step)
            #expect(throws: MasterKeyError.vault(.keyring("died"))) {
                try site.vault.renewMasterKey(now: site.now)
            }
            try site.opens()
            #expect(try site.openable([key]) == 1, "\(step)")
            #expect(!site.names(in: "").contains { $0.hasPrefix("master.key.") }, "\(step)")
            try site.vault.renewMasterKey(now: site.now)
            try site.opens()
            #expect(try site.openable([key]) == 1, "\(step)")
        }
        for step in KeyringStep.allCases {
            let fixture = try VaultFixture()
            let key = try fixture.vault.key(of: "session-1", at: fixture.clock.now)
            try fixture.opens(failingBefore: { now throws(VaultError) in
                if now == step { throw .keyring("died") }
            })
            #expect(throws: MasterKeyError.vault(.keyring("died"))) {
                try fixture.vault.renewMasterKey(now: fixture.clock.now)
            }
            try fixture.opens()
            #expect(try fixture.vault.key(for: key.link, at: fixture.clock.now) == key, "\(step)")
            let names = try FileManager.default.contentsOfDirectory(atPath: fixture.path)
            #expect(names.sorted() == ["keys", "master.key"], "\(step)")
        }
    }

    @Test("a next master key that was cut off in its writing is not taken for one")
    func tornNext() throws {
        let site = try ErasureSite()
        let key = try site.key(of: "session-1")
        let text = try site.bytes(of: site.masterKeyFile)
        for count in [0, 1, 20, 32, 43] {
            site.closes()
            try Data(text[..<count]).write(to: URL(fileURLWithPath: site.masterKeyFile + ".next"))
            try site.opens()
            #expect(try site.openable([key]) == 1)
            #expect(!site.names(in: "").contains("master.key.next"))
        }
    }
}
