import Foundation
import Store
import Synchronization
import Testing

@testable import Vault

@Suite struct ErasureRequestTests {
    @Test("a request that failed after the ledger lends nothing from memory, and can be finished")
    func failedRequest() throws {
        let site = try ErasureSite()
        let failures = Atomic(2)
        try site.opens(before: { step throws(VaultError) in
            guard step == .deleteRecords, failures.load(ordering: .relaxed) > 0 else { return }
            failures.subtract(1, ordering: .relaxed)
            throw .keyring("died")
        })
        let anna = try site.keys(3, of: "anna")
        #expect(throws: VaultError.keyring("died")) { try site.erases("anna", id: "e-1") }
        for key in anna {
            #expect(throws: VaultError.keyGone) { try site.vault.key(for: key.link, at: site.now) }
        }
        #expect(try site.record(of: anna[0].link) != nil)
        #expect(throws: VaultError.keyring("died")) { try site.vault.finishRequests() }
        try site.vault.finishRequests()
        for key in anna { #expect(try site.record(of: key.link) == nil) }
        #expect(try site.acts().filter { $0 == "erasureRequested" }.count == 1)
        try site.vault.finishRequests()
        #expect(try site.acts().filter { $0 == "erasureRequested" }.count == 1)
    }

    @Test("an erased person's keys are unusable at once, and gone from store and memory")
    func atOnce() throws {
        let site = try ErasureSite()
        let anna = try site.keys(20, of: "anna")
        let bert = try site.keys(20, of: "bert")
        #expect(try site.links(of: "anna").count == 20)
        let erasure = try site.erases("anna", id: "e-1", fence: false)
        #expect(erasure.state == .requested)
        #expect(erasure.links == anna.map(\.link).sorted())
        #expect(erasure.linkCount == 20)
        #expect(erasure.person == site.hash(of: "anna"))
        #expect(erasure.reference == "case 7")
        let memory = site.vault.cache.arena.copy()
        for key in anna {
            #expect(throws: VaultError.keyGone) { try site.vault.key(for: key.link, at: site.now) }
            #expect(try site.record(of: key.link) == nil)
            #expect(!contains(memory, key.bytes))
            #expect(try site.vault.expiry(of: key.link) == nil)
        }
        #expect(site.vault.cachedKey(of: "anna-0", subject: "anna", at: site.now) == nil)
        #expect(try site.links(of: "anna") == [])
        var indexEntries = 0
        try site.store.scanIndex(prefix: []) { _, value in
            let entry = try IndexEntry(Array(value))
            #expect(!erasure.links.contains(entry.link))
            indexEntries += 1
            return true
        }
        #expect(indexEntries == 20)
        #expect(try site.openable(bert) == 20)
        #expect(try site.links(of: "bert").allSatisfy { $0.isOpenable && !$0.isErased })
        #expect(try site.acts().filter { $0 == "erasureRequested" }.count == 1)
    }

    @Test("while erased keys are taken out of memory those that are still there seal nothing")
    func beforeThePurge() throws {
        let site = try ErasureSite()
        let anna = try site.key(of: "anna-0", subject: "anna")
        let bert = try site.key(of: "bert-0", subject: "bert")
        site.vault.purges.store(1, ordering: .releasing)
        let keys = LedgerRecord.Keys(
            stream: clicks.rawValue, epoch: site.vault.statistics.epoch,
            day: UTCDay(at: site.now).number, days: RetentionClass.standard.days, count: 1,
            links: LedgerRecord.Keys.encoded([anna.link]))
        let person = site.hash(of: "anna").hexadecimal
        try site.vault.ledger.append(at: site.now) {
            $0.requested = LedgerRecord.Requested(
                id: "e-1", client: "c", role: "dpo", person: person, hasFence: false,
                subjects: [], keys: [keys])
        }
        #expect(site.vault.cachedKey(of: "anna-0", subject: "anna", at: site.now) == nil)
        #expect(site.vault.cachedKey(of: "bert-0", subject: "bert", at: site.now) == bert)
        #expect(try site.key(of: "anna-0", subject: "anna").link != anna.link)
    }

    @Test("an erasure looks in memory for its own keys, not for those of all that came before")
    func ownKeys() throws {
        let site = try ErasureSite()
        let anna = try site.key(of: "anna-0", subject: "anna")
        _ = try site.keys(1, of: "bert")
        try site.erases("anna")
        #expect(!contains(site.vault.cache.arena.copy(), anna.bytes))
        // Nothing brings an erased key there; this one shows where is looked.
        let facts = CachedKeyFacts(
            sequence: SequenceID(stream: clicks, hash: Hash256()), link: anna.link,
            epoch: EpochClass(epoch: site.vault.statistics.epoch, retention: .standard),
            term: KeyTerm(
                created: site.now, expires: site.now + hour, day: UTCDay(at: site.now)))
        try anna.bytes.withUnsafeBytes {
            site.vault.cache.insert(facts, bytes: try #require($0.baseAddress))
        }
        try site.erases("bert")
        #expect(contains(site.vault.cache.arena.copy(), anna.bytes))
        #expect(throws: VaultError.keyGone) { try site.vault.key(for: anna.link, at: site.now) }
        #expect(!contains(site.vault.cache.arena.copy(), anna.bytes))
    }

    @Test("an erasure holds over a restart, and over one that dies before any of its steps")
    func restart() throws {
        for step in [ErasureStep.deleteRecords, .commitRequested] {
            let site = try ErasureSite()
            let anna = try site.keys(3, of: "anna")
            let bert = try site.keys(3, of: "bert")
            try site.opens(dyingBefore: step)
            #expect(throws: VaultError.keyring("died")) { try site.erases("anna", id: "e-1") }
            // It is on record, so it holds already.
            #expect(try site.openable(anna) == 0, "\(step)")
            try site.opens()
            #expect(try site.openable(anna) == 0, "\(step)")
            #expect(try site.openable(bert) == 3, "\(step)")
            #expect(try site.links(of: "anna").isEmpty)
            for key in anna { #expect(try site.record(of: key.link) == nil) }
            #expect(try site.acts().filter { $0 == "erasureRequested" }.count == 1)
            #expect(site.vault.erasure(id: "e-1")?.state == .requested)
        }
        let site = try ErasureSite()
        let anna = try site.keys(3, of: "anna")
        try site.opens(dyingBefore: .appendRequested)
        #expect(throws: VaultError.keyring("died")) { try site.erases("anna", id: "e-1") }
        try site.opens()
        // Not on record: as before.
        #expect(try site.openable(anna) == 3)
        #expect(site.vault.erasures.isEmpty)
    }

    @Test("later events of an erased person get a new key, which is on record for them")
    func newKey() throws {
        let site = try ErasureSite()
        let before = try site.key(of: "session-1", subject: "anna")
        try site.erases("anna")
        let after = try site.key(of: "session-1", subject: "anna")
        #expect(after.link != before.link)
        #expect(after.bytes != before.bytes)
        #expect(try site.links(of: "anna").map(\.link) == [after.link])
        #expect(try site.key(of: "session-1", subject: "anna") == after)
        try site.opens()
        #expect(try site.key(of: "session-1", subject: "anna") == after)
        // A second erasure takes the new key too.
        let second = try site.erases("anna")
        #expect(second.links == [after.link])
        #expect(try site.openable([after]) == 0)
    }

    @Test("the same id again gives the same erasure, and nothing happens twice")
    func repeated() throws {
        let site = try ErasureSite()
        _ = try site.keys(2, of: "anna")
        let first = try site.erases("anna", id: "e-1")
        let later = try site.key(of: "anna-0", subject: "anna")
        #expect(try site.erases("anna", id: "e-1") == first)
        #expect(try site.openable([later]) == 1)
        #expect(try site.acts().filter { $0 == "erasureRequested" }.count == 1)
        #expect(site.vault.erasures.count == 1)
    }

    @Test("a person with nothing held can be erased, and is on record")
    func nothingHeld() throws {
        let site = try ErasureSite()
        let erasure = try site.erases("nobody", id: "e-1")
        #expect(erasure.linkCount == 0)
        let batch = try #require(try site.vault.destroyErased(now: site.now))
        #expect(batch.buckets == 0)
        #expect(!batch.isMasterKeyRenewed)
        #expect(site.vault.erasure(id: "e-1")?.state == .destroyed)
        #expect(try site.vault.destroyErased(now: site.now) == nil)
        try site.opens()
        #expect(site.vault.erasure(id: "e-1")?.state == .destroyed)
    }

    @Test(
        "a sequence of two people is gone for both, and the other one's next event gets a new key")
    func shared() throws {
        let site = try ErasureSite()
        let key = try site.key(of: "device-1", subject: "anna")
        #expect(try site.key(of: "device-1", subject: "bert") == key)
        try site.erases("anna", id: "e-1")
        #expect(try site.openable([key]) == 0)
        let links = try site.links(of: "bert")
        #expect(links.map(\.link) == [key.link])
        #expect(links.first?.isErased == true)
        #expect(links.first?.isOpenable == false)
        let batch = try #require(try site.vault.destroyErased(now: site.now))
        #expect(batch.sharedLinks == ["e-1": 1])
        let next = try site.key(of: "device-1", subject: "bert")
        #expect(next.link != key.link)
    }

    @Test("a person's other streams stay as they are if they are not named")
    func streams() throws {
        let site = try ErasureSite()
        let other = StreamID(rawValue: 8)
        let here = try site.key(of: "session-1", subject: "anna")
        let there = try site.vault.key(
            of: "session-1", stream: other, subject: "anna", at: site.now)
        try site.erases("anna", streams: [clicks])
        #expect(try site.openable([here]) == 0)
        #expect(try site.openable([there]) == 1)
        try site.erases("anna", streams: [other, clicks])
        #expect(try site.openable([there]) == 0)
    }

    @Test("a fence refuses later events of the person, over restarts, until it is lifted")
    func fence() throws {
        let site = try ErasureSite()
        _ = try site.key(of: "device-1", subject: "bert")
        _ = try site.key(of: "device-1", subject: "anna")
        try site.erases("anna", fence: true)
        for _ in 0..<2 {
            #expect(throws: VaultError.subjectFenced) {
                try site.key(of: "device-1", subject: "anna")
            }
            #expect(throws: VaultError.subjectFenced) {
                try site.key(of: "device-2", subject: "anna")
            }
            #expect(site.vault.cachedKey(of: "device-1", subject: "anna", at: site.now) == nil)
            _ = try site.key(of: "device-1", subject: "bert")
            try site.opens()
        }
        try Array("anna".utf8).withUnsafeBytes { anna in
            #expect(site.vault.fencedStreams(of: anna, streams: [clicks]) == [clicks])
            let lifted = try site.vault.liftFence(
                of: anna, streams: site.streams, by: ErasureSite.officer, now: site.now)
            #expect(lifted == [clicks])
            _ = try site.key(of: "device-1", subject: "anna")
            try site.opens()
            _ = try site.key(of: "device-2", subject: "anna")
            #expect(try site.acts().filter { $0 == "fenceLifted" }.count == 1)
            let again = try site.vault.liftFence(
                of: anna, streams: site.streams, by: ErasureSite.officer, now: site.now)
            #expect(again == [])
        }
    }

    @Test("a request that cannot be recorded leaves no fence and erases nothing")
    func givenUp() throws {
        let site = try ErasureSite()
        let key = try site.key(of: "session-1", subject: "anna")
        try site.opens(dyingBefore: .appendRequested)
        #expect(throws: VaultError.keyring("died")) { try site.erases("anna", fence: true) }
        #expect(try site.key(of: "session-1", subject: "anna") == key)
        #expect(try site.key(of: "session-2", subject: "anna").link != key.link)
    }

    @Test("what was refused while a request waited for its turn was sent before the erasure")
    func waited() throws {
        let site = try ErasureSite()
        let (asked, other) = (site.now, StreamID(rawValue: 8))
        site.clock.advances(by: 300 * second)
        let recorded = site.now
        try site.vault.erases("anna", id: "e-1", streams: [clicks, other], at: asked)
        site.clock.advances(by: 300 * second)
        for _ in 0..<2 {
            #expect(site.vault.erasure(id: "e-1")?.requestedAt == asked)
            for (time, expected) in [(asked, true), (recorded, true), (recorded + 1, false)] {
                // Nothing of hers was on record in either.
                for stream in [clicks, other] {
                    let wasErased = Array("anna".utf8).withUnsafeBytes {
                        site.vault.wasErased($0, in: stream, since: time)
                    }
                    #expect(wasErased == expected)
                }
            }
            try site.opens()
        }
    }

    @Test("a person with thousands of links is erased in one go")
    func manyLinks() throws {
        let site = try ErasureSite()
        let anna = try site.keys(5_000, of: "anna")
        #expect(try site.links(of: "anna").count == 5_000)
        let erasure = try site.erases("anna")
        #expect(erasure.linkCount == 5_000)
        #expect(try site.openable(anna) == 0)
        #expect(try site.links(of: "anna").isEmpty)
        try site.opens()
        #expect(site.vault.statistics.erasedLinks == 5_000)
        #expect(try site.openable(anna) == 0)
    }

    @Test("no person, no key-field value and no key is in the ledger")
    func nothingInClear() throws {
        let site = try ErasureSite()
        let keys = try site.keys(3, of: "SMCANARY-anna")
        try site.erases("SMCANARY-anna", fence: true)
        _ = try site.vault.destroyErased(now: site.now)
        let ledger = try site.bytes(of: site.ledgerFile)
        #expect(!contains(ledger, Array("SMCANARY".utf8)))
        for key in keys { #expect(!contains(ledger, Array(key.bytes[..<16]))) }
        // The control: what should be there is found.
        #expect(contains(ledger, Array(site.hash(of: "SMCANARY-anna").hexadecimal.utf8)))
    }
}
