import Foundation
import Store
import Synchronization
import Testing

@testable import Vault

@Suite("Renewing the master key with an erasure")
struct MasterKeyRenewalTests {
    /// Erases somebody with these settings, and gives what was said of it.
    private func destruction(_ site: ErasureSite) throws -> ErasureBatch {
        let anna = try site.keys(3, of: "anna")
        let bert = try site.keys(300, of: "bert")
        let id = Vault.newErasureID()
        try site.erases("anna", id: id)
        let batch = try #require(try site.vault.destroyErased(now: site.now))
        #expect(try site.openable(anna) == 0)
        try site.opens()
        #expect(try site.openable(bert) == 300)
        #expect(site.vault.erasure(id: id)?.state == .destroyed)
        return batch
    }

    private func names(_ site: ErasureSite) -> [String] {
        site.names(in: "").filter { $0.hasPrefix("master.key") }
    }

    @Test("is not done to a key file elsewhere than in the keyring's directory, unless told to")
    func elsewhere() throws {
        let site = try ErasureSite(renewsMasterKey: nil)
        let before = try site.bytes(of: site.masterKeyFile)
        #expect(try !destruction(site).isMasterKeyRenewed)
        let isSame = try site.bytes(of: site.masterKeyFile) == before
        #expect(isSame)
        #expect(MasterKeyFile.lies(path: site.keyringFile, in: site.path + "/keys/."))
        #expect(!MasterKeyFile.lies(path: site.masterKeyFile, in: site.path + "/keys"))
        #expect(!MasterKeyFile.lies(path: site.masterKeyFile, in: site.path + "/none"))
    }

    @Test("is skipped, whole, if the file cannot be replaced, and the destruction is complete")
    func irreplaceable() throws {
        let site = try ErasureSite()
        // What stands here keeps the file from having a second name, as a mount would.
        let obstacle = site.masterKeyFile + ".old"
        try FileManager.default.createDirectory(
            atPath: obstacle, withIntermediateDirectories: false)
        let before = try site.bytes(of: site.masterKeyFile)
        #expect(try !destruction(site).isMasterKeyRenewed)
        let isSame = try site.bytes(of: site.masterKeyFile) == before
        #expect(isSame)
        #expect(names(site) == ["master.key", "master.key.old"])
        #expect(
            throws: MasterKeyError.vault(
                .masterKey("only a key in a file that may be replaced can be renewed"))
        ) { try site.vault.renewMasterKey(now: site.now) }
        #expect(names(site) == ["master.key", "master.key.old"])
        try FileManager.default.removeItem(atPath: obstacle)
        #expect(try destruction(site).isMasterKeyRenewed)
        #expect(names(site) == ["master.key"])
    }

    @Test("that can no more put the key in its place leaves both, and the next start opens")
    func halfway() throws {
        let site = try ErasureSite()
        let obstacle = site.masterKeyFile + ".old"
        // After the trial: the keyring is under the next key when this comes up.
        try site.opens(before: { step throws(VaultError) in
            guard step == .renameMasterKey else { return }
            try? FileManager.default.createDirectory(
                atPath: obstacle, withIntermediateDirectories: false)
        })
        #expect(try !destruction(site).isMasterKeyRenewed)
        #expect(names(site) == ["master.key", "master.key.next", "master.key.old"])
        try site.opens()
        try FileManager.default.removeItem(atPath: obstacle)
        try site.opens()
        #expect(names(site) == ["master.key"])
    }

    @Test(
        "without an erasure, halfway too, says which files must be kept, and not that all is as before"
    )
    func toldHalfway() throws {
        let site = try ErasureSite()
        let key = try site.key(of: "session")
        let obstacle = site.masterKeyFile + ".old"
        try site.opens(before: { step throws(VaultError) in
            guard step == .renameMasterKey else { return }
            try? FileManager.default.createDirectory(
                atPath: obstacle, withIntermediateDirectories: false)
        })
        let error = MasterKeyError.halfway(path: site.masterKeyFile)
        #expect(throws: error) { try site.vault.renewMasterKey(now: site.now) }
        #expect(error.description.contains("keep \(site.masterKeyFile) and "))
        #expect(error.description.contains("\(site.masterKeyFile).next"))
        #expect(names(site) == ["master.key", "master.key.next", "master.key.old"])
        try FileManager.default.removeItem(atPath: obstacle)
        try site.opens()
        #expect(names(site) == ["master.key"])
        #expect(try site.openable([key]) == 1)
    }

    /// The keyring is under the next key, which cannot take its place.
    /// - Returns: what keeps it from that.
    private func leavesHalfway(_ site: ErasureSite) throws -> String {
        let obstacle = site.masterKeyFile + ".old"
        try site.opens(before: { step throws(VaultError) in
            guard step == .renameMasterKey else { return }
            try? FileManager.default.createDirectory(
                atPath: obstacle, withIntermediateDirectories: false)
        })
        #expect(throws: MasterKeyError.halfway(path: site.masterKeyFile)) {
            try site.vault.renewMasterKey(now: site.now)
        }
        // Without the hook.
        try site.opens()
        return obstacle
    }

    @Test(
        "a second one, also with a destruction, ends one that was left halfway and has its own key",
        arguments: [false, true])
    func afterHalfway(isDestruction: Bool) throws {
        let site = try ErasureSite()
        let obstacle = try leavesHalfway(site)
        let copy = try site.bytes(of: site.keyringFile)
        try FileManager.default.removeItem(atPath: obstacle)
        if isDestruction {
            #expect(try destruction(site).isMasterKeyRenewed)
        } else {
            try site.vault.renewMasterKey(now: site.now)
        }
        #expect(try !KeyringFile.isSealed(copy, under: site.masterKey()))
        #expect(names(site) == ["master.key"])
    }

    @Test("one that is still halfway lets no other key be taken, and none is made")
    func stillHalfway() throws {
        let site = try ErasureSite()
        _ = try leavesHalfway(site)
        let other = site.path + "/other.key"
        let generation = site.vault.statistics.generation
        let error = MasterKeyError.halfway(path: site.masterKeyFile)
        #expect(throws: error) { try site.vault.renewMasterKey(now: site.now) }
        #expect(throws: error) {
            try site.vault.rotateMasterKey(to: .file(other), makingFile: true, now: site.now)
        }
        #expect(!FileManager.default.fileExists(atPath: other))
        #expect(site.vault.statistics.generation == generation)
        #expect(try !destruction(site).isMasterKeyRenewed)
    }

    @Test("a next key that the keyring is under already is not given for a new one")
    func inUse() throws {
        let site = try ErasureSite()
        _ = try leavesHalfway(site)
        let file = try MasterKeyFile(path: site.masterKeyFile)
        #expect(throws: VaultError.self) { _ = try file.prepare() }
    }

    @Test(
        "a next key under which a write failed late is not used again: a copy may be under it",
        arguments: [false, true])
    func failedLate(isDestruction: Bool) throws {
        let site = try ErasureSite()
        let fails = Atomic(false)
        try site.opens(keyring: { step throws(VaultError) in
            guard step == .syncDirectory, fails.exchange(false, ordering: .relaxed) else { return }
            throw .keyring("no sync")
        })
        fails.store(true, ordering: .relaxed)
        #expect(throws: MasterKeyError.vault(.keyring("no sync"))) {
            try site.vault.renewMasterKey(now: site.now)
        }
        let copy = try site.bytes(of: site.keyringFile)
        #expect(try !KeyringFile.isSealed(copy, under: site.masterKey()))
        if isDestruction {
            #expect(try destruction(site).isMasterKeyRenewed)
        } else {
            try site.vault.renewMasterKey(now: site.now)
        }
        #expect(try !KeyringFile.isSealed(copy, under: site.masterKey()))
        #expect(names(site) == ["master.key"])
    }

    @Test("a reader changes nothing of what a process that died left")
    func readOnly() throws {
        let site = try ErasureSite()
        site.closes()
        let next = site.masterKeyFile + ".next"
        try Data("no key".utf8).write(to: URL(fileURLWithPath: next))
        _ = try MasterKeyFile.read(
            .file(site.masterKeyFile), of: try KeyringDirectory(path: site.path + "/keys"),
            commandSeconds: 1, isReadOnly: true)
        #expect(names(site) == ["master.key", "master.key.next"])
        try site.opens()
        #expect(names(site) == ["master.key"])
    }
}
