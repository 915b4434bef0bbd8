import Foundation
import Store
import Synchronization
import Testing

@testable import Vault

@Suite struct ErasureBatchTests {
    /// Others' keys: enough that each bucket has some.
    private static let others = 1_500

    @Test("the buckets' keys are replaced, survivors open, and copies of erased records do not")
    func destruction() throws {
        let site = try ErasureSite()
        let bert = try site.keys(Self.others, of: "bert")
        let anna = try site.keys(3, of: "anna")
        let records = try anna.map { try #require(try site.record(of: $0.link)) }
        let touched = Set(anna.map { KeyRecord.bucket(of: $0.link) })
        let survivors = bert.filter { touched.contains(KeyRecord.bucket(of: $0.link)) }
        let erasure = try site.erases("anna", id: "e-1")
        let batch = try #require(try site.vault.destroyErased(now: site.now))
        #expect(batch.erasures == ["e-1"])
        #expect(batch.buckets == touched.count)
        #expect(batch.keysDestroyed == 3)
        #expect(batch.survivors == survivors.count)
        #expect(survivors.count > 3)
        #expect(batch.unreadable == 0)
        #expect(batch.isMasterKeyRenewed)
        #expect(batch.masterKeyCustody == "file")
        let done = try #require(site.vault.erasure(id: "e-1"))
        #expect(done.state == .destroyed)
        #expect(done.batch == batch)
        #expect(done.links == erasure.links)
        #expect(try site.vault.destroyErased(now: site.now) == nil)
        for _ in 0..<2 {
            #expect(try site.openable(bert) == Self.others)
            // Copies of the erased records are worthless, also if nobody knew that they are erased.
            for (key, record) in zip(anna, records) {
                try site.puts(record, under: key.link)
                #expect(try !site.vault.canBeOpened(record, key.link))
                #expect(try site.openable([key]) == 0)
            }
            try site.opens()
        }
        // What was not touched was not written.
        for key in bert {
            let isTouched = touched.contains(KeyRecord.bucket(of: key.link))
            let record = try KeyRecord(try #require(try site.record(of: key.link)))
            #expect(record.generation == (isTouched ? batch.number : 0))
        }
        #expect(
            try site.acts().filter { $0.hasPrefix("erasure") }
                == ["erasureRequested", "erasureCompleted"])
        // Rewrapping makes no keys.
        #expect(site.vault.statistics.keysMade == 0)
    }

    @Test("died before any step: erased or as before, and complete after the next start")
    func everyStep() throws {
        for step in ErasureStep.allCases {
            let site = try ErasureSite()
            let bert = try site.keys(600, of: "bert")
            let anna = try site.keys(3, of: "anna")
            let records = try anna.map { try #require(try site.record(of: $0.link)) }
            try site.opens(dyingBefore: step)
            #expect(throws: VaultError.keyring("died"), "\(step)") {
                try site.erases("anna", id: "e-1")
                _ = try site.vault.destroyErased(now: site.now)
            }
            try site.opens()
            #expect(try site.openable(bert) == 600, "\(step)")
            if step == .appendRequested {
                #expect(try site.openable(anna) == 3)
                try site.erases("anna", id: "e-1")
            }
            #expect(try site.openable(anna) == 0, "\(step)")
            _ = try site.vault.destroyErased(now: site.now)
            let done = try #require(site.vault.erasure(id: "e-1"))
            #expect(done.state == .destroyed, "\(step)")
            #expect(done.batch?.keysDestroyed == 3, "\(step)")
            #expect(done.batch?.isMasterKeyRenewed == true, "\(step)")
            #expect(try site.openable(bert) == 600, "\(step)")
            for (key, record) in zip(anna, records) {
                #expect(try !site.vault.canBeOpened(record, key.link), "\(step)")
            }
            #expect(site.names(in: "keys") == ["keyring"], "\(step)")
            #expect(!site.names(in: "").contains { $0.hasPrefix("master.key.") }, "\(step)")
            #expect(!site.names(in: "erasures/rewrapped").contains { $0.hasSuffix(".next") })
            let acts = try site.acts().filter {
                $0 == "erasureRequested" || $0 == "erasureCompleted"
            }
            #expect(acts == ["erasureRequested", "erasureCompleted"], "\(step)")
            try site.opens()
            #expect(try site.openable(bert) == 600, "\(step)")
            #expect(try site.key(of: "new", subject: "anna").link != anna[0].link)
        }
    }

    @Test("failed in every step one after the other, without a restart: it completes")
    func repeatedFailures() throws {
        let site = try ErasureSite()
        let bert = try site.keys(600, of: "bert")
        let anna = try site.keys(3, of: "anna")
        let next = Atomic(0)
        let steps = ErasureStep.allCases
        try site.opens(before: { step throws(VaultError) in
            let index = next.load(ordering: .relaxed)
            if index < steps.count && steps[index] == step {
                next.store(index + 1, ordering: .relaxed)
                throw .keyring("no space")
            }
        })
        var attempts = 0
        while site.vault.erasure(id: "e-1")?.state != .destroyed && attempts < 60 {
            attempts += 1
            do {
                try site.erases("anna", id: "e-1")
                _ = try site.vault.destroyErased(now: site.now)
            } catch VaultError.keyring("no space") {
                continue
            }
        }
        // The last step fails after the state has become destroyed.
        _ = try site.vault.destroyErased(now: site.now)
        #expect(next.load(ordering: .relaxed) >= steps.count - 1)
        #expect(try site.openable(bert) == 600)
        #expect(try site.openable(anna) == 0)
        try site.opens()
        #expect(try site.openable(bert) == 600)
        #expect(try site.acts().filter { $0 == "erasureCompleted" }.count == 1)
    }

    @Test("keys that are made while the buckets are replaced open, and so does everything else")
    func duringTheBatch() throws {
        let site = try ErasureSite()
        let bert = try site.keys(600, of: "bert")
        _ = try site.keys(40, of: "anna")
        let makers = Makers()
        makers.start(site.vault, at: site.now)
        try site.erases("anna")
        let batch = try #require(try site.vault.destroyErased(now: site.now))
        let made = makers.stop()
        #expect(batch.buckets > 30)
        #expect(made.count >= 150)
        let all = bert + made
        #expect(try site.openable(all) == all.count)
        try site.opens()
        #expect(try site.openable(all) == all.count)
    }

    @Test("who is erased while the buckets are replaced stays erased, and is destroyed by the next")
    func requestDuringTheBatch() throws {
        final class Box: Sendable {
            let body = Mutex<(@Sendable (ErasureStep) -> Void)?>(nil)
        }
        for wanted in [
            ErasureStep.waitForMakers, .rewrap, .verify, .keepRewrapped, .destroyBuckets,
        ] {
            let site = try ErasureSite()
            let carl = try site.keys(400, of: "carl")
            let records = try carl.map { try #require(try site.record(of: $0.link)) }
            let bert = try site.keys(400, of: "bert")
            _ = try site.keys(100, of: "anna")
            let box = Box()
            try site.opens(before: { step throws(VaultError) in
                let body = box.body.withLock { $0 }
                body?(step)
            })
            box.body.withLock { [vault = site.vault, now = site.now] in
                $0 = { step in
                    guard step == wanted, vault.erasure(id: "e-2") == nil else { return }
                    do {
                        try vault.erases("carl", id: "e-2", at: now)
                    } catch {
                        Issue.record("\(error)")
                    }
                }
            }
            try site.erases("anna", id: "e-1")
            let first = try #require(try site.vault.destroyErased(now: site.now))
            box.body.withLock { $0 = nil }
            #expect(first.erasures == ["e-1"], "\(wanted)")
            #expect(try site.openable(carl) == 0, "\(wanted)")
            for key in carl { #expect(try site.record(of: key.link) == nil, "\(wanted)") }
            let second = try #require(try site.vault.destroyErased(now: site.now))
            #expect(second.erasures == ["e-2"])
            for (key, record) in zip(carl, records) {
                #expect(try !site.vault.canBeOpened(record, key.link))
            }
            #expect(try site.openable(bert) == 400, "\(wanted)")
            try site.opens()
            #expect(try site.openable(bert) == 400, "\(wanted)")
        }
    }

    @Test("an older copy of the store does not bring back who was erased, and survivors open")
    func olderStore() throws {
        for isDestroyed in [false, true] {
            let site = try ErasureSite()
            let bert = try site.keys(Self.others, of: "bert")
            let anna = try site.keys(3, of: "anna")
            site.closes()
            try site.copies("data", to: "backup")
            try site.opens()
            try site.erases("anna", id: "e-1")
            if isDestroyed { _ = try site.vault.destroyErased(now: site.now) }
            site.closes()
            try site.bringsBack("backup", as: "data")
            try site.opens(acceptsOlderState: true)
            #expect(try site.openable(anna) == 0)
            #expect(try site.openable(bert) == Self.others)
            #expect(try site.links(of: "anna").isEmpty)
            for key in anna { #expect(try site.record(of: key.link) == nil) }
            let acts = try site.acts().filter { $0.hasPrefix("erasure") }
            #expect(
                acts
                    == (isDestroyed
                        ? ["erasureRequested", "erasureCompleted", "erasuresReplayed"]
                        : ["erasureRequested", "erasuresReplayed"]))
            try site.opens()
            #expect(try site.acts().filter { $0 == "erasuresReplayed" }.count == 1)
            #expect(try site.openable(bert) == Self.others)
            if !isDestroyed {
                #expect(try site.vault.destroyErased(now: site.now)?.keysDestroyed == 3)
                #expect(try site.openable(bert) == Self.others)
            }
        }
    }

    @Test("two destructions of the same buckets, and a store from before both")
    func twice() throws {
        let site = try ErasureSite()
        let bert = try site.keys(Self.others, of: "bert")
        let carl = try site.keys(300, of: "carl")
        let anna = try site.keys(300, of: "anna")
        site.closes()
        try site.copies("data", to: "backup")
        try site.opens()
        for person in ["anna", "carl"] {
            try site.erases(person)
            #expect(try site.vault.destroyErased(now: site.now)?.keysDestroyed == 300)
            #expect(try site.openable(bert) == Self.others)
        }
        site.closes()
        try site.bringsBack("backup", as: "data")
        try site.opens(acceptsOlderState: true)
        #expect(try site.openable(bert) == Self.others)
        #expect(try site.openable(anna + carl) == 0)
    }

    @Test("an older keyring is not enough: the destruction is done again, before anything is read")
    func olderKeyring() throws {
        let site = try ErasureSite(renewsMasterKey: false)
        let bert = try site.keys(600, of: "bert")
        let anna = try site.keys(3, of: "anna")
        let records = try anna.map { try #require(try site.record(of: $0.link)) }
        let touched = Set(anna.map { KeyRecord.bucket(of: $0.link) })
        let untouched = bert.filter { !touched.contains(KeyRecord.bucket(of: $0.link)) }
        site.closes()
        try site.copies("keys", to: "escrow")
        try site.opens()
        try site.erases("anna", id: "e-1")
        let first = try #require(try site.vault.destroyErased(now: site.now))
        site.closes()
        try site.bringsBack("escrow", as: "keys")
        try site.opens()
        let again = try #require(site.vault.erasure(id: "e-1")?.batch)
        #expect(again.number > first.number)
        for (key, record) in zip(anna, records) {
            #expect(try !site.vault.canBeOpened(record, key.link))
        }
        // What only the lost keyring could open is lost with it, and says so; nothing else is.
        #expect(try site.openable(untouched) == untouched.count)
        #expect(again.unreadable == bert.count - untouched.count)
    }

    @Test("an erasure is destroyed when that has happened, not when its destruction began")
    func destroyedAt() throws {
        let site = try ErasureSite()
        _ = try site.keys(3, of: "anna")
        let clock = site.clock
        try site.opens(before: { step throws(VaultError) in
            if step == .destroyBuckets { clock.advances(by: 90 * second) }
        })
        let begun = site.now
        try site.erases("anna", id: "e-1")
        _ = try site.vault.destroyErased(now: begun)
        let erasure = try #require(site.vault.erasure(id: "e-1"))
        #expect(erasure.requestedAt == begun)
        #expect(erasure.destroyedAt == begun + 90 * second)
    }

    @Test("a destruction goes on while the clock is not trusted")
    func clockOnHold() throws {
        let site = try ErasureSite()
        _ = try site.keys(3, of: "anna")
        site.clock.jumps(by: 2 * hour)
        #expect(!site.vault.mayDestroy(now: site.now))
        try site.erases("anna")
        #expect(try site.vault.destroyErased(now: site.now)?.keysDestroyed == 3)
    }

    @Test("an epoch that expires before the destruction needs none; its links are known for a week")
    func expired() throws {
        let site = try ErasureSite()
        _ = try site.keys(300, of: "anna")
        let bert = try site.keys(600, of: "bert")
        try site.erases("anna", id: "e-1")
        _ = try site.vault.destroyErased(now: site.now)
        #expect(!site.names(in: "erasures/rewrapped").isEmpty)
        let size = try site.bytes(of: site.ledgerFile).count
        _ = try site.keys(3, of: "carl")
        try site.erases("carl", id: "e-2")
        site.clock.advances(by: 9 * day)
        #expect(try site.vault.destroyExpiredEpochs(now: site.now).count == 1)
        // Those of the first, which ended more than a week ago, are forgotten.
        #expect(site.vault.statistics.erasedLinks == 3)
        #expect(site.names(in: "erasures/rewrapped").isEmpty)
        #expect(try site.bytes(of: site.ledgerFile).count < size)
        #expect(try site.openable(bert) == 0)
        let batch = try #require(try site.vault.destroyErased(now: site.now))
        #expect(batch.buckets == 0 && batch.keysDestroyed == 0)
        try site.opens()
        try site.vault.confirmClock()
        let erasure = try #require(site.vault.erasure(id: "e-1"))
        #expect(erasure.linkCount == 300)
        #expect(erasure.links.isEmpty)
        #expect(erasure.state == .destroyed)
        let second = try #require(site.vault.erasure(id: "e-2"))
        #expect(second.state == .destroyed && second.areLinksKnown && second.links.count == 3)
        site.clock.advances(by: 7 * day)
        try site.opens()
        // What is forgotten does not come back, so a clock that nobody trusts forgets nothing.
        #expect(site.vault.statistics.isDestructionOnHold)
        try site.vault.forgetExpiredErasures(now: site.now)
        #expect(site.vault.statistics.erasedLinks == 3)
        try site.vault.confirmClock()
        try site.vault.forgetExpiredErasures(now: site.now)
        #expect(site.vault.erasure(id: "e-2")?.links == [])
        #expect(site.vault.statistics.erasedLinks == 0)
    }

    @Test("the links of an erasure are known until there is a receipt, but no longer than a month")
    func withoutReceipt() throws {
        for hasReceipt in [true, false] {
            let site = try ErasureSite()
            site.receipts = []
            try site.opens()
            _ = try site.keys(3, of: "anna")
            try site.erases("anna", id: "e-1")
            _ = try site.vault.destroyErased(now: site.now)
            site.clock.advances(by: 9 * day)
            #expect(try site.vault.destroyExpiredEpochs(now: site.now).count == 1)
            #expect(site.vault.statistics.erasedLinks == 3)
            site.clock.advances(by: 20 * day)
            try site.opens()
            #expect(site.vault.statistics.erasedLinks == 3)
            if hasReceipt { site.receipts = ["e-1"] } else { site.clock.advances(by: day) }
            try site.opens()
            try site.vault.confirmClock()
            try site.vault.forgetExpiredErasures(now: site.now)
            #expect(site.vault.statistics.erasedLinks == 0)
            #expect(site.vault.erasure(id: "e-1")?.linkCount == 3)
        }
    }
}

/// Threads that make keys of all kinds until they are told to stop.
private final class Makers: Sendable {
    private let made = Mutex<[LentKey]>([])
    private let isDone = Atomic(false)
    private let group = DispatchGroup()

    func start(_ vault: Vault, at now: Milliseconds) {
        for number in 0..<3 {
            DispatchQueue.global().async(group: group) { [self] in
                var count = 0
                while !isDone.load(ordering: .relaxed) || count < 50 {
                    guard count < 3_000 else { break }
                    count += 1
                    make("carl-\(number)-\(count)", vault, isSingleUse: number == 0, now)
                }
            }
        }
    }

    func stop() -> [LentKey] {
        isDone.store(true, ordering: .relaxed)
        group.wait()
        return made.withLock { $0 }
    }

    private func make(
        _ sequence: String, _ vault: Vault, isSingleUse: Bool, _ now: Milliseconds
    ) {
        do {
            let key =
                isSingleUse
                ? try vault.withSingleUseKey(stream: clicks, retention: .standard, now: now) {
                    LentKey($0)
                } : try vault.key(of: sequence, subject: "carl", at: now)
            made.withLock { $0.append(key) }
        } catch {
            Issue.record("\(error)")
        }
    }
}
