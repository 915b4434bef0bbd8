import Foundation
import Store
import Testing

@testable import Vault

@Suite("An erasure and the escrow of the keyring")
struct ErasureEscrowTests {
    private func site() throws -> (ErasureSite, escrow: String) {
        let site = try ErasureSite(renewsMasterKey: false)
        let escrow = site.path + "/escrow"
        try Vault.prepareEscrow(directory: escrow)
        site.escrow = escrow
        try site.opens()
        return (site, escrow)
    }

    private func expectCurrent(_ site: ErasureSite, _ escrow: String) throws {
        let isSame = try site.bytes(of: escrow + "/keyring") == site.bytes(of: site.keyringFile)
        #expect(isSame)
    }

    @Test("is not complete while the escrow is behind; it is as soon as the escrow can follow")
    func behind() throws {
        let (site, escrow) = try site()
        let anna = try site.keys(3, of: "anna")
        let bert = try site.keys(300, of: "bert")
        try site.vault.settleEscrow()
        let away = escrow + ".away"
        try FileManager.default.moveItem(atPath: escrow, toPath: away)
        try site.erases("anna", id: "e-1")
        for _ in 0..<2 {
            #expect(throws: VaultError.self) { try site.vault.destroyErased(now: site.now) }
            #expect(site.vault.erasure(id: "e-1")?.state == .requested)
        }
        #expect(try site.openable(anna) == 0)
        // A start is not refused because of it.
        try site.opens()
        #expect(site.vault.erasure(id: "e-1")?.state == .requested)
        #expect(site.vault.interruptedDestruction != nil)
        #expect(try site.openable(bert) == 300)
        try FileManager.default.moveItem(atPath: away, toPath: escrow)
        #expect(try site.vault.destroyErased(now: site.now)?.keysDestroyed == 3)
        #expect(site.vault.interruptedDestruction == nil)
        #expect(site.vault.erasure(id: "e-1")?.state == .destroyed)
        try expectCurrent(site, escrow)
        #expect(site.names(in: "escrow") == ["keyring"])
    }

    @Test("an older keyring that comes back gives no epoch again that lost keys are under")
    func olderEpoch() throws {
        let site = try ErasureSite(renewsMasterKey: false)
        let first = try site.key(of: "first")
        site.closes()
        try site.copies("keys", to: "old")
        try site.opens()
        site.clock.advances(by: day)
        let lost = try site.key(of: "lost")
        let epoch = site.vault.statistics.epoch
        try site.store.waitForCommits()
        site.closes()
        try site.bringsBack("old", as: "keys")
        try site.opens()
        let made = try site.key(of: "made")
        #expect(site.vault.statistics.epoch > epoch)
        let raised = site.vault.statistics.epoch
        for _ in 0..<2 {
            #expect(try site.openable([first, made]) == 2)
            // Gone, not damaged.
            #expect(try site.openable([lost]) == 0)
            try site.opens()
            #expect(site.vault.statistics.epoch == raised)
        }
        #expect(try site.key(of: "lost").link != lost.link)
    }

    @Test("a record that cannot be read stops no destruction")
    func unreadableRecord() throws {
        let site = try ErasureSite()
        _ = try site.keys(3, of: "anna")
        let bert = try site.keys(300, of: "bert")
        try site.puts([9, 9, 9], under: bert[0].link)
        try site.erases("anna")
        let batch = try #require(try site.vault.destroyErased(now: site.now))
        #expect(batch.unreadable == 1)
        #expect(try site.openable(Array(bert.dropFirst())) == 299)
    }

    @Test("is not complete if the escrow is lost after the buckets' keys are destroyed")
    func lostLate() throws {
        let (site, escrow) = try site()
        _ = try site.keys(3, of: "anna")
        let away = escrow + ".away"
        try site.opens(before: { step throws(VaultError) in
            guard step == .destroyBuckets else { return }
            try? FileManager.default.moveItem(atPath: escrow, toPath: away)
        })
        try site.erases("anna", id: "e-1")
        #expect(throws: VaultError.self) { try site.vault.destroyErased(now: site.now) }
        #expect(site.vault.erasure(id: "e-1")?.state == .requested)
        try FileManager.default.moveItem(atPath: away, toPath: escrow)
        try site.opens()
        #expect(site.vault.interruptedDestruction == nil)
        #expect(site.vault.erasure(id: "e-1")?.state == .destroyed)
        try expectCurrent(site, escrow)
    }
}
