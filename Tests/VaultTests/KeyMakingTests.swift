import Dispatch
import Store
import Synchronization
import Testing

@testable import Vault

@Suite struct KeyMakingTests {
    @Test("8 threads that ask for the same 1,000 sequences make exactly 1,000 keys")
    func concurrency() throws {
        let fixture = try VaultFixture(cachedKeysMax: 4_096)
        let vault = fixture.vault
        let now = fixture.clock.now
        let seen = Mutex<[Int: Set<KeyLink>]>([:])
        DispatchQueue.concurrentPerform(iterations: 8) { thread in
            for step in 0..<1_000 {
                // Each thread starts elsewhere and half of them run backwards.
                let number = (thread % 2 == 0 ? step : 999 - step) &+ thread * 100
                let sequence = number % 1_000
                let key =
                    vault.cachedKey(of: "session-\(sequence)", at: now)
                    ?? (try? vault.key(of: "session-\(sequence)", at: now))
                if let key { _ = seen.withLock { $0[sequence, default: []].insert(key.link) } }
            }
        }
        let links = seen.withLock { $0 }
        #expect(links.count == 1_000)
        #expect(links.values.allSatisfy { $0.count == 1 })
        #expect(vault.statistics.keysMade == 1_000)
        #expect(fixture.store.state.withLock { $0.keys.count } == 1_000)
    }

    @Test("a cache of 64 keys serves 10,000 sequences, which keep their keys")
    func eviction() throws {
        let fixture = try VaultFixture(cachedKeysMax: 64)
        let now = fixture.clock.now
        var links: [KeyLink] = []
        for number in 0..<10_000 {
            links.append(try fixture.vault.key(of: "session-\(number)", at: now).link)
        }
        #expect(Set(links).count == 10_000)
        for number in stride(from: 0, to: 10_000, by: 37) {
            #expect(try fixture.vault.key(of: "session-\(number)", at: now).link == links[number])
            #expect(try fixture.vault.key(for: links[number], at: now).link == links[number])
        }
        let statistics = fixture.vault.statistics
        #expect(statistics.cachedKeysMax == 64)
        #expect(statistics.cachedKeys <= 64)
        #expect(statistics.keysMade == 10_000)
        #expect(statistics.evictions >= 9_936)
    }

    @Test("an evicted key is overwritten in memory")
    func evictionWipes() throws {
        let fixture = try VaultFixture(cachedKeysMax: 64)
        let now = fixture.clock.now
        let first = try fixture.vault.key(of: "first", at: now)
        #expect(contains(fixture.vault.cache.arena.copy(), first.bytes))
        for number in 0..<200 { _ = try fixture.vault.key(of: "session-\(number)", at: now) }
        #expect(fixture.vault.cachedKey(of: "first", at: now) == nil)
        #expect(!contains(fixture.vault.cache.arena.copy(), first.bytes))
    }

    @Test("a key that is used stays in a cache that others pass through")
    func secondChance() throws {
        let fixture = try VaultFixture(cachedKeysMax: 64)
        let now = fixture.clock.now
        _ = try fixture.vault.key(of: "often", at: now)
        var hits = 0
        for number in 0..<1_000 {
            _ = try fixture.vault.key(of: "once-\(number)", at: now)
            if fixture.vault.cachedKey(of: "often", at: now) != nil { hits += 1 }
        }
        #expect(hits == 1_000)
    }

    @Test("the record is with the store before anyone can see the key")
    func submittedFirst() throws {
        let fixture = try VaultFixture()
        let vault = fixture.vault
        let now = fixture.clock.now
        let visible = Atomic(-1)
        fixture.store.state.withLock {
            $0.onSubmit = {
                visible.store(
                    vault.cachedKey(of: "session-1", at: now) == nil ? 0 : 1, ordering: .relaxed)
            }
        }
        _ = try vault.key(of: "session-1", at: now)
        fixture.store.state.withLock { $0.onSubmit = nil }
        #expect(visible.load(ordering: .relaxed) == 0)
        #expect(vault.cachedKey(of: "session-1", at: now) != nil)
    }

    @Test("a full store queue means no key: nothing is cached, the next attempt makes another")
    func overloaded() throws {
        let fixture = try VaultFixture()
        let now = fixture.clock.now
        fixture.store.refuses(with: .overloaded(retryAfterSeconds: 2))
        #expect(throws: VaultError.store(.overloaded(retryAfterSeconds: 2))) {
            try fixture.vault.key(of: "session-1", at: now)
        }
        #expect(fixture.vault.cachedKey(of: "session-1", at: now) == nil)
        #expect(fixture.vault.statistics.keysMade == 0)
        #expect(fixture.vault.statistics.keysPending == 0)
        fixture.store.refuses(with: nil)
        let key = try fixture.vault.key(of: "session-1", at: now)
        #expect(fixture.store.state.withLock { Array($0.keys.keys) } == [key.link])
    }

    @Test("a key whose commit fails never existed")
    func failedCommit() throws {
        let fixture = try VaultFixture()
        let now = fixture.clock.now
        fixture.store.holds(true)
        let key = try fixture.vault.key(of: "session-1", at: now)
        fixture.store.failsCommit()
        #expect(fixture.vault.cachedKey(of: "session-1", at: now) == nil)
        #expect(throws: VaultError.keyGone) { try fixture.vault.key(for: key.link, at: now) }
        #expect(fixture.vault.statistics.keysPending == 0)
    }

    @Test("a commit that fails before the maker has gone on takes the key away too")
    func failedAtOnce() throws {
        final class FailingStore: KeyStore {
            func readKey(_ link: KeyLink) throws(StoreError) -> [UInt8]? { nil }
            func readIndex(_ key: [UInt8]) throws(StoreError) -> [UInt8]? { nil }
            func submit(
                _ mutations: [Mutation],
                completion: (@Sendable (Result<CommitReceipt, StoreError>) -> Void)?
            ) throws(StoreError) {
                completion?(.failure(.poisoned))
            }
        }
        let fixture = try VaultFixture()
        fixture.vault.attach(store: FailingStore())
        #expect(throws: VaultError.store(.poisoned)) {
            try fixture.vault.key(of: "session-1", at: fixture.clock.now)
        }
        #expect(fixture.vault.cachedKey(of: "session-1", at: fixture.clock.now) == nil)
    }

    @Test("a key that is evicted before its sync is found again, not made twice")
    func pendingKey() throws {
        let fixture = try VaultFixture(cachedKeysMax: 1)
        let now = fixture.clock.now
        fixture.store.holds(true)
        let first = try fixture.vault.key(of: "session-1", at: now)
        _ = try fixture.vault.key(of: "session-2", at: now)
        #expect(fixture.vault.cachedKey(of: "session-1", at: now) == nil)
        #expect(fixture.vault.statistics.keysPending == 2)
        #expect(try fixture.vault.key(of: "session-1", at: now) == first)
        #expect(fixture.vault.statistics.keysMade == 2)
        fixture.store.commit()
        #expect(fixture.vault.statistics.keysPending == 0)
        _ = try fixture.vault.key(of: "session-2", at: now)
        #expect(try fixture.vault.key(of: "session-1", at: now) == first)
    }

    @Test("store errors while looking come out as they are")
    func storeErrors() throws {
        final class BrokenStore: KeyStore {
            func readKey(_ link: KeyLink) throws(StoreError) -> [UInt8]? { throw .io("disk") }
            func readIndex(_ key: [UInt8]) throws(StoreError) -> [UInt8]? { throw .closed }
            func submit(
                _ mutations: [Mutation],
                completion: (@Sendable (Result<CommitReceipt, StoreError>) -> Void)?
            ) throws(StoreError) {}
        }
        let fixture = try VaultFixture()
        let now = fixture.clock.now
        fixture.vault.attach(store: BrokenStore())
        #expect(throws: VaultError.store(.closed)) { try fixture.vault.key(of: "a", at: now) }
        #expect(throws: VaultError.store(.io("disk"))) {
            try fixture.vault.key(for: .random(), at: now)
        }
    }

    @Test("a data subject is on record before its first event can be sealed")
    func subjects() throws {
        let fixture = try VaultFixture()
        let now = fixture.clock.now
        let key = try fixture.vault.key(of: "device-1", subject: "anna", at: now)
        #expect(fixture.store.state.withLock { $0.subjects.count } == 1)
        #expect(fixture.vault.cachedKey(of: "device-1", subject: "anna", at: now) == key)
        // The same device, another person: not from the cache before it is on record.
        #expect(fixture.vault.cachedKey(of: "device-1", subject: "bert", at: now) == nil)
        #expect(try fixture.vault.key(of: "device-1", subject: "bert", at: now) == key)
        #expect(fixture.vault.cachedKey(of: "device-1", subject: "bert", at: now) == key)
        #expect(fixture.vault.cachedKey(of: "device-1", subject: "anna", at: now) == key)
        #expect(fixture.vault.cachedKey(of: "device-1", at: now) == key)
        let subjects = fixture.store.state.withLock { $0.subjects }
        #expect(subjects.count == 2)
        for subject in subjects {
            #expect(subject.count == 52)
            #expect(Array(subject[..<4]) == [0, 0, 0, 7])
            #expect(Array(subject[36...]) == key.link.bytes)
            #expect(!contains(subject, Array("anna".utf8)))
        }
    }

    @Test("a subject that the store refuses does not get the key")
    func refusedSubject() throws {
        let fixture = try VaultFixture()
        let now = fixture.clock.now
        _ = try fixture.vault.key(of: "device-1", subject: "anna", at: now)
        fixture.store.refuses(with: .overloaded(retryAfterSeconds: 1))
        #expect(throws: VaultError.store(.overloaded(retryAfterSeconds: 1))) {
            try fixture.vault.key(of: "device-1", subject: "bert", at: now)
        }
        #expect(fixture.vault.cachedKey(of: "device-1", subject: "bert", at: now) == nil)
    }

    @Test("a restart puts a subject on record again rather than trust that it is there")
    func subjectsAfterRestart() throws {
        let fixture = try VaultFixture()
        let now = fixture.clock.now
        let key = try fixture.vault.key(of: "device-1", at: now)
        try fixture.opens()
        #expect(try fixture.vault.key(of: "device-1", subject: "anna", at: now) == key)
        #expect(fixture.store.state.withLock { $0.subjects.count } == 1)
    }
}
