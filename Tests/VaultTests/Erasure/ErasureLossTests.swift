import Foundation
import Store
import Testing

@testable import Vault

@Suite("What erasures do when something of theirs is lost or damaged")
struct ErasureLossTests {
    @Test(
        "a ledger that is lost, or older, goes on behind all numbers: the next erasure destroys keys",
        arguments: [false, true])
    func lostLedger(isOlderThere: Bool) throws {
        let site = try ErasureSite()
        let bert = try site.keys(600, of: "bert")
        let carl = try site.keys(3, of: "carl")
        let records = try carl.map { try #require(try site.record(of: $0.link)) }
        _ = try site.key(of: "dora", subject: "dora")
        try site.erases("dora")
        try site.copies("erasures", to: "older")
        _ = try site.keys(2, of: "anna")
        try site.erases("anna")
        let first = try #require(try site.vault.destroyErased(now: site.now))
        site.closes()
        try FileManager.default.removeItem(atPath: site.ledgerFile)
        if isOlderThere { try site.bringsBack("older", as: "erasures") }
        #expect(throws: VaultError.self) { try site.opens() }
        for _ in 0..<2 { #expect(try site.givesUpLedger() < 3) }
        try site.opens(isRestored: true)
        try site.erases("carl", id: "e-carl")
        let second = try #require(try site.vault.destroyErased(now: site.now))
        #expect(second.number > first.number)
        #expect(second.buckets > 0 && second.survivors > 0)
        for _ in 0..<2 {
            for (key, record) in zip(carl, records) {
                #expect(try !site.vault.canBeOpened(record, key.link))
            }
            #expect(try site.openable(bert) == 600)
            try site.opens()
        }
        #expect(site.vault.erasure(id: "e-carl")?.state == .destroyed)
    }

    @Test("what a destruction did is told as it was, also if another process ends it")
    func facts() throws {
        let site = try ErasureSite(renewsMasterKey: false)
        let bert = try site.keys(600, of: "bert")
        let anna = try site.keys(3, of: "anna")
        let touched = Set(anna.map { KeyRecord.bucket(of: $0.link) })
        let survivors = bert.filter { touched.contains(KeyRecord.bucket(of: $0.link)) }.count
        try site.opens(dyingBefore: .appendCompleted)
        try site.erases("anna", id: "e-1")
        #expect(throws: VaultError.keyring("died")) {
            _ = try site.vault.destroyErased(now: site.now)
        }
        // From now on it would be renewed; this destruction did not do it.
        site.renewsMasterKey = true
        try site.opens()
        let batch = try #require(site.vault.erasure(id: "e-1")?.batch)
        #expect(!batch.isMasterKeyRenewed)
        #expect(batch.survivors == survivors && survivors > 0)
        #expect(batch.buckets == touched.count)
        #expect(batch.keysDestroyed == 3)
    }

    @Test("a damaged record of a key keeps nobody from being erased, nor a start")
    func damagedRecord() throws {
        let site = try ErasureSite()
        let bert = try site.keys(300, of: "bert")
        let anna = try site.keys(3, of: "anna")
        try site.puts([1, 2, 3], under: anna[0].link)
        try site.opens()
        #expect(try site.links(of: "anna").filter(\.isOpenable).count == 2)
        let erasure = try site.erases("anna")
        // Destroyed like the others: a copy of the store may have it whole.
        #expect(erasure.linkCount == 3 && erasure.goneCount == 0)
        #expect(erasure.knownLinks == Set(anna.map(\.link)))
        #expect(try site.record(of: anna[0].link) == nil)
        #expect(try site.vault.destroyErased(now: site.now)?.keysDestroyed == 3)
        #expect(try site.links(of: "anna").isEmpty)
        try site.opens()
        #expect(try site.openable(bert) == 300)
        // One that was damaged after it was erased, too.
        let carl = try site.keys(2, of: "carl")
        try site.opens(dyingBefore: .deleteRecords)
        #expect(throws: VaultError.keyring("died")) { try site.erases("carl") }
        try site.puts([1, 2, 3], under: carl[0].link)
        try site.opens()
        #expect(try site.record(of: carl[0].link) == nil)
        #expect(try site.openable(carl) == 0)
    }

    @Test("keys that were erased with another's, or are gone, are told apart and told once")
    func goneKeys() throws {
        let site = try ErasureSite()
        let shared = try site.key(of: "s", subject: "anna")
        #expect(try site.key(of: "s", subject: "bert").link == shared.link)
        try site.erases("anna", id: "e-anna")
        let erasure = try site.erases("bert", id: "e-bert")
        #expect(erasure.linkCount == 0 && erasure.goneCount == 1)
        #expect(erasure.knownLinks == [shared.link] && erasure.areLinksKnown)
        #expect(try site.links(of: "bert").isEmpty)
        _ = try site.vault.destroyErased(now: site.now)
        try site.opens()
        let read = try #require(site.vault.erasure(id: "e-bert"))
        #expect(read.gone == erasure.gone && read.state == .destroyed)
    }

    @Test("keys that come to light while others are destroyed are left for the next destruction")
    func outgrown() throws {
        var book = ErasureBook()
        let keys = LedgerRecord.Keys(
            stream: 1, epoch: 1, day: 20_000, days: 7, count: 1,
            links: LedgerRecord.Keys.encoded([KeyLink.random()]))
        var number: UInt64 = 0
        func adds(_ fill: (inout LedgerRecord) -> Void) {
            number += 1
            var record = LedgerRecord(n: number, at: 5)
            fill(&record)
            let isOurs = book.add(record)
            #expect(isOurs)
        }
        for id in ["e-1", "e-2"] {
            adds {
                $0.requested = LedgerRecord.Requested(
                    id: id, client: "c", role: "dpo", person: Hash256().hexadecimal,
                    hasFence: false, subjects: [], keys: [keys])
            }
        }
        adds { $0.started = LedgerRecord.Started(erasures: ["e-1", "e-2"]) }
        adds { $0.found = LedgerRecord.Found(erasure: "e-2", keys: [keys]) }
        adds { $0.completed = ErasureBatch(erasures: ["e-1", "e-2"], number: 3) }
        #expect(book["e-1"]?.state == .destroyed)
        #expect(book["e-2"]?.state == .requested)
        #expect(book.waiting.map(\.id) == ["e-2"])
    }
}
