import Foundation
import Store
import Synchronization
import Testing

@testable import Vault

@Suite struct ErasureLedgerTests {
    /// A site where three people were erased and destroyed, closed.
    private func site() throws -> ErasureSite {
        let site = try ErasureSite()
        for person in ["anna", "bert", "carl"] {
            _ = try site.keys(2, of: person)
            try site.erases(person, fence: person == "anna")
        }
        _ = try site.vault.destroyErased(now: site.now)
        site.closes()
        return site
    }

    private func lines(_ site: ErasureSite) throws -> [[UInt8]] {
        try site.bytes(of: site.ledgerFile).split(separator: 0x0A).map { Array($0) }
    }

    private func writes(_ lines: [[UInt8]], _ site: ErasureSite, end: [UInt8] = []) throws {
        let bytes = lines.flatMap { $0 + [0x0A] } + end
        try Data(bytes).write(to: URL(fileURLWithPath: site.ledgerFile))
    }

    private func refusal(_ site: ErasureSite) throws -> String {
        do {
            try site.opens()
        } catch VaultError.ledger(let message) {
            return message
        }
        Issue.record("the start was not refused")
        return ""
    }

    @Test("a start without the ledger is refused, and says which file and number are missed")
    func missing() throws {
        let site = try site()
        try FileManager.default.removeItem(atPath: site.ledgerFile)
        let message = try refusal(site)
        #expect(message.contains(site.ledgerFile))
        #expect(message.contains("is missing"))
        #expect(message.contains("number 4"))
    }

    @Test("a directory of the ledger that is not there is not made: its device may not be mounted")
    func missingDirectory() throws {
        // Nobody was erased, so that nothing else misses the ledger.
        let site = try ErasureSite()
        site.closes()
        let directory = site.path + "/erasures"
        try FileManager.default.moveItem(atPath: directory, toPath: directory + ".away")
        let message = try refusal(site)
        #expect(message.contains(directory) && message.contains("Mount its device, or make it"))
        #expect(throws: VaultError.ledger(message)) { try site.givesUpLedger() }
        #expect(!FileManager.default.fileExists(atPath: directory))
        try FileManager.default.moveItem(atPath: directory + ".away", toPath: directory)
        try site.opens()
    }

    @Test("a ledger that lost any number of its last lines is refused")
    func cut() throws {
        let site = try site()
        let all = try lines(site)
        #expect(all.count == 7)
        for count in 1..<all.count {
            try writes(Array(all[..<count]), site)
            #expect(try refusal(site).contains("cut or replaced"), "\(count) lines")
        }
        try writes(all, site)
        try site.opens()
    }

    @Test(
        "a last line that is not whole was never acknowledged: it is dropped, and the next takes its place"
    )
    func torn() throws {
        let site = try site()
        let all = try lines(site)
        let last = try #require(all.last)
        for count in [1, 10, last.count - 1] {
            try writes(all, site, end: Array(last[..<count]))
            try site.opens()
            #expect(site.vault.erasures.count == 3)
            site.closes()
        }
        // With a line end, as if blocks of it had been lost.
        try writes(all, site, end: [UInt8](repeating: 0, count: 300) + [0x0A])
        try site.opens()
        try site.erases("dora", id: "e-4")
        try site.opens()
        #expect(site.vault.erasures.count == 4)
        #expect(try lines(site).count == 8)
    }

    @Test("a line that was altered, dropped, doubled or moved is refused")
    func altered() throws {
        let site = try site()
        let all = try lines(site)
        var edits: [[[UInt8]]] = []
        for index in all.indices {
            for place in [3, all[index].count / 2, all[index].count - 5] {
                var edited = all
                edited[index][place] ^= 1
                edits.append(edited)
            }
            var dropped = all
            dropped.remove(at: index)
            edits.append(dropped)
            var doubled = all
            doubled.insert(all[index], at: index)
            edits.append(doubled)
        }
        for index in 0..<all.count - 1 {
            var moved = all
            moved.swapAt(index, index + 1)
            edits.append(moved)
        }
        for edit in edits {
            try writes(edit, site)
            // A doubled last line is dropped as what a crash may have left.
            if edit.count == all.count + 1 && edit[all.count - 1] == edit[all.count] { continue }
            _ = try refusal(site)
        }
        try writes(all, site)
        try site.opens()
    }

    @Test("a replacement of the file that fails before or after it spoils nothing that is appended")
    func failedReplacement() throws {
        for place in 1...2 {
            let site = try ErasureSite()
            _ = try site.keys(30, of: "anna")
            try site.erases("anna", id: "e-1")
            _ = try site.vault.destroyErased(now: site.now)
            #expect(site.vault.statistics.ledgerFailure == nil)
            let calls = Atomic(0)
            site.vault.ledger.failsReplacements { () throws(VaultError) in
                if calls.add(1, ordering: .relaxed).newValue == place { throw .ledger("no sync") }
            }
            site.clock.advances(by: 9 * day)
            #expect(throws: VaultError.ledger("no sync")) {
                _ = try site.vault.destroyExpiredEpochs(now: site.now)
            }
            // Told until somebody has looked at the file.
            #expect(
                site.vault.statistics.ledgerFailure?.contains("could not be replaced") == true)
            _ = try site.keys(2, of: "bert")
            try site.erases("bert", id: "e-2")
            #expect(site.vault.statistics.ledgerFailure == nil)
            try site.opens()
            #expect(site.vault.erasures.map(\.id) == ["e-1", "e-2"])
            #expect(site.vault.statistics.erasedLinks == 2)
        }
    }

    @Test("more keys of an erased person that a newer backup brings back are erased too")
    func broughtBack() throws {
        let site = try ErasureSite()
        let bert = try site.keys(300, of: "bert")
        let anna = try site.keys(2, of: "anna")
        site.closes()
        try site.copies("data", to: "older")
        try site.opens()
        let more = try ["x", "y", "z"].map { try site.key(of: $0, subject: "anna") }
        try site.store.waitForCommits()
        site.closes()
        try site.copies("data", to: "newer")
        try site.bringsBack("older", as: "data")
        try site.opens(acceptsOlderState: true)
        try site.erases("anna", id: "e-1")
        #expect(try site.vault.destroyErased(now: site.now)?.keysDestroyed == 2)
        site.closes()
        try site.bringsBack("newer", as: "data")
        for _ in 0..<2 {
            try site.opens(acceptsOlderState: true)
            #expect(try site.openable(anna + more) == 0)
            #expect(try site.openable(bert) == 300)
            for key in more { #expect(try site.record(of: key.link) == nil) }
            let erasure = try #require(site.vault.erasure(id: "e-1"))
            #expect(erasure.state == .destroyed)
            #expect(erasure.linkCount == 5)
            #expect(erasure.batch?.keysDestroyed == 5)
        }
        // Who comes back after the request has a new key, which is not of the erasure.
        let new = try site.key(of: "x", subject: "anna")
        try site.opens()
        #expect(try site.openable([new]) == 1)
    }

    @Test("the ledger of another installation is refused")
    func moved() throws {
        let site = try site()
        let other = try self.site()
        try FileManager.default.removeItem(atPath: site.ledgerFile)
        try FileManager.default.copyItem(atPath: other.ledgerFile, toPath: site.ledgerFile)
        #expect(try refusal(site).contains("another installation"))
    }

    @Test("the store alone remembers the ledger too, if the keyring is an old one")
    func storeRemembers() throws {
        let site = try ErasureSite(renewsMasterKey: false)
        _ = try site.keys(2, of: "anna")
        site.closes()
        try site.copies("keys", to: "escrow")
        try site.opens()
        try site.erases("anna")
        site.closes()
        try site.bringsBack("escrow", as: "keys")
        try FileManager.default.removeItem(atPath: site.ledgerFile)
        #expect(try refusal(site).contains("the store has seen number 1"))
    }

    @Test("the keyring alone remembers the ledger too, if the store is an old one")
    func keyringRemembers() throws {
        let site = try ErasureSite()
        _ = try site.keys(2, of: "anna")
        site.closes()
        try site.copies("data", to: "backup")
        try site.opens()
        try site.erases("anna")
        site.closes()
        try site.bringsBack("backup", as: "data")
        try FileManager.default.removeItem(atPath: site.ledgerFile)
        #expect(try refusal(site).contains("the keyring has seen number 1"))
    }

    @Test("an installation where nobody was erased has no ledger, and needs none")
    func none() throws {
        let site = try ErasureSite()
        try site.opens()
        #expect(!FileManager.default.fileExists(atPath: site.ledgerFile))
        #expect(site.vault.erasureLedgerNumber == 0)
    }

    @Test("a ledger tells that it is almost full while an eighth of it is left")
    func almostFull() {
        let (max, eighth) = (ErasureLedger.bytesMax, ErasureLedger.bytesMax / 8)
        #expect(!ErasureLedger.isAlmostFull(bytes: 0))
        #expect(!ErasureLedger.isAlmostFull(bytes: max - eighth))
        #expect(ErasureLedger.isAlmostFull(bytes: max - eighth + 1))
    }

    @Test("people, actors and references survive the file")
    func contents() throws {
        let site = try site()
        try site.opens()
        let anna = try #require(site.vault.erasures.first)
        #expect(anna.person == site.hash(of: "anna"))
        #expect(anna.client == "dpo-1" && anna.role == "dpo" && anna.reference == "case 7")
        #expect(anna.hasFence)
        #expect(anna.streams == [clicks])
        #expect(anna.epochs.map(\.links) == [2])
        #expect(anna.epochs.map(\.day) == [UTCDay(at: ManualClock.noon)])
        #expect(anna.links.count == 2)
        #expect(anna.batch?.erasures.count == 3)
    }
}
