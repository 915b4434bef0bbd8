import Foundation
import Store
import Testing

@testable import Vault

@Suite("Replacing the master key of a keyring that has an escrow")
struct MasterKeyEscrowTests {
    private let site: ErasureSite
    private let escrow: String
    private var away: String { escrow + ".away" }

    init() throws {
        site = try ErasureSite()
        escrow = site.path + "/escrow"
        try Vault.prepareEscrow(directory: escrow)
        site.escrow = escrow
        try site.opens()
        try site.vault.settleEscrow()
    }

    private func goesAway() throws {
        try FileManager.default.moveItem(atPath: escrow, toPath: away)
    }

    private func comesBack() throws {
        try FileManager.default.moveItem(atPath: away, toPath: escrow)
    }

    /// Its device goes before that step.
    private func loses(before lost: ErasureStep) throws {
        let (escrow, away) = (escrow, away)
        try site.opens(before: { step throws(VaultError) in
            guard step == lost else { return }
            try? FileManager.default.moveItem(atPath: escrow, toPath: away)
        })
    }

    private var keys: [String] { site.names(in: "").filter { $0.hasPrefix("master.key") } }

    private func masterKey() throws -> LockedMemory {
        try MasterKey.read(.file(site.masterKeyFile), commandSeconds: 1)
    }

    /// The escrow's keyring is the current one, and the key in the file opens it.
    private func expectUsable() throws {
        let copy = try site.bytes(of: escrow + "/keyring")
        let isSame = try copy == site.bytes(of: site.keyringFile)
        #expect(isSame)
        #expect(try KeyringFile.isSealed(copy, under: masterKey()))
        #expect(keys == ["master.key"])
    }

    @Test("is refused while that is behind: neither a key nor the keyring is another one then")
    func refused() throws {
        let before = try site.bytes(of: site.masterKeyFile)
        let generation = site.vault.statistics.generation
        let other = site.path + "/other.key"
        try goesAway()
        for isMove in [false, true] {
            do throws(MasterKeyError) {
                if isMove {
                    try site.vault.rotateMasterKey(
                        to: .file(other), makingFile: true, now: site.now)
                } else {
                    try site.vault.renewMasterKey(now: site.now)
                }
                Issue.record("the key was replaced")
            } catch {
                guard case .escrowBehind = error else {
                    Issue.record("\(error)")
                    continue
                }
            }
        }
        let isSame = try site.bytes(of: site.masterKeyFile) == before
        #expect(isSame && keys == ["master.key"])
        #expect(!FileManager.default.fileExists(atPath: other))
        #expect(site.vault.statistics.generation == generation)
        try comesBack()
        try site.vault.renewMasterKey(now: site.now)
        try expectUsable()
    }

    @Test("keeps both keys if that is lost meanwhile, until it has followed")
    func lostMeanwhile() throws {
        try loses(before: .prepareMasterKey)
        let before = try masterKey()
        #expect(throws: MasterKeyError.halfway(path: site.masterKeyFile)) {
            try site.vault.renewMasterKey(now: site.now)
        }
        #expect(keys == ["master.key", "master.key.next"])
        #expect(try KeyringFile.isSealed(site.bytes(of: away + "/keyring"), under: before))
        // A start does not take the old key away either.
        try site.opens()
        #expect(keys == ["master.key", "master.key.next"])
        #expect(try KeyringFile.isSealed(site.bytes(of: away + "/keyring"), under: masterKey()))
        #expect(site.vault.mustSettleEscrow)
        try comesBack()
        try site.vault.settleEscrow()
        try expectUsable()
        #expect(!site.vault.mustSettleEscrow)
    }

    @Test("that was left halfway is ended by a start that finds the escrow")
    func endedByStart() throws {
        try loses(before: .prepareMasterKey)
        #expect(throws: MasterKeyError.halfway(path: site.masterKeyFile)) {
            try site.vault.renewMasterKey(now: site.now)
        }
        site.closes()
        try comesBack()
        try site.opens()
        try expectUsable()
    }

    @Test("that died is ended by the next start that knows that the escrow has followed")
    func died() throws {
        try site.opens(before: { step throws(VaultError) in
            if step == .renameMasterKey { throw .keyring("died") }
        })
        #expect(throws: MasterKeyError.vault(.keyring("died"))) {
            try site.vault.renewMasterKey(now: site.now)
        }
        #expect(keys == ["master.key", "master.key.next"])
        try goesAway()
        try site.opens()
        #expect(keys == ["master.key", "master.key.next"])
        site.closes()
        try comesBack()
        try site.opens()
        try expectUsable()
    }

    @Test("with an erasure waits for that too: the old key goes when the escrow has followed")
    func erasure() throws {
        _ = try site.keys(3, of: "anna")
        let bert = try site.keys(300, of: "bert")
        try loses(before: .destroyBuckets)
        let before = try masterKey()
        try site.erases("anna", id: "e-1")
        #expect(throws: VaultError.self) { try site.vault.destroyErased(now: site.now) }
        #expect(site.vault.erasure(id: "e-1")?.state == .requested)
        #expect(keys == ["master.key", "master.key.next"])
        #expect(try KeyringFile.isSealed(site.bytes(of: away + "/keyring"), under: before))
        try comesBack()
        #expect(try site.vault.destroyErased(now: site.now)?.isMasterKeyRenewed == true)
        #expect(site.vault.erasure(id: "e-1")?.state == .destroyed)
        try expectUsable()
        #expect(try site.openable(bert) == 300)
    }

    @Test(
        "that was left halfway is ended by a destruction, whose key opens no copy from in between")
    func destructionAfterHalfway() throws {
        _ = try site.keys(3, of: "anna")
        try loses(before: .prepareMasterKey)
        #expect(throws: MasterKeyError.halfway(path: site.masterKeyFile)) {
            try site.vault.renewMasterKey(now: site.now)
        }
        try site.opens()
        let copy = try site.bytes(of: site.keyringFile)
        try comesBack()
        try site.erases("anna", id: "e-1")
        #expect(try site.vault.destroyErased(now: site.now)?.isMasterKeyRenewed == true)
        #expect(try !KeyringFile.isSealed(copy, under: masterKey()))
        try expectUsable()
    }
}
